"""What a video costs: its price before, its cost after."""

from collections.abc import Mapping
from math import isfinite

from attrs import frozen

from .provider import Provider
from .request import VideoRequest


@frozen
class Balance:
    """What is left on an account: an `amount` in a `unit`, such as "credits"."""

    amount: float
    unit: str


def list_price(
    provider: Provider, request: VideoRequest, options: Mapping[str, object]
) -> float | None:
    """
    The list price of a video in USD; `options` are the provider's own, by name.

    None if it is not known, if the provider refuses such a video, or if a plug-in raises: one bad
    price must not spoil a whole table.
    """
    try:
        own = provider.Options(**options)
        provider.check(request, own)
        usd = provider.price(request, own)
        return float(usd) if usd is not None and isfinite(usd) else None
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a plug-in may raise anything, even a panic in Rust.
        return None


def cost_unit(cost: float | None, unit: str | None, provider: Provider | None) -> str | None:
    """
    The unit of a cost; None if there is no cost, or the unit is no longer known.

    Old rows of the journal have no unit; theirs is the provider's usual one.
    """
    if cost is None or unit is not None or provider is None:
        return unit
    return provider.cost_unit
