"""The words and lines themselves, where no process is needed to see them."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
from kling26.cli.console import Display
from kling26.cli.words import of_tasks
from kling26.cli.work import _standing
from kling26.core.journal.task import Task
from kling26.core.plugins import load_providers
from kling26.core.progress import Progress
from rich.console import Console


def live(*told: Progress) -> list[str]:
    """What a terminal shows after these steps of progress."""
    display, shown = Display(), io.StringIO()
    display._live = object()  # type: ignore[assignment]
    for progress in told:
        display.tell(progress)
    Console(file=shown, width=100).print(display._rows())
    return [" ".join(line.split()) for line in shown.getvalue().splitlines() if line.strip()]


def task(state: str, **more: Any) -> Task:
    facts = {
        "id": "k26-1", "provider": "kie", "realm": "live", "fingerprint": "", "state": state,
        "request": '{"prompt": "A fox\\u001b[31m"}', "options": "{}", "image": None,
        "created": time.time() - 7300, "updated": 0.0,
    }  # fmt: skip
    return Task(**facts | more)


def listed(state: str, **more: Any) -> list[str]:
    lines = of_tasks([task(state, **more)], load_providers()).splitlines()
    return [" ".join(line.split()) for line in lines[1:]]


def test_a_queued_task_shows_its_place() -> None:
    assert live(Progress("k26-1", "kie", "queued", elapsed=3, position=4)) == [
        "Queued 0:03 number 4 in the queue"
    ]


def test_a_task_that_is_made_shows_the_time_it_usually_takes_and_a_bar() -> None:
    (line,) = live(Progress("k26-1", "kie", "running", elapsed=61, expected=80))

    assert line.startswith("Generating 1:01 ━━━")
    assert line.endswith(" usually 1:20")


def test_a_download_shows_bytes_and_speed() -> None:
    first = Progress("k26-1", "kie", "downloading", elapsed=61, done=0, total=8_000_000)
    (line,) = live(first, Progress("k26-1", "kie", "downloading", done=4_000_000, total=8_000_000))

    assert line.startswith("Downloading ━━━")
    assert " 4.0 of 8.0 MB, " in line
    assert line.endswith(" MB/s")


def test_a_download_of_unknown_length_has_no_bar() -> None:
    assert live(Progress("k26-1", "kie", "downloading", done=4_000_000)) == ["Downloading 4.0 MB"]


def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    (line,) = live(Progress("k26-1", "kie", "waiting", message="[red]Busy\x1b[2J\nWait"))

    assert line == "Waiting [red]Busy [2J Wait"


def test_several_tasks_are_told_apart_and_a_stored_one_disappears() -> None:
    assert live(
        Progress("k26-1", "kie", "running"),
        Progress("k26-2", "kie", "queued"),
        Progress("k26-3", "kie", "running"),
        Progress("k26-3", "kie", "stored"),
    ) == ["k26-1 Generating", "k26-2 Queued"]


@pytest.mark.parametrize(
    ("state", "more", "known"),
    [
        ("submitting", {}, (
            "Not sent yet; send it with: kling26 resume k26-1, or drop it with: "
            "kling26 cancel k26-1"
        )),
        ("submitting", {"sending": 1.0},
         "Perhaps paid; see what became of it with: kling26 resume k26-1"),
        ("submitted", {"task_id": "abc"}, "kie has it as abc; fetch it with: kling26 resume k26-1"),
        ("succeeded", {}, "Made, and not here yet; fetch it with: kling26 resume k26-1"),
        ("succeeded", {"error": "It broke off."},
         "It broke off. Go on with: kling26 resume k26-1"),
        ("stored", {"file": "/nowhere/k26-1.mp4"},
         "Its file is gone; fetch it again with: kling26 resume k26-1"),
        ("failed", {"error": "It could not be made."}, "It could not be made."),
    ],
)  # fmt: skip
def test_a_task_is_listed_with_what_to_know_or_do(
    state: str, more: dict[str, Any], known: str
) -> None:
    assert listed(state, **more) == [f"k26-1 2 h kie {state}", "A fox [31m", known]


def test_a_cancelled_task_has_nothing_more_to_tell() -> None:
    assert listed("cancelled", cost=0.55) == ["k26-1 2 h kie cancelled 0.55 credits", "A fox [31m"]


@pytest.mark.parametrize(
    ("state", "more", "rest"),
    [
        ("stored", {"file": "/videos/k26-1.mp4"}, ", but the video is here: /videos/k26-1.mp4"),
        ("failed", {}, ". Task k26-1 is over."),
    ],
)
def test_an_interrupt_that_came_too_late_says_how_it_ended(
    state: str, more: dict[str, Any], rest: str
) -> None:
    assert _standing(task(state, **more)) == rest


def test_a_video_is_listed_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "fox.mp4").touch()

    assert listed("stored", file=str(tmp_path / "fox.mp4"))[-1] == str(tmp_path / "fox.mp4")
