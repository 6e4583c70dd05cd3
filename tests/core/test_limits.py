"""What a provider takes, as data."""

import itertools
from typing import Any

import pytest
from kling26.core import Limits

SECONDS = "one or more whole numbers of seconds from 1 to 3600, each of them once"
SHAPES = 'shapes such as "16:9", each of them once, or () if the service decides on the shape'


def test_the_limit_of_a_prompt_depends_on_the_kind() -> None:
    limits = Limits(text_prompt=2500, image_prompt=1000)

    assert (limits.prompt("text"), limits.prompt("image")) == (2500, 1000)


@pytest.mark.parametrize(
    ("limit", "value", "required"),
    [
        ("text_prompt", 0, "a whole number above 0; got 0."),
        ("image_prompt", "long", 'a whole number above 0; got "long".'),
        ("image_bytes", None, "a whole number above 0; got None."),
        ("image_pixels", 1.5, "a whole number above 0; got 1.5."),
        ("durations", (), f"{SECONDS}; got ()."),
        ("durations", 5, f"{SECONDS}; got 5."),
        ("durations", "10", f'{SECONDS}; got "10".'),
        ("durations", {5: 0.35}, f"{SECONDS}; got {{5: 0.35}}."),
        ("durations", (0, 5), f"{SECONDS}; got (0, 5)."),
        ("durations", (5, 5), f"{SECONDS}; got (5, 5)."),
        ("durations", (5.0, 10), f"{SECONDS}; got (5.0, 10)."),
        ("durations", (True, 5), f"{SECONDS}; got (True, 5)."),
        ("durations", ("5", "10"), f"{SECONDS}; got ('5', '10')."),
        ("durations", (3601,), f"{SECONDS}; got (3601,)."),
        ("durations", range(1, 10**12), f"{SECONDS}; got (1, 2, 3, "),
        ("durations", itertools.count(1), f"{SECONDS}; got (1, 2, 3, "),
        ("aspect_ratios", "1:1", f'{SHAPES}; got "1:1".'),
        ("aspect_ratios", None, f"{SHAPES}; got None."),
        ("aspect_ratios", ("4:3", "4:3"), f"{SHAPES}; got ('4:3', '4:3')."),
        ("aspect_ratios", ("16x9",), f"{SHAPES}; got ('16x9',)."),
        ("aspect_ratios", ("16:9 ",), f"{SHAPES}; got ('16:9 ',)."),
        ("aspect_ratios", ("1.85:1",), f"{SHAPES}; got ('1.85:1',)."),
        ("aspect_ratios", ("0:1",), f"{SHAPES}; got ('0:1',)."),
        ("aspect_ratios", ("1920:1080",), f"{SHAPES}; got ('1920:1080',)."),
        ("aspect_ratios", ("16:9\n",), f"{SHAPES}; got ('16:9\\n',)."),
        ("aspect_ratios", ((16, 9),), f"{SHAPES}; got ((16, 9),)."),
        ("aspect_ratios", ([],), f"{SHAPES}; got ([],)."),
        ("image_formats", ("JPEG",), "names in lower case, such as"),
        ("image_formats", ("jpeg"), "names in lower case, such as"),
        ("submissions", (5, 0), "two numbers above 0: how many tasks, in how many seconds; got (5"),
        ("submissions", (5,), "two numbers above 0"),
        ("submissions", (5, float("inf")), "two numbers above 0"),
    ],
)
def test_a_limit_that_makes_no_sense_cannot_be_written(
    limit: str, value: object, required: str
) -> None:
    limits: dict[str, Any] = {limit: value}
    with pytest.raises(ValueError, match=rf"^Limits\.{limit} must be ") as caught:
        Limits(**limits)

    assert f"must be {required}" in str(caught.value)


def test_a_service_may_have_other_lengths_and_shapes() -> None:
    limits = Limits(durations=range(3, 16), aspect_ratios=["4:3", "21:9"], submissions=(5, 1.5))

    assert limits.durations == (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    assert limits.aspect_ratios == ("4:3", "21:9")
    assert Limits(aspect_ratios=()).aspect_ratios == ()


@pytest.mark.parametrize(
    ("durations", "words"),
    [
        ((5, 10), "5 or 10"),
        ((10, 5), "5 or 10"),
        ((5,), "5"),
        (range(3, 16), "3 to 15"),
        ((6, 4, 5), "4 to 6"),
        ((4, 5), "4 or 5"),
        ((4, 8, 12), "4, 8 or 12"),
        ((3, 4, 5, 10), "3, 4, 5 or 10"),
    ],
)
def test_lengths_are_said_in_words(durations: tuple[int, ...], words: str) -> None:
    assert Limits(durations=durations).seconds() == words
