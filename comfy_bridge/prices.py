"""The list prices of videos, as tables that the badge on the node can look things up in."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Any

from ..core.limits import all_durations
from ..core.money import list_price, pricing_options
from ..core.provider import Provider
from ..core.request import VideoRequest
from ..core.validation import validate

#: Providers have a few dozen combinations; a plug-in with thousands gets no badge for the last.
_MOST_ROWS = 1000
_PICTURE = "https://example.org/picture.png"
Row = dict[str, Any]


def price_table(provider: Provider) -> list[Row]:
    """Rows of ``{"when": {widget: value, …}, "usd": price}``, for what has a known price."""
    own = {info.name: values for info, values in pricing_options(provider)}
    given = [dict(zip(own, values, strict=True)) for values in product(*own.values())]
    combinations = product(_shared(provider.limits.durations), given)
    rows = []
    for shared, options in islice(combinations, _MOST_ROWS):
        request = _request(shared)
        if takes(provider, request, options):
            when = {**shared, **{f"provider.{name}": value for name, value in options.items()}}
            rows += _row(when, list_price(provider, request, options))
    return rows


def cheapest(providers: Sequence[Provider], in_order: bool) -> list[Row]:
    """
    The rows for any of these providers: the lowest price that is known.

    If they are `in_order`, it is that of the first who takes such a video. Own options are as they
    are without being asked for.
    """
    rows = []
    for shared in _shared(all_durations(each.limits for each in providers)):
        request = _request(shared)
        takers = [each for each in providers if takes(each, request, {})]
        prices = [list_price(each, request, {}) for each in takers[: 1 if in_order else None]]
        rows += _row(shared, min((usd for usd in prices if usd is not None), default=None))
    return rows


def takes(provider: Provider, request: VideoRequest, options: dict[str, object]) -> bool:
    """Whether a provider takes such a video."""
    try:
        validate(provider, request, options)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a plug-in may raise anything, even a panic in Rust.
        return False
    return True


def _row(when: Row, usd: float | None) -> list[Row]:
    return [] if usd is None else [{"when": when, "usd": usd}]


def _shared(durations: Iterable[int]) -> Iterator[Row]:
    """The shared inputs that a price can hang on, with every value that they have together."""
    images = [(False, False), (True, False), (True, True)]
    for (start, end), sound, duration in product(images, (False, True), durations):
        yield {
            "with_image": start, "with_end_image": end, "sound": sound, "duration": duration,
        }  # fmt: skip


def _request(shared: Row) -> VideoRequest:
    return VideoRequest(
        "A price",
        image=_PICTURE if shared["with_image"] else None,
        end_image=_PICTURE if shared["with_end_image"] else None,
        sound=shared["sound"],
        duration=shared["duration"],
    )
