"""The pace: submissions in step with the provider, questions neither too many nor too late."""

import asyncio
from collections.abc import Callable

import pytest
from kling26.core.http.pacing import PollSchedule, RateLimiter
from kling26.core.provider import Limits

from ..conftest import Stage

pytestmark = pytest.mark.no_cover


def arrivals(stage: Stage) -> list[float]:
    return sorted(task.created for task in stage.emulator.accepted)


def all_at_once(stage: Stage, count: int) -> None:
    async def work() -> None:
        async with stage.runner() as runner:
            await asyncio.gather(*(stage.make(runner, seed=seed) for seed in range(count)))

    stage.run(work())


def test_many_tasks_at_once_keep_to_the_rate_that_kie_publishes(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("kie")

    all_at_once(stage, 50)

    times = arrivals(stage)
    assert len(times) == 50
    assert stage.submits() == 50  # Not one was turned away.
    # 20 in any 10 seconds.
    assert all(later - earlier > 10 for earlier, later in zip(times, times[20:], strict=False))


def test_without_a_published_rate_all_leave_at_once(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("runcomfy")

    all_at_once(stage, 20)

    times = arrivals(stage)
    assert times[-1] - times[0] < 0.1


def test_one_rate_limit_slows_all_submissions_of_the_provider(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("runcomfy")
    stage.fault("rate_limit", retry_after=60)

    async def work() -> None:
        async with stage.runner() as runner:
            first = asyncio.create_task(stage.make(runner, seed=1))
            await asyncio.sleep(5)
            await asyncio.gather(first, stage.make(runner, seed=2), stage.make(runner, seed=3))

    began = stage.clock()
    stage.run(work())

    assert min(arrivals(stage)) - began >= 60
    assert stage.submits() == 4


def test_a_gate_of_one_in_a_long_time_lets_one_through(stage: Stage) -> None:
    async def work() -> float:
        gate, loop = RateLimiter(Limits(submissions=(1, 60.0))), asyncio.get_running_loop()
        await gate.acquire()
        began = loop.time()
        await gate.acquire()
        return loop.time() - began

    assert stage.run(work()) >= 60


@pytest.mark.parametrize("seconds", [3, 47, 90, 119])
def test_a_finished_video_is_noticed_within_two_seconds(stage: Stage, seconds: int) -> None:
    stage.conditions.queued, stage.conditions.running = 1.0, seconds - 1.0

    stage.generate()

    task = stage.task()
    assert task.finished is not None
    assert task.finished - stage.emulator.accepted[0].ends < 2


def test_the_waits_between_questions_grow_for_a_task_that_takes_long() -> None:
    waits = PollSchedule()
    first_hour, asked = 0.0, 0
    while first_hour < 3600:
        wait = next(waits)
        first_hour += wait
        asked += 1

    assert 1 <= wait <= 10
    assert asked < 500
