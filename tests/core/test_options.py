"""Options: said once on a field, checked, shown and read from it."""

from typing import Any, Literal

import pytest
from attrs import field, frozen
from kling26.core import NoOptions, OptionRefused, VideoRequest, option
from kling26.core.options import Bounds, build_options, check_values, option_info, options_of


@frozen
class AcmeOptions:
    style: Literal["plain", "film"] = option("plain", label="Style", help="The look.")
    frames: Literal[24, 30] = option(24, label="Frames", help="Per second.")
    steps: int = option(20, label="Steps", help="How many.", minimum=1, maximum=50)
    strength: float | None = option(
        None, label="Strength", help="How much.", minimum=0, maximum=1, step=0.1, advanced=True
    )
    loop: bool = option(False, label="Loop", help="End as it began.")
    note: str = option("", label="Note", help="A text.", max_length=5, multiline=True)
    extra: dict[str, Any] | None = option(None, label="Extra", help="An object.")
    inner: int = field(default=1)


def build(**given: object) -> AcmeOptions:
    options = build_options(AcmeOptions, given, "Acme", "acme")
    assert isinstance(options, AcmeOptions)
    return options


def test_an_option_says_what_a_person_needs_to_know() -> None:
    strength = option_info(AcmeOptions, "strength")

    assert (strength.label, strength.help, strength.default) == ("Strength", "How much.", None)
    assert (strength.type, strength.optional, strength.choices) == (float, True, ())
    assert strength.bounds == Bounds(0, 1, 0.1)
    assert strength.advanced
    assert option_info(AcmeOptions, "style").choices == ("plain", "film")
    assert option_info(AcmeOptions, "note").multiline


def test_the_choices_may_stand_beside_the_type() -> None:
    """So that a type checker takes any number, and the check is as strict."""
    duration = option_info(VideoRequest, "duration")

    assert (duration.type, duration.choices, duration.allowed()) == (int, (5, 10), "5 or 10")
    with pytest.raises(OptionRefused, match="Acme: duration must be 5 or 10; got 7"):
        check_values(VideoRequest("A red fox", duration=int("7")), "Acme")


def test_fields_that_are_no_options_are_left_out() -> None:
    assert [info.name for info in options_of(AcmeOptions)] == [
        "style", "frames", "steps", "strength", "loop", "note", "extra"
    ]  # fmt: skip
    assert list(options_of(NoOptions)) == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("style", "plain or film"),
        ("frames", "24 or 30"),
        ("steps", "1 to 50"),
        ("strength", "0 to 1"),
        ("loop", "true or false"),
        ("note", "up to 5 characters"),
        ("extra", "a JSON object"),
    ],
)
def test_what_is_allowed_is_said_in_words(name: str, allowed: str) -> None:
    assert option_info(AcmeOptions, name).allowed() == allowed


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"style": "film"}, "film"),
        ({"frames": "30"}, 30),
        ({"steps": "50"}, 50),
        ({"strength": "0.5"}, 0.5),
        ({"strength": "1"}, 1.0),
        ({"strength": 1}, 1.0),
        ({"strength": ""}, None),
        ({"loop": "true"}, True),
        ({"loop": "False"}, False),
        ({"note": "true"}, "true"),
        ({"extra": '{"a": [1]}'}, {"a": [1]}),
    ],
)
def test_a_text_is_read_as_the_fields_own_type(given: dict[str, object], value: object) -> None:
    """As they come from the command line and from widgets."""
    (name,) = given
    built = getattr(build(**given), name)

    assert (built, type(built)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("style", "noir", 'style must be plain or film; got "noir"'),
        ("frames", 24.0, "frames must be 24 or 30; got 24.0."),
        ("frames", True, "frames must be 24 or 30; got True."),
        ("steps", 0, "steps must be between 1 and 50; got 0."),
        ("steps", 51, "steps must be between 1 and 50; got 51."),
        ("steps", "5.0", "steps must be between 1 and 50; got 5.0."),
        ("steps", True, "steps must be between 1 and 50; got True."),
        ("steps", None, "steps must be between 1 and 50; got None."),
        ("steps", "many", 'steps must be between 1 and 50; got "many".'),
        ("strength", "nan", 'strength must be between 0 and 1; got "nan".'),
        ("strength", float("nan"), "strength must be between 0 and 1; got nan."),
        ("strength", True, "strength must be between 0 and 1; got True."),
        ("strength", "1" + "0" * 400, "strength must be between 0 and 1; got 1000"),
        ("loop", "yes", 'loop must be true or false; got "yes".'),
        ("loop", 1, "loop must be true or false; got 1."),
        ("note", "123456", "note must be at most 5 characters long; got 6."),
        ("note", 5, "note must be at most 5 characters long; got 5."),
        ("note", "\udcff", "note must not contain the character U+DCFF"),
        ("extra", "[1]", "extra must be a JSON object; got [1]."),
        ("extra", {"a": {1, 2}}, "extra must be a JSON object; got {"),
        ("extra", '{"a": NaN}', "extra must be a JSON object; got {"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_a_sentence(
    name: str, value: object, sentence: str
) -> None:
    """Nothing is clamped, and nothing converted."""
    with pytest.raises(OptionRefused) as caught:
        build(**{name: value})

    assert str(caught.value).startswith(f"Acme: {sentence}")
    assert (caught.value.option, caught.value.provider) == (name, "acme")


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("A\0fox", "U+0000 (NUL)"),
        ("A fox \ud83d", "U+D83D (half of a surrogate pair)"),
        ("\udca0 A fox", "U+DCA0 (half of a surrogate pair)"),
    ],
)
def test_a_character_that_no_text_can_hold_is_named(text: str, character: str) -> None:
    with pytest.raises(OptionRefused) as caught:
        check_values(VideoRequest(text), "Acme")

    assert str(caught.value) == f"Acme: prompt must not contain the character {character}."


def test_a_character_that_no_text_can_hold_is_named_inside_of_an_object_too() -> None:
    with pytest.raises(OptionRefused) as caught:
        build(extra='{"a": ["\\ud83d"]}')

    assert str(caught.value) == (
        "Acme: extra must not contain the character U+D83D (half of a surrogate pair)."
    )


def test_an_unknown_option_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(OptionRefused) as caught:
        build(stlye="film")

    assert str(caught.value) == ('Acme has no option "stlye"; did you mean "style"?')


def test_a_field_that_is_no_option_cannot_be_set() -> None:
    with pytest.raises(OptionRefused, match='no option "inner"'):
        build(inner=5)


def test_the_same_rules_apply_to_an_instance() -> None:
    check_values(AcmeOptions(steps=50), "Acme")

    with pytest.raises(OptionRefused, match=r"Acme: steps must be between 1 and 50; got 51\."):
        check_values(AcmeOptions(steps=51), "Acme")


def test_bounds_of_any_size_are_shown_as_they_are() -> None:
    @frozen
    class Options:
        seed: int = option(0, label="Seed", help="", minimum=0, maximum=2**64 - 1)
        scale: float = option(0.5, label="Scale", help="", minimum=0.25, maximum=1.5)
        free: int = option(0, label="Free", help="")
        text: str = option("", label="Text", help="")
        share: float = option(0.0, label="Share", help="")

    assert [info.allowed() for info in options_of(Options)] == [
        "0 to 18446744073709551615", "0.25 to 1.5", "a whole number", "text", "a number"
    ]  # fmt: skip


@pytest.mark.parametrize("bound", ["minimum", "maximum", "step"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), "1"])
def test_a_bound_is_a_finite_number(bound: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{bound} must be a finite number; got "):
        option(0, label="Steps", help="How many.", **{bound: value})
