"""What a video costs: its price before, its cost after."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Literal

from attrs import frozen

from .options import OptionInfo, options_of
from .provider import Provider
from .request import VideoRequest

USD = "USD"
#: Where a price is from: the provider's published figures, its answer to a question, or what the
#: same took last.
PriceSource = Literal["list", "quote", "usual"]


@frozen
class Balance:
    """What is left on an account: an `amount` in a `unit`, such as "credits", also in `usd`."""

    amount: float
    unit: str
    usd: float | None = None


@frozen
class Price:
    """
    What a video will cost: an `amount` in a `unit`, and in USD as far as that is known.

    Everything is None if the price is unknown.
    """

    amount: float | None = None
    unit: str | None = None
    usd: float | None = None
    source: PriceSource | None = None


def usd_text(usd: float) -> str:
    """
    An amount in USD, as exact as prices are.

    >>> usd_text(1.1), usd_text(0.275)
    ('1.10 USD', '0.275 USD')
    """
    digits = f"{usd:.6f}".rstrip("0")
    return f"{digits}{'0' * (2 - len(digits.partition('.')[2]))} {USD}"


def price_in_usd(provider: Provider, usd: float, source: PriceSource) -> Price:
    """A price in USD, also in the unit in which the provider charges."""
    rate = provider.usd_per_unit
    if provider.cost_unit == USD or not rate:
        return Price(usd, USD, usd, source)
    return Price(round(usd / rate, 6), provider.cost_unit, usd, source)


def in_usd(provider: Provider, amount: float | None, unit: str | None) -> float | None:
    """An amount in USD; None if nobody knows what its unit is worth."""
    if amount is None or unit == USD:
        return amount
    rate = provider.usd_per_unit
    return round(amount * rate, 6) if rate and unit == provider.cost_unit else None


def list_price(
    provider: Provider, request: VideoRequest, options: Mapping[str, object] | object
) -> float | None:
    """
    The list price of a video in USD; `options` are the provider's own, by name or as an instance.

    None if it is not known, if the provider refuses such a video, or if a plug-in raises: one bad
    price must not spoil a whole table.
    """
    try:
        own = provider.Options(**options) if isinstance(options, Mapping) else options
        provider.check(request, own)
        return price_of(provider.price(request, own))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a plug-in may raise anything, even a panic in Rust.
        return None


def price_of(value: object) -> float | None:
    """A plug-in's answer to what a video will cost; nothing is free, so 0 is no answer."""
    return amount(value) or None


def amount(value: object) -> float | None:
    """A number of a plug-in's as an amount of money; None if it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and value >= 0 else None


def pricing_options(provider: Provider) -> Iterator[tuple[OptionInfo, Sequence[object]]]:
    """The provider's own options that a price may depend on, with their values."""
    for info in options_of(provider.Options):
        values: Sequence[object] = [False, True] if info.type is bool else list(info.choices)
        if len(values) > 1:
            yield info, values


def pricing(provider: Provider, own: Mapping[str, object]) -> list[object]:
    """The values of a request's own options that its price may depend on."""
    return [own.get(info.name) for info, _ in pricing_options(provider)]


def cost_unit(cost: float | None, unit: str | None, provider: Provider | None) -> str | None:
    """
    The unit of a cost; None if there is no cost, or the unit is no longer known.

    Old rows of the journal have no unit; theirs is the provider's usual one.
    """
    if cost is None or unit is not None or provider is None:
        return unit
    return provider.cost_unit
