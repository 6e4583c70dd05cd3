"""What a video costs: prices before, costs after."""

from collections.abc import Mapping
from math import isfinite

from attrs import frozen

from .provider import Provider
from .request import VideoRequest


@frozen
class Balance:
    """What is left on an account; `unit` is what `amount` counts."""

    amount: float
    unit: str


def list_price(
    provider: Provider, request: VideoRequest, options: Mapping[str, object]
) -> float | None:
    """
    The list price of a video in USD; `options` are the provider's own, by name.

    None where it is not known, where the provider does not make such a video, or where a plug-in
    stumbles: a table of prices needs all the others.
    """
    try:
        own = provider.Options(**options)
        provider.check(request, own)
        usd = provider.price(request, own)
        return float(usd) if usd is not None and isfinite(usd) else None
    except Exception:  # noqa: BLE001 - whatever a plug-in raises is its own matter
        return None


def cost_unit(cost: float | None, unit: str | None, provider: Provider | None) -> str | None:
    """
    What a cost counts; None if there is none, or nobody knows any more.

    Rows of the journal that are older than its column of units have the provider's usual one.
    """
    if cost is None or unit is not None or provider is None:
        return unit
    return provider.cost_unit
