"""Lost answers where the provider keeps our own id: settled by asking, in every turn."""

import shutil
from collections.abc import Callable

import pytest
from kling26.core.errors import Kling26Error, OutcomeUnknown, OutOfCredit

from ..conftest import Stage
from .test_fault_table import try_it


@pytest.fixture
def stage(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("cometapi")


def resume(stage: Stage, resubmit: bool = False) -> Kling26Error | None:
    async def work() -> Kling26Error | None:
        async with stage.runner() as runner:
            if resubmit:
                return (await runner.resubmit(stage.task().id)).error
            (outcome,) = [each async for each in runner.resume()]
            return outcome.error

    return stage.run(work())


def test_a_provider_that_loses_every_answer_leaves_the_task_unknown(stage: Stage) -> None:
    stage.fault("error_before_accept", times=100, status=503)

    error = try_it(stage)

    assert isinstance(error, OutcomeUnknown)
    assert "HTTP 503" in str(error)
    assert stage.submits() == 4
    assert stage.paid == 0


def test_an_unknown_task_that_is_there_after_all_is_found_by_a_resume(stage: Stage) -> None:
    stage.fault("reset_after_accept")
    stage.fault("poll_reset", times=10_000)
    assert isinstance(try_it(stage, timeout=60), OutcomeUnknown)
    assert stage.task().state == "unknown"
    stage.conditions.faults.clear()

    assert resume(stage) is None

    assert (stage.paid, stage.submits()) == (1, 1)
    assert stage.task().state == "stored"


def test_an_unknown_task_that_is_not_there_stays_unknown_and_is_not_sent(stage: Stage) -> None:
    stage.fault("reset_before_accept")
    stage.fault("poll_reset", times=10_000)
    first = try_it(stage, timeout=60)
    stage.conditions.faults.clear()

    error = resume(stage)

    assert isinstance(error, OutcomeUnknown)
    assert str(error) == str(first)
    assert stage.submits() == 1


def test_a_resubmit_looks_first_and_pays_nothing_for_what_is_there(stage: Stage) -> None:
    stage.fault("reset_after_accept")
    stage.fault("poll_reset", times=10_000)
    try_it(stage, timeout=60)
    stage.conditions.faults.clear()

    assert resume(stage, resubmit=True) is None
    assert (stage.paid, stage.submits()) == (1, 1)


def test_a_resubmit_of_what_is_not_there_submits_under_the_same_id(stage: Stage) -> None:
    stage.fault("reset_before_accept")
    stage.fault("poll_reset", times=10_000)
    try_it(stage, timeout=60)
    stage.conditions.faults.clear()

    assert resume(stage, resubmit=True) is None
    assert (stage.paid, stage.submits()) == (1, 2)
    assert stage.emulator.accepted[0].external_id == stage.task().id


def test_a_repetition_that_is_refused_because_the_first_was_taken_finds_the_first(
    stage: Stage,
) -> None:
    """The task shows late: the search finds nothing, the repetition is refused for its id."""
    stage.fault("reset_after_accept")
    stage.fault("poll_no_such_task", times=5)

    assert try_it(stage) is None

    assert (stage.paid, stage.submits()) == (1, 2)


def test_a_repetition_that_is_refused_otherwise_is_a_refusal(stage: Stage) -> None:
    """Asked again and again, the provider has not got the first request either."""
    stage.fault("reset_before_accept")
    stage.fault("no_credit")

    error = try_it(stage)

    assert isinstance(error, OutOfCredit)
    assert str(error).endswith("Nothing was paid.")
    assert (stage.paid, stage.task().state) == (0, "refused")


def test_a_repetition_that_is_not_taken_for_now_is_sent_again(stage: Stage) -> None:
    stage.fault("reset_before_accept")
    stage.fault("rate_limit", retry_after=30)

    assert try_it(stage) is None
    assert stage.paid == 1


def test_a_refusal_after_a_wait_is_a_refusal_and_costs_nothing(stage: Stage) -> None:
    """A plain "try later" is a whole answer: nothing was lost."""
    stage.fault("rate_limit")
    stage.fault("no_credit")

    error = try_it(stage)

    assert isinstance(error, OutOfCredit)
    assert "Nothing was paid" in str(error)
    assert (stage.paid, stage.task().state) == (0, "refused")


def test_waits_after_a_lost_answer_do_not_make_it_free(stage: Stage) -> None:
    stage.fault("reset_before_accept")
    stage.fault("rate_limit", times=10_000)

    error = try_it(stage, timeout=60)

    assert isinstance(error, OutcomeUnknown)
    assert "Nothing was paid" not in str(error)
    assert (stage.paid, stage.task().standing) == (0, "unclear")


def test_a_resubmit_that_is_refused_says_nothing_about_the_lost_request(
    stage_of: Callable[[str], Stage],
) -> None:
    """Not even on a machine that has nothing of what arrived of its answer."""
    kie = stage_of("kie")
    kie.fault("reset_after_accept")
    try_it(kie)
    shutil.rmtree(kie.home / "receipts")
    kie.fault("no_credit")

    error = resume(kie, resubmit=True)

    assert isinstance(error, OutcomeUnknown)
    assert (kie.task().state, kie.paid) == ("unknown", 1)
