"""What a user may ask a provider for: every value of every option, alone and in pairs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from attrs import evolve, field, frozen

from ...core.images import ImageFile
from ...core.options import OptionInfo, options_of, show
from ...core.provider import Provider
from ...core.request import VideoRequest
from ...core.text import join_words
from ..usual import PROMPT, usual_request

IMAGE, ANOTHER_IMAGE = "https://pictures.example/heron.png", "https://pictures.example/egret.png"
CALLBACK, ANOTHER_CALLBACK = "https://me.example/hook?task=1", "https://me.example/other"
ANOTHER_PROMPT = "An egret lifts off"

#: The options of a request that are varied together with others, beside those of the provider.
SHARED = ("prompt", "sound", "duration", "aspect_ratio", "callback_url")


@frozen
class Asked:
    """A request, and the provider's own options by name."""

    request: VideoRequest
    own: Mapping[str, object] = field(factory=dict)

    def but(self, name: str, value: object) -> "Asked":
        """The same with another value of one option."""
        if name in SHARED or name in ("image", "end_image", "seed", "task"):
            return evolve(self, request=varied(self.request, name, value))
        return evolve(self, own={**self.own, name: value})

    def value(self, name: str) -> object:
        """The value of a shared option, or of an own one that was given."""
        return self.own[name] if name in self.own else getattr(self.request, name)

    @property
    def key(self) -> tuple[VideoRequest, str]:
        """What equal ones share: own options may be of any type."""
        return self.request, repr(sorted(self.own.items()))

    @property
    def source(self) -> str:
        """What the video is made from, in words."""
        first, last = self.request.image, self.request.end_image
        if first is None:
            return "from text"
        what = "an image"
        if isinstance(first, ImageFile):
            kind, (width, height) = (first.format or "").upper(), first.size
            what = f"a {kind} file of {width} x {height} pixels"
        return f"from {what}" if last is None else f"from {what} with an end_image"

    def beside(self, start: "Asked") -> str:
        """The options that differ from those of another, in words: " with sound True"."""
        names = [name for name in SHARED if self.value(name) != start.value(name)]
        names += [name for name, value in self.own.items() if start.own.get(name) != value]
        said = [spelled(name, self.value(name)) for name in names]
        return f" with {join_words(said, 'and')}" if said else ""


@frozen
class Choice:
    """An option, and the values that it may have, the usual one first."""

    name: str
    values: Sequence[object]

    def thinned(self) -> "Choice":
        """The same with at most three values: the usual one, the last, and one between them."""
        values = self.values
        if len(values) > 3:
            values = [values[0], values[-1], values[len(values) // 2]]
        return evolve(self, values=values)

    def pairs(self) -> Iterator[tuple[object, object]]:
        """Every two different values."""
        return combinations(self.values, 2)


def plain(provider: Provider, image: str | ImageFile | None = None) -> VideoRequest:
    """A request that asks for nothing unusual, and that the limits allow."""
    return usual_request(provider, image=image)


def choices(provider: Provider, request: VideoRequest) -> list[Choice]:
    """All options that can be varied in a request, with their values."""
    limits, usual = provider.limits, plain(provider)
    shared: dict[str, Sequence[object]] = {
        "prompt": (PROMPT, ANOTHER_PROMPT),
        "sound": (False, True),
        "duration": _first(usual.duration, limits.durations),
        # With an image, the picture decides.
        "aspect_ratio": () if request.image else _first(usual.aspect_ratio, limits.aspect_ratios),
        "callback_url": (None, CALLBACK) if provider.takes_callback_url else (),
    }
    found = [Choice(name, values) for name, values in shared.items()]
    found += [
        Choice(info.name, [info.default, *candidates(info)])
        for info in options_of(provider.Options)
    ]
    return [choice for choice in found if len(choice.values) > 1]


def candidates(info: OptionInfo) -> list[object]:
    """Values of an own option that differ from its default."""
    least, most = info.bounds.minimum, info.bounds.maximum
    zero = [0] if least is not None and least < 0 and (most is None or most >= 0) else []
    kinds: dict[type, list[object]] = {
        bool: [True, False],
        int: [least, most, int(least or 0) + 1, *zero],
        float: [least, most, (least or 0.0) + 0.25, *map(float, zero)],
        str: ["a word of the suite's"[: info.bounds.max_length]],
        dict: [{"type": "simple", "config": {"zoom": 1}}],
    }
    values = list(info.choices) or kinds.get(info.type, [])
    fitting = [value for value in values if value is not None and value != info.default]
    return [value for index, value in enumerate(fitting) if value not in fitting[:index]]


def varied(request: VideoRequest, name: str, value: object) -> VideoRequest:
    """The same request with another value of a shared option."""
    changes: dict[str, Any] = {name: value}  # By a name that no type checker knows.
    return evolve(request, **changes)


def spelled(name: str, value: object) -> str:
    """An option and its value, in words: "sound True"."""
    if isinstance(value, str) and len(value) > 60 and name:
        return f"a {name} of {len(value)} characters"
    return f"{name} {'a file' if isinstance(value, ImageFile) else show(value)}"


def _first(usual: object, values: Iterable[object]) -> list[object]:
    """The usual value, and then the others."""
    return [usual, *(value for value in values if value != usual)]
