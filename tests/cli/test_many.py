"""What is shown of many tasks: on a screen no more than fits, on a log what a reader wants."""

import io
from collections.abc import Sequence

import pytest
from attrs import define
from kling26.cli.display import Display
from kling26.cli.ends import End
from kling26.core.plugins import load_providers
from kling26.core.progress import Phase, Progress
from rich.cells import cell_len
from rich.console import Console

PROVIDERS = load_providers().providers


@define
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def shown(display: Display, width: int = 80, height: int = 24) -> list[str]:
    """The lines that a terminal of this size shows."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height)
    console.print(display._shown(console))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def step(number: int, phase: Phase, **facts: object) -> Progress:
    return Progress(f"k26-{number:016x}", "kie", phase, **facts)  # type: ignore[arg-type]


def run_of(clock: Clock, phases: Sequence[Progress], total: int = 0, live: bool = True) -> Display:
    """A run in which each row has reported one step."""
    display = Display(clock=clock, providers=PROVIDERS)
    if live:
        display._live = object()  # type: ignore[assignment]
    display.expect(total or len(phases))
    for number, progress in enumerate(phases, 1):
        display.listener(f"row {number} fox")(progress)
    return display


def test_rows_are_called_by_their_labels_below_the_head_line(clock: Clock) -> None:
    display = run_of(clock, [step(1, "running", elapsed=61.0, expected=80.0)], total=3)

    head, row = shown(display)
    assert head == "0 of 3 here · 1 being made · 2 waiting"
    assert row.split("  ")[0] == "row 1 fox"
    assert row.endswith("usually 1:20")


def test_what_matters_is_on_top_and_the_queue_below(clock: Clock) -> None:
    display = run_of(
        clock,
        [
            step(1, "submitting"),
            step(2, "queued", elapsed=5.0),
            step(3, "running", elapsed=9.0, expected=80.0),
            step(4, "running", elapsed=70.0, expected=80.0),
            step(5, "running", elapsed=9.0, message="kie.ai cannot be reached."),
            step(6, "downloading", elapsed=80.0, done=1, total=2_000_000),
            step(7, "waiting", message="Waiting: kie.ai takes only so many.", turn=True),
        ],
    )

    rows = [line.split()[1] for line in shown(display)[1:]]
    assert rows == ["6", "5", "4", "3", "2", "1", "7"]


@pytest.mark.parametrize(
    ("width", "height"), [(80, 24), (30, 5), (200, 60), (12, 3), (80, 2), (80, 1), (1, 1)]
)
def test_it_is_never_more_than_the_screen(clock: Clock, width: int, height: int) -> None:
    steps = [step(number, "running", elapsed=1.0, expected=60.0) for number in range(1000)]
    display = run_of(clock, steps, total=2000)
    display.listener("row 1001 狐狸在雪地里奔跑和跳跃的故事很长")(step(1001, "downloading", done=1))

    lines = shown(display, width, height)
    assert len(lines) <= max(1, height - 1)
    assert all(cell_len(line) <= width for line in lines)


def test_an_interrupt_s_echo_behind_the_last_line_breaks_none(clock: Clock) -> None:
    steps = [step(1, "running", elapsed=1.0, message="a long story " * 20)]

    assert all(cell_len(line) <= 78 for line in shown(run_of(clock, steps)))


def test_what_does_not_fit_is_counted(clock: Clock) -> None:
    steps = [step(number, "running", elapsed=1.0) for number in range(30)]

    lines = shown(run_of(clock, steps), 80, 10)
    assert len(lines) == 9
    assert lines[-1] == "and 23 more"


def test_a_message_has_the_room_of_the_other_columns(clock: Clock) -> None:
    message = "kie.ai cannot be reached. Trying again in 3 s."
    display = run_of(clock, [step(1, "waiting", message=message)])

    assert shown(display)[1] == f"row 1 fox  Waiting  {message}"


def test_a_label_cannot_steer_the_terminal(clock: Clock) -> None:
    display = run_of(clock, [], total=1)
    display.listener("fox\x1b[2J\r\n\u202eexe")(step(1, "submitting"))

    assert shown(display)[1].startswith("fox [2J exe")


def test_letters_that_take_two_columns_leave_the_others_in_line(clock: Clock) -> None:
    display = run_of(clock, [], total=2)
    for number, label in enumerate(("狐狸在雪地里奔跑和跳跃的故事很长，很长", "fox")):
        display.listener(label)(step(number, "queued", elapsed=7.0))

    at = [cell_len(line.partition("Queued")[0]) for line in shown(display, 40)[1:]]
    assert at[0] == at[1]


def test_an_ended_row_is_gone(clock: Clock) -> None:
    display = run_of(clock, [step(1, "running", elapsed=1.0), step(2, "queued", elapsed=1.0)])
    display.ended("row 1 fox", End("here", 0.275))

    assert [line.split("  ")[0] for line in shown(display)] == [
        "1 of 2 here · 1 being made · 0.28 USD", "row 2 fox"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (90, "1 of 9 here · 1 unknown · 1 failed · 1 being made · 5 waiting · at least 0.28 USD"),
        (70, "1 of 9 here · 1 being made · 5 waiting · at least 0.28 USD"),
        (55, "1 of 9 here · 1 being made · at least 0.28 USD"),
        (40, "1 of 9 here · at least 0.28 USD"),
        (17, "1 of 9 here"),
        (12, "1 of 9 he…"),
    ],
)
def test_a_narrow_screen_has_the_money_rather_than_what_rows_and_end_tell(
    clock: Clock, width: int, line: str
) -> None:
    display = run_of(clock, [step(1, "running", elapsed=1.0)], total=9)
    display.ended("row 2", End("here", 0.275))
    display.ended("row 3", End("unknown", is_paid=True))
    display.ended("row 4", End("failed"))

    assert shown(display, width)[0] == line


def test_a_task_is_called_by_the_beginning_of_its_id(clock: Clock) -> None:
    display = run_of(clock, [], total=2)
    display.name("k26-0123456789abcdef", "k26-0123456789abcdef A fox", taken=True)

    assert shown(display) == ["0 of 2 here · 1 being made · 1 waiting"]
    display.listen(Progress("k26-0123456789abcdef", "kie", "queued", elapsed=1.0))
    assert shown(display)[1].startswith("k26-01234567 A fox")


# -- on a log --------------------------------------------------------------------------------------


def test_a_log_says_what_was_taken_and_what_is_here(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = run_of(clock, [step(1, "submitting")], live=False)
    hear = display.listener("row 1 fox")
    for phase in ("waiting", "submitting", "queued", "running", "running", "downloading"):
        hear(step(1, phase, elapsed=None if phase in ("waiting", "submitting") else 1.0))  # type: ignore[arg-type]
    display.ended("row 1 fox", End("here"))

    assert capsys.readouterr().err == "row 1 fox: accepted by kie.ai\nrow 1 fox: here\n"


def test_what_was_stored_before_is_no_line_but_what_was_watched_is(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = run_of(clock, [step(1, "found", standing="at_provider")], total=2, live=False)
    for elapsed in (5.0, 6.0):
        clock.now += 1.0
        display.listener("row 1 fox")(step(1, "running", elapsed=elapsed))
    display.ended("row 1 fox", End("reused"))
    display.ended("row 2 fox", End("reused"))

    assert capsys.readouterr().err == "row 1 fox: here\n"


def test_a_thousand_rows_make_some_two_thousand_lines(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = run_of(clock, [], total=1000, live=False)
    for number in range(1000):
        hear = display.listener(f"row {number}")
        for phase in ("uploading", "submitting", "waiting", "submitting"):
            hear(step(number, phase, message="Busy." if phase == "waiting" else None))  # type: ignore[arg-type]
        for phase in ("queued", "running", "running", "downloading", "downloading"):
            hear(step(number, phase, elapsed=1.0))  # type: ignore[arg-type]
        display.ended(f"row {number}", End("here"))
        clock.now += 0.5

    lines = capsys.readouterr().err.splitlines()
    assert sum(line.endswith("accepted by kie.ai") for line in lines) == 1000
    assert sum(line.endswith(": here") for line in lines) == 1000
    assert len(lines) < 2050


def test_a_log_says_now_and_then_how_far_it_is(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = run_of(clock, [step(1, "queued", elapsed=0.0)], total=2, live=False)
    for elapsed in range(0, 65, 5):
        clock.now = 1000.0 + elapsed
        display.listener("row 1 fox")(step(1, "running", elapsed=float(elapsed)))
    display.ended("row 1 fox", End("here"), told=True)

    assert capsys.readouterr().err.splitlines() == [
        "0 of 2 here · 1 being made · 1 waiting",
        "1 of 2 here · 1 waiting",
    ]


def test_trouble_that_all_rows_have_is_said_once(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = run_of(clock, [], total=20, live=False)
    for number in range(20):
        message = f"kie.ai cannot be reached. Trying again in {number} s."
        display.listener(f"row {number}")(step(number, "waiting", message=message))

    assert capsys.readouterr().err == "row 0: kie.ai cannot be reached. Trying again in 0 s.\n"


def test_whoever_waits_for_a_turn_is_in_no_trouble(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    message = "Waiting: kie.ai takes only so many tasks at a time."
    turn = step(1, "waiting", message=message, turn=True)
    display = run_of(clock, [turn], live=False)

    assert capsys.readouterr().err == ""
    said = "row 1 fox  Waiting  kie.ai takes only so many tasks at a time."
    assert shown(display)[1] == said


def test_quiet_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    display = Display(quiet=True, clock=clock)
    display.expect(1)
    hear = display.listener("row 1")
    for phase in ("found", "submitting", "queued", "note"):
        hear(step(1, phase, message="A note."))  # type: ignore[arg-type]
        clock.now += 60.0
    display.ended("row 1", End("here"))

    assert capsys.readouterr().err == ""


def test_an_equal_request_is_no_line_for_each_of_many(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    run_of(clock, [step(1, "found", since=0.0, standing="stored")], live=False)

    assert capsys.readouterr().err == ""
