"""The list prices of a provider, as a table that the badge on the node can look things up in."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from ..core.money import list_price, pricing_options
from ..core.options import OptionInfo, option_info
from ..core.provider import Provider
from ..core.request import VideoRequest

#: Providers have a few dozen combinations; a plug-in with thousands gets no badge for the last.
_MOST_ROWS = 1000
_PICTURE = "https://example.org/picture.png"


def price_table(provider: Provider) -> list[dict[str, Any]]:
    """Rows of ``{"when": {widget: value, …}, "usd": price}``, for what has a known price."""
    rows = []
    for shared, own in islice(_combinations(provider), _MOST_ROWS):
        usd = list_price(provider, _request(shared), own)
        if usd is not None:
            when = {**shared, **{f"provider.{name}": value for name, value in own.items()}}
            rows.append({"when": when, "usd": usd})
    return rows


def _combinations(provider: Provider) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    own = {info.name: values for info, values in pricing_options(provider)}
    shared = {
        "with_image": [False, True],
        "sound": _values(option_info(VideoRequest, "sound")),
        "duration": _values(option_info(VideoRequest, "duration")),
    }
    for values in product(*shared.values(), *own.values()):
        yield (
            dict(zip(shared, values, strict=False)),
            dict(zip(own, values[len(shared) :], strict=True)),
        )


def _values(info: OptionInfo) -> list[Any]:
    """The values of an option that a price could hang on; none where they cannot be listed."""
    return [False, True] if info.type is bool else list(info.choices)


def _request(shared: dict[str, Any]) -> VideoRequest:
    return VideoRequest(
        "A price",
        image=_PICTURE if shared["with_image"] else None,
        sound=shared["sound"],
        duration=shared["duration"],
    )
