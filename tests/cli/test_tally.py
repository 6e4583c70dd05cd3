"""The sums over many videos: how many are here, what they cost, how long the others take."""

from itertools import islice
from typing import Any

import pytest
from kling26.cli.ends import End, State, end_of, state_of
from kling26.cli.estimate import Estimate, about_time, pace_of
from kling26.cli.row import Row
from kling26.cli.tally import Tally
from kling26.core.errors import BudgetExceeded, Kling26Error, NotSent, Remedy
from kling26.core.journal.task import Task, TaskState
from kling26.core.plugins import load_providers
from kling26.core.progress import Phase, Progress

KIE = load_providers().providers["kie"]


def a_task(state: TaskState = "submitting", id: str | None = "k26-1", **more: Any) -> Task:
    facts: dict[str, Any] = {
        "id": str(id), "provider": "kie", "realm": "live", "fingerprint": "f", "state": state,
        "prompt": "A heron", "sound": False, "duration": 5, "aspect_ratio": "16:9", "seed": 0,
        "options": {}, "created": 0.0, "updated": 0.0,
    }  # fmt: skip
    return Task(**facts | more)


def row(label: str, phase: Phase | None = None, **facts: float) -> Row:
    """A row that has reported a phase at the moment 100."""
    made = Row(label)
    if phase is not None:
        made.hear(Progress(f"k26-{label}", "kie", phase, **facts), 100.0)  # type: ignore[arg-type]
    return made


def head(tally: Tally, *rows: Row, now: float = 100.0) -> str:
    return tally.head(rows, now)


def end(tally: Tally, state: State, cost_usd: float | None = None, number: int = 1) -> None:
    for _ in range(number):
        tally.add(End(state, cost_usd, is_paid=state in ("here", "open", "unknown")), "row 1 fox")


def said(tally: Tally, go_on: str = "Again.") -> str:
    """What is said at the end."""
    return " ".join(tally.end_lines(go_on, go_on))


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
    end(tally, "reused")
    end(tally, "here", 0.55)

    assert head(tally) == "2 of 2 here · 0.55 USD"
    assert said(tally) == "2 of 2 here (1 from before), 0.55 USD."


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


def test_an_unknown_row_may_have_cost_something_in_the_head_line_and_at_the_end() -> None:
    tally = Tally(3, limit_usd=12.0)
    end(tally, "here", 0.275)
    end(tally, "unknown")

    assert head(tally) == "1 of 3 here · 1 unknown · 1 waiting · at least 0.28 of 12 USD"
    assert said(tally) == "1 of 3 here, 1 unknown, 0.275 USD, and 1 of unknown cost."
    assert (tally.cost_usd, tally.cost_unknown) == (0.275, 1)


def test_a_head_line_that_is_too_long_keeps_money_and_time() -> None:
    tally = Tally(30, limit_usd=12.0)
    end(tally, "here", 0.275, number=12)
    for state in ("unknown", "failed"):
        end(tally, state)  # type: ignore[arg-type]
    rows = [row("1", "running", elapsed=10.0, expected=80.0)]
    tally.estimate.pace = 0.5

    assert next(islice(tally.heads(rows, 100.0), 1, None)).startswith(
        "12 of 30 here · 2 without a video · 1 being made · 15 waiting · "
    )
    assert list(tally.heads(rows, 100.0))[2:] == [
        "12 of 30 here · 1 being made · 15 waiting · at least 3.30 of 12 USD · about 90 s",
        "12 of 30 here · 1 being made · at least 3.30 of 12 USD · about 90 s",
        "12 of 30 here · at least 3.30 of 12 USD · about 90 s",
        "12 of 30 here · at least 3.30 of 12 USD",
        "12 of 30 here",
    ]


# -- how long it will take -------------------------------------------------------------------------


def running(elapsed: float, expected: float | None = 80.0) -> Row:
    made = Row("1")
    made.hear(Progress("k26-1", "kie", "running", elapsed=elapsed, expected=expected), 100.0)
    return made


def seen(*took: float) -> Estimate:
    """An estimate after tasks that took so many seconds."""
    estimate = Estimate()
    for each in took:
        made = running(each - 1.0)
        made.hear(Progress("k26-1", "kie", "running", elapsed=each), 101.0)
        estimate.made(made, 101.0)
    return estimate


def test_the_slowest_task_says_how_long_it_takes() -> None:
    rows = [running(10.0 * number) for number in range(3)]

    assert Estimate().left(rows, 0, 100.0) == 80.0
    assert Estimate().left(rows, 0, 130.0) == 50.0


def test_without_a_history_nothing_is_said() -> None:
    assert Estimate().left([running(9.0, None)], 0, 100.0) is None


def test_a_task_that_takes_longer_than_usual_has_no_estimate() -> None:
    assert Estimate().left([running(90.0)], 0, 100.0) is None


def test_the_queue_leaves_at_the_provider_s_pace() -> None:
    assert Estimate(0.5, jobs=200).left([running(0.0)], 100, 100.0) == 100 * 0.5 + 80.0


def test_no_more_than_so_many_are_made_at_once() -> None:
    estimate = Estimate(0.01, jobs=200)

    assert estimate.left([running(0.0)], 1000, 100.0) == 1000 * (80.0 / 200) + 80.0


def test_a_queue_at_an_unknown_pace_has_no_estimate_until_one_was_seen() -> None:
    estimate = Estimate()
    for number in range(10):
        estimate.take(100.0 + 2 * number)

    assert estimate.left([running(0.0)], 39, 110.0) is None
    assert estimate.left([running(0.0)], 39, 120.0) == 39 * 2.0 + 80.0


def test_a_slower_pace_than_announced_counts() -> None:
    estimate = Estimate(0.5)
    estimate.take(100.0)

    assert estimate.left([running(0.0)], 10, 130.0) == 10 * 30.0 + 80.0


def test_what_this_run_s_tasks_took_counts_more_than_earlier_ones() -> None:
    assert seen(40.0, 40.0, 40.0, 40.0, 40.0).left([running(10.0)], 0, 100.0) == 30.0


def test_tasks_that_still_run_are_slower_than_the_quick_ones_that_have_ended() -> None:
    """With the ended ones alone, the others would be done at once."""
    slow = [running(38.0) for _ in range(5)]

    assert seen(20.0, 22.0, 24.0, 26.0, 40.0).left([*slow, running(1.0)], 0, 100.0) == 39.0


def test_the_queue_goes_on_at_the_pace_of_typical_tasks_and_not_of_the_slowest() -> None:
    estimate = seen(20.0, 20.0, 20.0, 20.0, 60.0)
    estimate.jobs = 8

    assert estimate.left([], 16, 100.0) == 16 * 20.0 / 8 + 60.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "about 10 s"), (11, "about 10 s"), (55, "about 1 min"), (61, "about 1 min"),
     (119, "about 2 min"), (130, "about 2 min"), (151, "about 3 min"), (1799, "about 30 min"),
     (6900, "about 2 hours")],
)  # fmt: skip
def test_an_estimate_is_round(seconds: float, text: str) -> None:
    assert about_time(seconds) == text


# -- the end ---------------------------------------------------------------------------------------


def test_the_end_names_the_commands_for_what_is_unknown_and_open() -> None:
    tally = Tally(6)
    end(tally, "here", 0.275, number=2)
    tally.add(End("unknown", is_paid=True, task=a_task(id="k26-2", state="unknown")), "row 2 owl")
    end(tally, "failed")
    for id in ("k26-3", "k26-4"):
        tally.add(end_of(a_task(id=id, state="submitted"), KIE), "row 3 bear")

    assert list(tally.end_lines("Fetch it.", "Again.")) == [
        "2 of 6 here, 2 at kie.ai, 1 unknown, 1 failed, 0.55 USD, and 3 of unknown cost.",
        "The outcome of row 2 owl is unknown; what to do: kling26 tasks k26-2",
        "Fetch it.",
    ]
    assert [task.id for task in tally.left] == ["k26-3", "k26-4"]


def test_what_is_left_to_the_provider_will_likely_cost_the_list_price() -> None:
    tally = Tally(30)
    for number in range(30):
        tally.add(end_of(a_task(id=f"k26-{number}", state="submitted", price_usd=0.33), KIE))

    assert said(tally) == "0 of 30 here, 30 at kie.ai, about 9.90 USD. Again."
    assert head(tally) == "0 of 30 here · 30 at kie.ai · about 9.90 USD"
    assert (tally.cost_usd, tally.cost_unknown) == (0.0, 30)


def test_a_rehearsal_costs_nothing() -> None:
    tally = Tally(1)
    tally.add(end_of(a_task(state="submitted", realm="sandbox", price_usd=0.33), KIE))

    assert said(tally, "") == "0 of 1 here, 1 at kie.ai's emulator. "
    assert tally.cost_unknown == 0


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (BudgetExceeded("No.", setting="max_tasks"), "Raise --max-tasks"),
        (BudgetExceeded("No.", setting="max_cost"), "Raise --max-cost"),
        (
            BudgetExceeded("No.", setting="max_cost_per_day"),
            "Set the budget higher (KLING26_MAX_COST_PER_DAY)",
        ),
        (NotSent("No.", remedy=Remedy("set_key"), provider="kie"), "Set a working key for kie.ai"),
        (NotSent("No.", remedy=Remedy("top_up"), provider="kie"), "Top up the account at kie.ai"),
    ],
)
def test_the_same_command_alone_does_not_help_what_is_held_back(
    error: Kling26Error, helps: str
) -> None:
    tally = Tally(2)
    for _ in range(2):
        tally.add(end_of(None, KIE, error=error))

    assert said(tally) == f"0 of 2 here, 2 not sent. {helps}, then run the same command again."


def test_what_ran_out_of_time_needs_nothing_but_the_same_command() -> None:
    tally = Tally(1)
    tally.add(end_of(None, KIE, error=NotSent("Time ran out before it was sent.")))

    assert said(tally) == "0 of 1 here, 1 not sent. Again."


@pytest.mark.parametrize(
    ("task", "state"),
    [
        (None, "not_sent"),
        (a_task(), "not_sent"),
        (a_task(state="submitted"), "open"),
        (a_task(state="succeeded"), "open"),
        (a_task(state="stored"), "here"),
        (a_task(state="unknown"), "unknown"),
        (a_task(state="failed"), "failed"),
        (a_task(state="cancelled"), "failed"),
        (a_task(state="refused"), "refused"),
    ],
)
def test_a_row_ended_as_its_task_stands(task: Task | None, state: State) -> None:
    assert state_of(task) == state


def test_a_video_whose_output_could_not_be_written_is_not_here() -> None:
    assert state_of(a_task(state="stored"), error=Kling26Error("No space.")) == "open"


def test_a_cost_that_is_not_known_is_not_left_out_in_silence() -> None:
    tally = Tally(2)
    end(tally, "here", 0.275)
    end(tally, "here", None)

    assert head(tally) == "2 of 2 here · at least 0.28 USD"


def test_the_slowest_provider_s_pace_is_that_of_the_run() -> None:
    assert pace_of(load_providers().providers.values()) == 0.5
    assert pace_of([]) is None


def interrupted(tally: Tally, rows: list[Row], *tasks: Task) -> str:
    tally.interrupt(rows, {task.id: task for task in tasks}, {"kie": KIE})
    return " ".join(tally.end_lines("Again.", "Again.", interrupted=True))


def test_without_the_journal_an_interrupt_tells_what_was_reported() -> None:
    rows = [row("1", "queued", elapsed=1.0), row("2", "submitting"), row("3", "waiting")]

    assert interrupted(Tally(4), rows) == (
        "1 being made, 1 unknown, 2 not sent, 2 of unknown cost. Again."
    )


def test_an_interrupt_says_how_far_it_was_what_it_cost_and_what_to_do() -> None:
    tally = Tally(30)
    end(tally, "here", 0.275, number=11)
    end(tally, "reused")
    rows = [row(f"{number}", "running") for number in range(7)]
    made = [a_task(id=each.task, state="submitted", price_usd=0.275) for each in rows[1:]]

    assert interrupted(tally, rows, a_task(id="k26-0", state="unknown"), *made) == (
        "12 here, 6 being made, 1 unknown, 11 not sent, about 4.675 USD, and 1 of unknown cost. "
        "The outcome of 0 is unknown; what to do: kling26 tasks k26-0 Again."
    )
    assert sum(tally.counts.values()) == 30


def test_an_interrupt_counts_what_an_earlier_run_has_paid_as_free() -> None:
    mine = Row("1", "k26-1", is_reused=True)

    assert interrupted(Tally(1), [mine], a_task(state="submitted", price_usd=0.275)) == (
        "1 being made. Again."
    )
