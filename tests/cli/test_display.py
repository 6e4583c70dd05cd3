"""The live lines of a terminal, where no process is needed to see them."""

import io
import sys
from contextlib import suppress

import pytest
from kling26.cli.display import Display
from kling26.cli.work import Session
from kling26.core import Runner, Settings
from kling26.core.progress import Progress
from rich.console import Console


def live(*steps: Progress) -> list[str]:
    """What a terminal shows after these steps of progress."""
    display, shown = Display(), io.StringIO()
    display._live = object()  # type: ignore[assignment]
    for progress in steps:
        display.listen(progress)
    console = Console(file=shown, width=100)
    console.print(display._shown(console))
    return [" ".join(line.split()) for line in shown.getvalue().splitlines() if line.strip()]


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


def test_an_equal_request_is_a_line_of_its_own_and_no_phase(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Progress("k26-1", "kie", "found", since=0.0, standing="at_provider")

    assert live(found, Progress("k26-1", "kie", "running")) == ["Generating"]
    assert capsys.readouterr().err.startswith("Paid on ")


def test_a_note_leaves_the_phase_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    note = Progress("k26-1", "kie", "note", message="The journal cannot be written.")

    assert live(Progress("k26-1", "kie", "running"), note) == ["Generating"]
    assert capsys.readouterr().err == "The journal cannot be written.\n"


def test_a_note_on_one_of_several_tasks_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    note = Progress("k26-2", "kie", "note", message="It broke off.")

    live(Progress("k26-1", "kie", "running"), Progress("k26-2", "kie", "running"), note)
    assert capsys.readouterr().err == "k26-2: It broke off.\n"


def test_a_small_download_is_counted_in_kilobytes() -> None:
    small = Progress("k26-1", "kie", "downloading", done=4_300, total=9_100)
    (line,) = live(small)

    assert line.endswith(" 4 of 9 kB")


def test_a_rehearsed_fault_stays_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    busy = Progress("k26-1", "kie", "waiting", message="Busy. Trying again in 1 s.", sandbox=True)

    live(busy, busy, Progress("k26-1", "kie", "running", sandbox=True))
    assert capsys.readouterr().err == "Busy. Trying again in 1 s.\n"


# -- results on the same terminal ------------------------------------------------------------------


class Terminal(io.StringIO):
    """A terminal: what it was sent."""

    def isatty(self) -> bool:
        return True


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What stderr is from now on: pytest sets its own one after the fixtures."""
    terminal = Terminal()
    for name, value in (("TERM", "xterm"), ("COLUMNS", "80"), ("LINES", "24")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_result_and_the_lines_above_it_are_never_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with Display() as display:
        for number in range(5):
            display.listen(Progress(f"k26-{number}", "kie", "running"))
        for _ in range(3):
            with display.hidden():
                terminal.write("/videos/fox.mp4\n")

    first, *rest = terminal.getvalue().split("/videos/fox.mp4\n")
    assert "Generating" in first
    for after in rest:
        below, begun, _ = after.partition("Generating")
        assert begun
        assert "\x1b[1A" not in below  # It begins where the cursor is.


def test_the_display_is_back_at_once_whatever_becomes_of_a_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = a_terminal(monkeypatch)
    with Display() as display:
        display.listen(Progress("k26-1", "kie", "running"))
        with suppress(OSError), display.hidden():
            terminal.write("/videos/fox.mp4\n")
            raise OSError
        assert "Generating" in terminal.getvalue().split("fox.mp4")[1]


def test_all_results_that_have_come_are_shown_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with Display() as display:
        session = Session[str](Runner(Settings()), display)
        for number in range(30):
            session.give(f"{number}.mp4")
        display.listen(Progress("k26-1", "kie", "running"))
        begun = terminal.getvalue().count("\x1b[?25l")  # Whoever hides the cursor, begins.
        session.show(lambda name: terminal.write(f"{name}\n"))

        assert terminal.getvalue().count("\x1b[?25l") == begun + 1
        assert terminal.getvalue().count(".mp4\n") == 30
