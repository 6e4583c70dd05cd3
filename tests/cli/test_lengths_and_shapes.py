"""Providers with lengths and shapes of their own, at the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from av import open as open_video

PLUGINS = Path(__file__).parents[1] / "shapes"
NO_SHAPE = "Loose: aspect_ratio is not supported, because the service chooses the shape itself"


@pytest.fixture
def beside(user: Any) -> Any:
    """The user, with the plug-ins installed."""
    user.environ["PYTHONPATH"] = str(PLUGINS)
    return user


def test_a_page_says_what_a_provider_takes(beside: Any) -> None:
    span, loose = (beside.call("providers", name).out for name in ("span", "loose"))

    assert "Duration      3 to 15 seconds\n" in span
    assert "Aspect ratio  16:9, 4:3 or 21:9\n" in span
    assert "Aspect ratio  chosen by the service\n" in loose
    told = json.loads(beside.call("providers", "loose", "--json").out)
    assert (told["durations"], told["aspect_ratios"]) == ([5, 10], [])


@pytest.mark.parametrize("command", ["generate", "batch"])
def test_the_help_has_the_choices_of_all(beside: Any, command: str) -> None:
    text = " ".join(beside.call(command, "--help").out.split())

    assert "--duration 3|4|..|15 Length of the video" in text
    assert "16:9|9:16|1:1|4:3|21:9" in text


def test_a_setting_that_makes_no_sense_keeps_nobody_from_the_help(beside: Any) -> None:
    ran = beside.call("generate", "--help", KLING26_PREFER="nobody")

    assert (ran.status, ran.err) == (0, "")
    assert "--duration" in ran.out


def test_a_shell_completes_the_choices_of_all(beside: Any) -> None:
    script = beside.call("completion", "bash").out

    assert 'compgen -W "3 4 5 6 7 8 9 10 11 12 13 14 15"' in script
    assert 'compgen -W "16:9 9:16 1:1 4:3 21:9"' in script


def test_a_video_is_as_long_and_as_wide_as_was_asked_for(beside: Any) -> None:
    ran = beside.call(
        "generate", "A heron", "--provider", "span", "--duration", "7", "--aspect-ratio", "21:9",
        "--sandbox", "--quiet",
    )  # fmt: skip

    with open_video(str(ran.file)) as video:
        (stream,) = video.streams.video
        assert (round(video.duration / 1e6), stream.width, stream.height) == (7, 320, 138)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("span", "--duration", "16"), "Span Video: duration must be 3 to 15 seconds; got 16."),
        (("steps",), "Steps: duration must be 4, 8 or 12 seconds; got 5, the default."),
        (("kie", "--duration", "7"), "kie.ai: duration must be 5 or 10; got 7."),
        (
            ("span", "--aspect-ratio", "1:1"),
            'Span Video: aspect_ratio must be 16:9, 4:3 or 21:9; got "1:1".',
        ),
        (("loose", "--aspect-ratio", "16:9"), f"{NO_SHAPE}; leave it out."),
        (("loose", "--aspect-ratio", "9:16"), f"{NO_SHAPE}; leave it out."),
    ],
)
def test_what_a_provider_does_not_take_is_refused(
    beside: Any, line: tuple[str, ...], said: str
) -> None:
    ran = beside.call("generate", "A heron", "--sandbox", "--provider", *line)

    assert (ran.status, ran.out, ran.said) == (2, "", said)
    assert beside.rows() == 0


def test_auto_asks_those_who_take_it(beside: Any) -> None:
    def maker(*line: str, **environ: str) -> str:
        rehearsal = ("--provider", "auto", "--sandbox", "--dry-run", "--json")
        ran = beside.call("generate", "A heron", *rehearsal, *line, **environ)
        return str(json.loads(ran.out)["provider"])

    assert maker("--duration", "7") == "span"
    assert maker("--duration", "8") in ("span", "steps")
    assert maker("--aspect-ratio", "4:3") == "span"
    preferring = {"KLING26_PREFER": "loose,span"}
    assert maker(**preferring) == "loose"
    assert maker("--aspect-ratio", "16:9", **preferring) == "span"


def test_each_row_of_a_table_goes_by_its_own_provider(beside: Any) -> None:
    table = beside.folder / "table.csv"
    table.write_text(
        "prompt,provider,duration,aspect_ratio\n"
        "One,span,7,4:3\nTwo,steps,5,\nThree,loose,,\nFour,loose,,16:9\nFive,kie,7,\n"
    )
    ran = beside.call("batch", str(table), "--sandbox")

    assert ran.status == 2
    assert [line.strip() for line in ran.err.splitlines()[1:]] == [
        "row 2: Steps: duration must be 4, 8 or 12 seconds; got 5, the default.",
        f"row 4: {NO_SHAPE}; leave it out.",
        "row 5: kie.ai: duration must be 5 or 10; got 7.",
    ]
