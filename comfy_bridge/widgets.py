"""
The node's widgets, read off the fields of the shared request and of each provider's options.

The provider's own come last of all: they change with the choice. Saved workflows keep values by
position, and ``web/kling26/node/saved.js`` knows the positions of earlier versions: a widget that
is added or moved here is to be told there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import evolve, frozen

from ..core.limits import Limits, all_durations, all_shapes
from ..core.options import OptionInfo, option_info, options_of
from ..core.provider import Provider
from ..core.request import VideoRequest
from .texts import COUNT, IMAGE_URL, SANDBOX, SHAPE

#: How many videos a node makes at most, at once.
MOST_VIDEOS = 8
#: The largest whole number that JavaScript keeps exact.
_EXACT = 2**53 - 1

Kind = Literal["String", "Int", "Float", "Boolean", "Combo"]


@frozen
class Widget:
    """One widget: its kind, its id, and the keyword arguments of ComfyUI's class of that kind."""

    kind: Kind
    id: str
    facts: Mapping[str, Any]


def shared_widgets(limits: Iterable[Limits] = ()) -> list[Widget]:
    """
    The widgets that every provider has, in their order.

    They offer every duration and shape that providers with these `limits` have.
    """
    limits = list(limits)
    return [
        _shared("prompt"),
        Widget("String", "image_url", {**IMAGE_URL, "default": ""}),
        _shared("sound"),
        _shared("duration", choices=all_durations(limits)),
        _shared("aspect_ratio", choices=all_shapes(limits), help=SHAPE),
        _shared("seed"),
        Widget("Int", "count", {**COUNT, "default": 1, "min": 1, "max": MOST_VIDEOS, "step": 1}),
        Widget("Boolean", "sandbox", {**SANDBOX, "default": False}),
    ]


def own_widgets(provider: Provider) -> list[Widget]:
    """The widgets of what one provider takes beyond the shared inputs."""
    return [widget_of(info) for info in options_of(provider.Options)]


def own_values(provider: Provider, given: Mapping[str, object]) -> dict[str, object]:
    """
    The provider's options as its widgets gave them; an empty one that may be empty is None.

    Anything else, unknown names too, is left to be judged by the provider's own fields.
    """
    optional = {info.name for info in options_of(provider.Options) if info.optional}
    return {
        name: None if name in optional and value in ("", None) else value
        for name, value in given.items()
    }


def _shared(name: str, **otherwise: Any) -> Widget:
    return widget_of(evolve(option_info(VideoRequest, name), **otherwise))


def widget_of(info: OptionInfo) -> Widget:
    """The widget for an option."""
    facts: dict[str, Any] = {"display_name": info.label, "tooltip": info.help}
    if info.advanced:
        facts["advanced"] = True
    kind, own = _shape(info)
    return Widget(kind, info.name, facts | own)


def _shape(info: OptionInfo) -> tuple[Kind, dict[str, Any]]:
    if info.choices or info.type is bool:
        return _choice(info)
    if info.type in (int, float) and not info.optional:
        return _number(info)
    # Numbers have no widget that can be empty; as text, an empty one means "not given".
    default = "" if info.default is None else str(info.default)
    facts: dict[str, Any] = {"default": default, "multiline": info.multiline}
    if info.type is not str:
        facts["placeholder"] = f"{info.allowed()}, or empty"
    elif info.multiline:  # A box of text shows no other label.
        facts["placeholder"] = info.label
    return "String", facts


def _choice(info: OptionInfo) -> tuple[Kind, dict[str, Any]]:
    if info.type is bool and not info.optional:
        return "Boolean", {"default": bool(info.default)}
    choices: Iterable[object] = info.choices or ("true", "false")
    options = [*([""] if info.optional else []), *choices]
    default = info.default
    if isinstance(default, bool):
        default = str(default).lower()
    return "Combo", {"options": options, "default": options[0] if default is None else default}


def _number(info: OptionInfo) -> tuple[Kind, dict[str, Any]]:
    # Without bounds the front end would take 0 to 2048.
    bounds = info.bounds
    whole = info.type is int
    least: float = -_EXACT if bounds.minimum is None else bounds.minimum
    most: float = _EXACT if bounds.maximum is None else bounds.maximum
    start: Any = least if info.default is None else info.default
    facts = {"default": start, "min": least, "max": most}
    if whole:
        facts |= {"min": int(least), "max": int(most), "default": int(start)}
        return "Int", facts | {"step": int(bounds.step or 1)}
    return "Float", facts | {"step": bounds.step or 0.01}
