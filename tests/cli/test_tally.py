"""The sums over many videos: how many are here, what they cost, how long the others take."""

import pytest
from kling26.cli.tally import Row, State, Tally, about_time, counts, pace_of, state_of, summary_text
from kling26.core.journal.task import Task, TaskState
from kling26.core.plugins import load_providers
from kling26.core.progress import Phase, Progress


def a_task(state: TaskState = "submitting", id: str | None = "k26-1") -> Task:
    return Task(
        id=str(id), provider="kie", realm="live", fingerprint="f", state=state, prompt="A heron",
        sound=False, duration=5, aspect_ratio="16:9", seed=0, options={}, created=0.0, updated=0.0,
    )  # fmt: skip


def row(label: str, phase: Phase | None = None, **facts: float) -> Row:
    """A row that has reported a phase at the moment 100."""
    made = Row(label)
    if phase is not None:
        made.hear(Progress(f"k26-{label}", "kie", phase, **facts), 100.0)  # type: ignore[arg-type]
    return made


def head(tally: Tally, *rows: Row, now: float = 100.0) -> str:
    return " · ".join(tally.head(rows, now))


def end(tally: Tally, state: State, cost_usd: float | None = None, number: int = 1) -> None:
    for _ in range(number):
        ended = row("a", "running", elapsed=1.0)
        ended.state = state
        tally.end(ended, state, cost_usd, 100.0)


def test_the_head_line_says_what_is_known_and_nothing_of_what_is_not() -> None:
    tally = Tally(30)

    assert head(tally) == "0 of 30 here · 30 waiting"


def test_the_head_line_counts_rows_and_money() -> None:
    tally = Tally(30, limit_usd=12.0)
    end(tally, "here", 0.275, number=12)
    taken = [row(f"{number}", "running", elapsed=1.0) for number in range(14)]

    assert head(tally, *taken) == "12 of 30 here · 14 being made · 4 waiting · 3.30 of 12 USD"


def test_what_was_spent_before_counts_against_the_limit() -> None:
    tally = Tally(3, limit_usd=2.5, spent_usd=1.1)
    end(tally, "here", 0.275)

    assert head(tally) == "1 of 3 here · 2 waiting · 1.38 of 2.50 USD"


def test_a_reused_video_is_here_and_cost_this_run_nothing() -> None:
    tally = Tally(2)
    end(tally, "reused", 0.275)
    end(tally, "here", 0.55)

    assert head(tally) == "2 of 2 here · 0.55 USD"
    assert summary_text(tally, []) == "2 of 2 here; 0.55 USD"


def test_what_has_gone_wrong_is_in_the_head_line() -> None:
    tally = Tally(4)
    for state in ("unknown", "failed", "refused"):
        end(tally, state)  # type: ignore[arg-type]

    assert head(tally) == "0 of 4 here · 1 unknown · 1 failed · 1 refused · 1 waiting"


def test_what_is_sent_is_waiting_until_a_provider_has_taken_it() -> None:
    rows = (row("1", "submitting"), row("2", "queued"), row("3", "downloading", elapsed=9.0))

    assert head(Tally(3), *rows) == "0 of 3 here · 2 being made · 1 waiting"


def test_a_task_that_waits_while_a_provider_makes_it_is_being_made() -> None:
    assert head(Tally(1), row("1", "waiting", elapsed=9.0)) == "0 of 1 here · 1 being made"


# -- how long it will take -------------------------------------------------------------------------


def test_the_slowest_task_says_how_long_it_takes() -> None:
    rows = [row(f"{number}", "running", elapsed=10.0 * number, expected=80.0)
            for number in range(3)]  # fmt: skip

    assert Tally(3).left(rows, 100.0) == 80.0
    assert Tally(3).left(rows, 130.0) == 50.0


def test_without_a_history_nothing_is_said() -> None:
    assert Tally(1).left([row("1", "running", elapsed=9.0)], 100.0) is None


def test_a_task_that_takes_longer_than_usual_has_no_estimate() -> None:
    assert Tally(1).left([row("1", "running", elapsed=90.0, expected=80.0)], 100.0) is None


def test_the_queue_leaves_at_the_provider_s_pace() -> None:
    tally = Tally(101, pace=0.5, jobs=200)
    rows = [row("1", "running", elapsed=0.0, expected=80.0)]

    assert tally.left(rows, 100.0) == 100 * 0.5 + 80.0


def test_no_more_than_so_many_are_made_at_once() -> None:
    tally = Tally(1001, pace=0.01, jobs=200)
    rows = [row("1", "running", elapsed=0.0, expected=80.0)]

    assert tally.left(rows, 100.0) == 1000 * (80.0 / 200) + 80.0


def test_a_queue_at_an_unknown_pace_has_no_estimate_until_one_was_seen() -> None:
    tally, rows = Tally(40), [row("1", "running", elapsed=0.0, expected=80.0)]
    for number in range(10):
        tally.take(100.0 + 2 * number)

    assert tally.left(rows, 110.0) is None
    assert tally.left(rows, 120.0) == 39 * 2.0 + 80.0


def test_a_slower_pace_than_announced_counts() -> None:
    tally, rows = Tally(11, pace=0.5), [row("1", "running", elapsed=0.0, expected=80.0)]
    tally.take(100.0)

    assert tally.left(rows, 130.0) == 10 * 30.0 + 80.0


def test_what_this_run_s_tasks_took_counts_more_than_earlier_ones() -> None:
    tally = Tally(6)
    for _ in range(5):
        made = row("1", "running", elapsed=30.0)
        made.hear(Progress("k26-1", "kie", "running", elapsed=40.0), 110.0)
        tally.end(made, "here", None, 110.0)

    assert tally.left([row("2", "running", elapsed=10.0, expected=80.0)], 100.0) == 30.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "about 10 s"), (11, "about 20 s"), (55, "about 1 min"), (61, "about 2 min"),
     (1799, "about 30 min"), (6900, "about 2 hours")],
)  # fmt: skip
def test_an_estimate_is_round(seconds: float, text: str) -> None:
    assert about_time(seconds) == text


# -- the end ---------------------------------------------------------------------------------------


def test_the_end_names_the_commands_for_what_is_unknown_and_open() -> None:
    tally = Tally(6)
    end(tally, "here", 0.275, number=2)
    end(tally, "here", None)
    end(tally, "unknown")
    end(tally, "open", number=2)
    unknown, left = a_task(id="k26-2", state="unknown"), a_task(id="k26-3", state="submitted")

    assert summary_text(tally, [unknown, left, left]) == (
        "3 of 6 here, 2 open, 1 unknown; 0.55 USD and 1 of unknown cost. What to do about the "
        "unknown one: kling26 tasks k26-2. Fetch what is open with: kling26 resume"
    )


def test_one_open_task_is_named() -> None:
    tally = Tally(2)
    end(tally, "here")
    end(tally, "open")

    assert summary_text(tally, [a_task(id="k26-3", state="succeeded")]).endswith(
        "Fetch what is open with: kling26 resume k26-3"
    )


def test_several_unknown_ones_are_listed_by_one_command() -> None:
    tally, task = Tally(2), a_task(state="unknown")
    end(tally, "unknown", number=2)

    assert summary_text(tally, [task, task]) == (
        "0 of 2 here, 2 unknown. What to do about the unknown ones: kling26 tasks --open"
    )


@pytest.mark.parametrize(
    ("task", "state"),
    [
        (None, "not_sent"),
        (a_task(), "not_sent"),
        (a_task(state="submitted"), "open"),
        (a_task(state="succeeded"), "open"),
        (a_task(state="stored"), "open"),
        (a_task(state="unknown"), "unknown"),
        (a_task(state="failed"), "failed"),
        (a_task(state="cancelled"), "failed"),
        (a_task(state="refused"), "refused"),
    ],
)
def test_a_row_without_a_video_ended_as_its_task_stands(task: Task | None, state: State) -> None:
    assert state_of(task, None) == state


def test_a_cost_that_is_not_known_is_not_left_out_in_silence() -> None:
    tally = Tally(2)
    end(tally, "here", 0.275)
    end(tally, "here", None)

    assert head(tally) == "2 of 2 here · at least 0.28 USD"


def test_without_the_journal_an_interrupt_tells_what_was_reported() -> None:
    rows = [row("1", "queued", elapsed=1.0), row("2", "submitting"), row("3", "waiting")]

    assert counts(Tally(4), rows, []) == ["1 being made", "1 unknown", "2 not sent"]


def test_the_slowest_provider_s_pace_is_that_of_the_run() -> None:
    assert pace_of(load_providers().providers.values()) == 0.5
    assert pace_of([]) is None


def test_an_interrupt_says_how_far_it_was() -> None:
    tally = Tally(30)
    end(tally, "here", number=11)
    end(tally, "reused")
    rows = [row(f"{number}", "running") for number in range(6)]
    tasks = [a_task(id=each.task, state="submitted") for each in rows]

    assert counts(tally, rows, tasks) == ["12 here", "6 being made", "12 not sent"]
