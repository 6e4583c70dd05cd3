"""What a provider takes, as data."""

from typing import Any

import pytest
from kling26.core import Limits


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
        ("durations", (5, 7), "one or more of 5 and 10; got (5, 7)."),
        ("durations", (), "one or more of 5 and 10; got ()."),
        ("durations", 5, "one or more of 5 and 10; got 5."),
        ("aspect_ratios", ("4:3",), "one or more of 16:9, 9:16 and 1:1; got ('4:3',)."),
        ("aspect_ratios", "1:1", 'one or more of 16:9, 9:16 and 1:1; got "1:1".'),
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
