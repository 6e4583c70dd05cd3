"""A provider's limits, as data for the validation, the node's widgets and the documentation."""

from collections.abc import Callable
from typing import Any

from attrs import Attribute, field, frozen
from attrs.validators import optional

from .options import is_number, show
from .request import ASPECT_RATIOS, DURATIONS
from .text import join_words


def _must_be(
    required: str, fits: Callable[[Any], bool]
) -> Callable[[object, "Attribute[Any]", object], None]:
    """A validator that raises `ValueError`, worded with what is `required`."""

    def check(_: object, attribute: "Attribute[Any]", value: object) -> None:
        if not fits(value):
            raise ValueError(f"Limits.{attribute.name} must be {required}; got {show(value)}.")

    return check


def _some_of(known: tuple[object, ...], values: object) -> bool:
    return bool(values) and _all(values, lambda value: value in known)


def _all(values: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(values, tuple | list) and all(map(fits, values))


_count = _must_be("a whole number above 0", lambda value: type(value) is int and value > 0)
_durations = _must_be(
    f"one or more of {join_words(DURATIONS, 'and')}", lambda values: _some_of(DURATIONS, values)
)
_aspect_ratios = _must_be(
    f"one or more of {join_words(ASPECT_RATIOS, 'and')}",
    lambda values: _some_of(ASPECT_RATIOS, values),
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
    an image (None: not documented). `image_formats`: Pillow's names in lower case; empty if only
    public URLs are accepted. `image_bytes`: the maximum size of an image file; `image_pixels`: the
    minimum length of its shorter edge; `image_area`: the maximum number of its pixels (None: not
    documented). `end_image`: whether the video may end with an image that is given, too.
    `submissions`: how many new tasks in how many seconds.

    Raises `ValueError` for an invalid limit.
    """

    text_prompt: int | None = field(default=None, validator=optional(_count))
    image_prompt: int | None = field(default=None, validator=optional(_count))
    durations: tuple[int, ...] = field(default=DURATIONS, validator=_durations)
    aspect_ratios: tuple[str, ...] = field(default=ASPECT_RATIOS, validator=_aspect_ratios)
    image_formats: tuple[str, ...] = field(default=("jpeg", "png"), validator=_formats)
    image_bytes: int = field(default=10 * 1000 * 1000, validator=_count)
    image_pixels: int = field(default=1, validator=_count)
    image_area: int | None = field(default=None, validator=optional(_count))
    end_image: bool = field(default=False, validator=_yes_or_no)
    submissions: tuple[int, float] | None = field(default=None, validator=optional(_pace))

    def prompt(self, kind: str) -> int | None:
        """The maximum prompt length for a video made from "text" or from an "image"."""
        return self.text_prompt if kind == "text" else self.image_prompt
