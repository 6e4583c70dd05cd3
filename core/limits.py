"""A provider's limits, as data for the validation, the node's widgets and the documentation."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from attrs import Attribute, field, frozen
from attrs.validators import optional

from .options import is_number, show
from .request import ASPECT_RATIOS, DURATIONS
from .text import join_words

#: The longest video that a provider may have, in seconds: no menu is longer.
LONGEST = 3600
#: A shape: width to height, in whole numbers below 100.
_SHAPE = re.compile("[1-9][0-9]?:[1-9][0-9]?", re.ASCII)


def _as_tuple(values: object) -> Any:
    """Several values as a tuple, of a range too; anything else is left to the validators."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        return values
    return tuple(islice(values, LONGEST + 1))  # A range may have billions.


def _as_numbers(values: Iterable[int]) -> tuple[int, ...]:
    numbers: tuple[int, ...] = _as_tuple(values)
    return numbers


def _as_words(values: Iterable[str]) -> tuple[str, ...]:
    words: tuple[str, ...] = _as_tuple(values)
    return words


def _as_pace(pace: tuple[int, float] | None) -> tuple[int, float] | None:
    numbers: tuple[int, float] | None = _as_tuple(pace)
    return numbers


def _must_be(
    required: str, fits: Callable[[Any], bool]
) -> Callable[[object, "Attribute[Any]", object], None]:
    """A validator that raises `ValueError`, worded with what is `required`."""

    def check(_: object, attribute: "Attribute[Any]", value: object) -> None:
        if not fits(value):
            raise ValueError(f"Limits.{attribute.name} must be {required}; got {show(value)}.")

    return check


def _all(values: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(values, tuple) and all(map(fits, values))


def _distinct(values: object, fits: Callable[[Any], bool]) -> bool:
    return _all(values, fits) and len(set(values)) == len(values)  # type: ignore[call-overload,arg-type]  # A tuple.


def _is_length(value: object) -> bool:
    return type(value) is int and 0 < value <= LONGEST


def _is_shape(value: object) -> bool:
    return isinstance(value, str) and _SHAPE.fullmatch(value) is not None


_count = _must_be("a whole number above 0", lambda value: type(value) is int and value > 0)
_durations = _must_be(
    f"one or more whole numbers of seconds from 1 to {LONGEST}, each of them once",
    lambda values: bool(values) and _distinct(values, _is_length),
)
_aspect_ratios = _must_be(
    'shapes such as "16:9", each of them once, or () if the service decides on the shape',
    lambda values: _distinct(values, _is_shape),
)
_formats = _must_be(
    'names in lower case, such as ("jpeg", "png")',
    lambda values: _all(values, lambda name: isinstance(name, str) and name == name.lower()),
)
_pace = _must_be(
    "two numbers above 0: how many tasks, in how many seconds",
    lambda values: _all(values, lambda each: is_number(each) and each > 0) and len(values) == 2,
)
_yes_or_no = _must_be("True or False", lambda value: isinstance(value, bool))


@frozen
class Limits:
    """
    What a provider accepts; anything beyond it is refused before anything is sent.

    `text_prompt` and `image_prompt`: the maximum length of a prompt in characters, without and with
    an image (None: not documented). `durations`: the lengths of videos in whole seconds, such as
    ``range(3, 16)``. `aspect_ratios`: the shapes of videos made from text, such as "4:3"; empty if
    the service has no such option. `image_formats`: Pillow's names in lower case; empty if only
    public URLs are accepted. `image_bytes`: the maximum size of an image file; `image_pixels`: the
    minimum length of its shorter edge; `image_area`: the maximum number of its pixels (None: not
    documented). `end_image`: whether the video may end with an image that is given, too.
    `submissions`: how many new tasks in how many seconds.

    Raises `ValueError` for an invalid limit.
    """

    text_prompt: int | None = field(default=None, validator=optional(_count))
    image_prompt: int | None = field(default=None, validator=optional(_count))
    durations: tuple[int, ...] = field(
        default=DURATIONS, converter=_as_numbers, validator=_durations
    )
    aspect_ratios: tuple[str, ...] = field(
        default=ASPECT_RATIOS, converter=_as_words, validator=_aspect_ratios
    )
    image_formats: tuple[str, ...] = field(
        default=("jpeg", "png"), converter=_as_words, validator=_formats
    )
    image_bytes: int = field(default=10 * 1000 * 1000, validator=_count)
    image_pixels: int = field(default=1, validator=_count)
    image_area: int | None = field(default=None, validator=optional(_count))
    end_image: bool = field(default=False, validator=_yes_or_no)
    submissions: tuple[int, float] | None = field(
        default=None, converter=_as_pace, validator=optional(_pace)
    )

    def prompt(self, kind: str) -> int | None:
        """The maximum prompt length for a video made from "text" or from an "image"."""
        return self.text_prompt if kind == "text" else self.image_prompt

    def seconds(self) -> str:
        """
        The durations in words.

        >>> Limits().seconds(), Limits(durations=range(3, 16)).seconds()
        ('5 or 10', '3 to 15')
        """
        first, last = min(self.durations), max(self.durations)
        if len(self.durations) > 2 and len(self.durations) == last - first + 1:
            return f"{first} to {last}"
        return join_words(sorted(self.durations))


def all_durations(providers: Iterable[Limits]) -> tuple[int, ...]:
    """The durations that one of these, or a built-in provider, has, from the shortest."""
    return tuple(sorted({*DURATIONS, *(each for limits in providers for each in limits.durations)}))


def all_shapes(providers: Iterable[Limits]) -> tuple[str, ...]:
    """The aspect ratios that one of these, or a built-in provider, has; the usual ones first."""
    others = (each for limits in providers for each in limits.aspect_ratios)
    return tuple(dict.fromkeys((*ASPECT_RATIOS, *others)))
