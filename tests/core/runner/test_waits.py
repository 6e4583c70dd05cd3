"""No wait is as long as a provider likes, and none ends for the time that the process slept."""

import asyncio
from collections.abc import Callable

import pytest
from kling26.core.errors import Kling26Error, TryLater, Unavailable, Unreachable
from kling26.core.http.pacing import RetryPolicy, asked_wait, now
from kling26.sandbox import FaultName
from kling26.testing.clock import VirtualLoop, run

from ..conftest import Stage
from .test_fault_table import try_it


def test_a_wait_of_hours_is_a_minute_for_a_question(stage: Stage) -> None:
    stage.fault("poll_429", retry_after=86_400.0)
    before = stage.clock()

    assert try_it(stage) is None
    assert stage.clock() - before < 200


def test_a_wait_of_hours_is_a_minute_while_a_task_is_searched_for(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("cometapi")
    stage.fault("reset_after_accept")
    stage.fault("poll_429", retry_after=86_400.0)
    before = stage.clock()

    assert try_it(stage) is None
    assert stage.clock() - before < 300


def test_a_wait_that_is_longer_than_the_time_left_is_not_begun(stage: Stage) -> None:
    stage.fault("rate_limit", retry_after=3600.0)
    before = stage.clock()

    error = try_it(stage, timeout=60.0)

    assert isinstance(error, TryLater)
    assert str(error).endswith("It asked for 60 min, more than the time left. Nothing was paid.")
    assert stage.clock() - before < 5
    assert (stage.paid, stage.task().state) == (0, "refused")


@pytest.mark.parametrize(
    ("asked", "waited"), [(None, 0), (-5.0, 0), (float("nan"), 0), (7.0, 7), (float("inf"), 60)]
)
def test_an_odd_wait_is_none_or_the_longest(asked: float | None, waited: float) -> None:
    assert asked_wait(TryLater("Wait.", retry_after=asked), 60.0) == waited


def decisions(errors: list[Kling26Error], gap: float) -> list[bool]:
    """Whether each error is tried again, if they come so many seconds apart."""

    async def work() -> list[bool]:
        policy = RetryPolicy(lambda: now() + 3600, (TryLater, Unreachable, Unavailable))
        await asyncio.sleep(gap)
        found = []
        for error in errors:
            found.append(policy(error) is not False)
            await asyncio.sleep(gap)
        return found

    return run(work())


def test_an_outage_is_counted_from_its_first_failure() -> None:
    """However long the task has waited for its turn by then."""
    assert decisions([Unreachable("Away.")] * 3, gap=100.0) == [True, True, False]


def test_a_provider_that_asks_for_patience_is_not_away() -> None:
    errors = [Unreachable("Away."), TryLater("Wait."), Unreachable("Away.")]

    assert decisions(errors, gap=100.0) == [True, True, True]


def asleep_at(stage: Stage, fault: FaultName) -> Kling26Error | None:
    """The end of a task whose process sleeps for an hour when a fault has shown once of four."""
    stage.fault(fault)
    stage.fault(fault, times=3)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)

        async def sleep() -> None:
            while len(stage.conditions.faults) == 2:
                await asyncio.sleep(0.5)
            loop.advance(3600.0)

        sleeper = asyncio.create_task(sleep())
        async with stage.runner() as runner:
            await stage.make(runner, timeout=36_000.0)
        await sleeper

    try:
        stage.run(work())
    except Kling26Error as error:
        return error
    return None


@pytest.mark.parametrize("fault", ["poll_no_such_task", "success_without_url"])
def test_an_hour_asleep_is_no_hour_of_asking(stage: Stage, fault: FaultName) -> None:
    assert asleep_at(stage, fault) is None
    assert stage.paid == 1
