"""Cancelling: at the provider where that is possible and free; otherwise nothing is lost."""

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest
from attrs import define
from kling26.core.errors import (
    NotApplicable,
    OutcomeUnknown,
    ResultUnavailable,
    StillRunning,
    TaskCancelled,
)
from kling26.core.journal.journal import Journal

from ..conftest import Stage


def begin(stage: Stage, timeout: float) -> str:
    """A task that is under way; its id."""
    with pytest.raises(StillRunning):
        stage.generate(timeout=timeout)
    return stage.task().id


def cancel(stage: Stage, task: str) -> tuple[bool, str]:
    async def work() -> tuple[bool, str]:
        async with stage.runner() as runner:
            done = await runner.cancel(task)
            return done.cancelled, done.message

    return stage.run(work())


def test_a_queued_task_is_really_cancelled_where_the_provider_can(stage_of) -> None:
    stage = stage_of("runcomfy")
    task = begin(stage, timeout=5)

    cancelled, sentence = cancel(stage, task)

    assert cancelled
    assert sentence == "RunComfy cancelled the task."
    assert stage.task().state == "cancelled"
    assert stage.emulator.accepted[0].cancelled


def test_a_running_task_goes_on_and_that_is_said(stage_of) -> None:
    stage = stage_of("runcomfy")
    task = begin(stage, timeout=30)

    cancelled, sentence = cancel(stage, task)

    assert not cancelled
    assert sentence == "RunComfy is already making the video."
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
            done = await runner.cancel(task.id)
            assert done.cancelled
            waiting.cancel()
            return done.message

    assert "cost nothing" in stage.run(work())
    assert stage.task().state == "cancelled"
    assert stage.paid == 0


def test_a_cancelled_task_ends_the_wait_of_everyone_at_once(stage_of) -> None:
    stage = stage_of("runcomfy")
    stage.conditions.queued = 300.0

    async def work() -> float:
        async with stage.runner() as runner:
            waiting = [asyncio.create_task(stage.make(runner)) for _ in "ab"]
            await asyncio.sleep(26)  # The next question is some seconds away.
            (task,) = await runner.tasks(only_open=True)
            await runner.cancel(task.id)
            began = stage.clock()
            for each in waiting:
                with pytest.raises(TaskCancelled, match="cancelled at RunComfy"):
                    await each
            return stage.clock() - began

    assert stage.run(work()) < 2


def test_a_task_that_waits_to_be_sent_ends_the_wait_when_it_is_withdrawn(stage: Stage) -> None:
    stage.fault("rate_limit", times=1000)

    async def work() -> float:
        async with stage.runner() as runner:
            waiting = asyncio.create_task(stage.make(runner))
            await asyncio.sleep(10)
            (task,) = await runner.tasks(only_open=True)
            await runner.cancel(task.id)
            began = stage.clock()
            with pytest.raises(TaskCancelled):
                await waiting
            return stage.clock() - began

    assert stage.run(work()) < 2


@define
class Troubled(httpx.AsyncBaseTransport):
    """A way to the emulator on which the first requests to cancel meet trouble."""

    inner: httpx.AsyncBaseTransport
    times: float
    body: bytes = b"<html>Bad gateway"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cancel") and self.times > 0:
            self.times -= 1
            return httpx.Response(502, content=self.body)
        return await self.inner.handle_async_request(request)


@pytest.mark.parametrize(
    ("times", "cancelled", "words"),
    [
        (2, True, "RunComfy cancelled the task."),
        (
            float("inf"),
            False,
            "RunComfy is temporarily unavailable (HTTP 502). The task continues.",
        ),
    ],
)
def test_trouble_with_a_cancel_is_tried_again_and_then_reported(
    stage_of, times: float, cancelled: bool, words: str
) -> None:
    stage = stage_of("runcomfy")
    stage.conditions.queued = 300.0
    task = begin(stage, timeout=5)

    async def work() -> tuple[bool, str]:
        troubled = Troubled(stage.transport(), times)
        async with stage.runner(sandbox=lambda _: troubled) as runner:
            done = await runner.cancel(task)
            return done.cancelled, done.message

    done, sentence = stage.run(work())

    assert done is cancelled
    assert sentence.startswith(words)
    assert stage.task().state == ("cancelled" if cancelled else "submitted")


def test_a_cancel_by_another_process_is_reported_where_the_provider_forgets_the_task(
    stage_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of("runcomfy")

    async def work() -> None:
        async with stage.runner(alive=True) as runner, stage.runner(alive=True) as other:
            waiting = asyncio.create_task(stage.make(runner))
            await asyncio.sleep(5)
            (task,) = await runner.tasks(only_open=True)
            await other.cancel(task.id)
            # Gone, where others would say "cancelled".
            monkeypatch.setattr(stage.emulator.tasks, "find", lambda _: None)
            await waiting

    began = stage.clock()
    with pytest.raises(TaskCancelled):
        stage.run(work())

    assert stage.clock() - began < 20


class Slow(Journal):
    """Takes its time to write, as on a busy disk."""

    async def beat(self) -> None:
        await self.database.run(lambda _: time.sleep(0.1))


def test_an_answer_that_has_come_is_written_down_before_the_runner_closes(stage: Stage) -> None:
    async def work() -> None:
        runner = stage.runner(journal=Slow(f"sqlite:///{stage.home / 'journal.sqlite3'}"))
        making = asyncio.create_task(stage.make(runner))
        while not stage.paid:
            await asyncio.sleep(0.01)
        # What is written meanwhile stands before it in the journal's only writing thread.
        asking = [asyncio.create_task(runner.journal.heartbeat()) for _ in range(5)]
        await runner.aclose()
        making.cancel()
        await asyncio.gather(making, *asking, return_exceptions=True)

    asyncio.run(work())  # In real time: the virtual clock waits for the journal.

    assert stage.task().state == "submitted"
    assert stage.task().task_id == stage.emulator.accepted[0].id


def test_a_finished_task_cannot_be_cancelled(stage: Stage) -> None:
    stage.generate()

    with pytest.raises(NotApplicable, match="is already stored"):
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


def test_a_task_that_is_cancelled_already_is_still_cancelled(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("runcomfy")
    task = begin(stage, timeout=5)
    cancel(stage, task)

    assert cancel(stage, task) == (True, f"Task {task} is already cancelled.")


def test_a_video_that_is_made_is_not_cancelled(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("runcomfy")
    stage.fault("download_403", times=10_000)
    with pytest.raises(ResultUnavailable):
        stage.generate()

    cancelled, sentence = cancel(stage, stage.task().id)

    assert (cancelled, sentence) == (False, "The video is already finished at RunComfy.")
    assert stage.task().state == "succeeded"


def test_what_may_have_been_taken_is_not_called_cancelled(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("kie")
    stage.fault("reset_after_accept")
    with pytest.raises(OutcomeUnknown):
        stage.generate()

    cancelled, sentence = cancel(stage, stage.task().id)

    assert not cancelled
    assert sentence == (
        "It is not known whether kie.ai accepted the task, so it cannot be cancelled."
    )
    assert (stage.paid, stage.task().state) == (1, "unknown")
