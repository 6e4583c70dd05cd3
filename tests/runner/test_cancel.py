"""Cancelling: at the provider where that is possible and free; otherwise nothing is lost."""

import asyncio

import pytest
from kling26.core.errors import StillRunning, TaskCancelled, UnknownTask

from .conftest import Stage


def begin(stage: Stage, timeout: float) -> str:
    """A task that is under way; its id."""
    with pytest.raises(StillRunning):
        stage.generate(timeout=timeout)
    return stage.task().id


def cancel(stage: Stage, task: str) -> tuple[bool, str]:
    async def work() -> tuple[bool, str]:
        async with stage.runner() as runner:
            _, cancelled, sentence = await runner.cancel(task)
            return cancelled, sentence

    return stage.run(work())


def test_a_queued_task_is_really_cancelled_where_the_provider_can(stage_of) -> None:
    stage = stage_of("runcomfy")
    task = begin(stage, timeout=5)

    cancelled, sentence = cancel(stage, task)

    assert cancelled
    assert sentence == "RunComfy cancelled the task."
    assert stage.task().state == "cancelled"
    assert stage.emulator.accepted[0].cancelled


def test_a_running_task_goes_on_and_the_user_is_told(stage_of) -> None:
    stage = stage_of("runcomfy")
    task = begin(stage, timeout=30)

    cancelled, sentence = cancel(stage, task)

    assert not cancelled
    assert sentence == f"RunComfy is already making the video; go on with: kling26 resume {task}"
    assert stage.task().state == "submitted"
    stage.generate()
    assert stage.paid == 1


@pytest.mark.parametrize("provider", ["kie", "apikley", "cometapi"])
def test_where_nothing_can_be_cancelled_the_task_is_left_to_finish(stage_of, provider: str) -> None:
    stage = stage_of(provider)
    task = begin(stage, timeout=5)

    cancelled, sentence = cancel(stage, task)

    assert not cancelled
    assert "cannot cancel" in sentence
    stage.generate()
    assert (stage.paid, stage.task().state) == (1, "stored")


def test_a_task_that_was_not_sent_yet_is_withdrawn(stage: Stage) -> None:
    stage.fault("rate_limit", times=1000)

    async def work() -> str:
        async with stage.runner() as runner:
            waiting = asyncio.create_task(stage.make(runner))
            await asyncio.sleep(10)
            (task,) = await runner.tasks(only_open=True)
            _, cancelled, sentence = await runner.cancel(task.id)
            assert cancelled
            waiting.cancel()
            return sentence

    assert "cost nothing" in stage.run(work())
    assert stage.task().state == "cancelled"
    assert stage.paid == 0


def test_a_cancelled_task_is_told_to_those_who_wait_for_it(stage_of) -> None:
    stage = stage_of("runcomfy")

    async def work() -> None:
        async with stage.runner() as runner:
            waiting = asyncio.create_task(stage.make(runner))
            await asyncio.sleep(5)
            (task,) = await runner.tasks(only_open=True)
            await runner.cancel(task.id)
            await waiting

    with pytest.raises(TaskCancelled, match="cancelled at RunComfy"):
        stage.run(work())


def test_a_finished_task_cannot_be_cancelled(stage: Stage) -> None:
    stage.generate()

    with pytest.raises(UnknownTask, match="is stored already"):
        cancel(stage, stage.task().id)


def test_a_caller_that_is_cancelled_leaves_the_paid_task_alone(stage: Stage) -> None:
    async def work() -> None:
        async with stage.runner() as runner:
            caller = asyncio.create_task(stage.make(runner))
            await asyncio.sleep(10)
            caller.cancel()
            await asyncio.sleep(100)

    stage.run(work())

    assert (stage.paid, stage.task().state) == (1, "stored")


def test_a_runner_that_closes_waits_for_the_answer_to_a_paid_request(stage: Stage) -> None:
    stage.fault("slow", seconds=5)

    async def work() -> None:
        async with stage.runner() as runner:
            caller = asyncio.create_task(stage.make(runner))
            await asyncio.sleep(2)
            assert runner.paying
            caller.cancel()

    stage.run(work())

    assert stage.task().state == "submitted"
    stage.generate()
    assert stage.paid == 1
