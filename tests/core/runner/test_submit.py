"""Submitting and leaving: the provider has the task, and its video is fetched later."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from kling26.core.errors import JournalError, OutcomeUnknown, Refused, TaskFailed, TryLater
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Owner, Task, TaskState
from kling26.core.request import VideoRequest
from kling26.core.runner.results import Video
from kling26.core.runner.runner import Runner
from kling26.testing.stage import PROMPT

from ..conftest import Stage, built_in
from .several import Several


def submitted(
    stage: Stage, runner: Runner, output: Path | None = None, timeout: float = 3600.0
) -> Awaitable[Task]:
    request, name = VideoRequest(PROMPT), stage.provider.name
    return runner.submit(
        request,
        name,
        output=output,
        sandbox=True,
        timeout=timeout,
        progress=stage.progress.append,
    )


async def leave(stage: Stage, output: Path | None = None) -> Task:
    """Submit as a process that ends afterwards."""
    async with stage.runner() as runner:
        return await submitted(stage, runner, output)


def questions(stage: Stage) -> int:
    return sum(seen.method == "GET" for seen in stage.emulator.requests)


def test_what_the_provider_has_taken_is_in_the_journal_and_nobody_s(stage: Stage) -> None:
    async def work() -> tuple[Task, Task]:
        async with stage.runner(alive=True) as runner:
            task = await submitted(stage, runner)
            return task, await runner.task(task.id)  # While the process is still there.

    task, row = stage.run(work())

    assert (task.state, row.state, row.worker) == ("submitted", "submitted", None)
    assert task.task_id == row.task_id == stage.emulator.accepted[0].id
    assert stage.paid == 1


def test_nobody_is_asked_about_a_task_that_was_left(stage: Stage) -> None:
    async def work() -> None:
        async with stage.runner(alive=True) as runner:
            await submitted(stage, runner)
            before = questions(stage)
            await asyncio.sleep(120.0)
            assert questions(stage) == before

    stage.run(work())


def test_a_living_process_need_not_be_waited_for(stage: Stage, tmp_path: Path) -> None:
    """Its task is anybody's at once, and the video goes where it was asked for."""
    output = tmp_path / "heron.mp4"

    async def work() -> float:
        async with stage.runner(alive=True) as first, stage.runner(alive=True) as second:
            task = await submitted(stage, first, output)
            began = stage.clock()
            (outcome,) = [each async for each in second.resume([task.id])]
            assert outcome.video is not None
            assert outcome.video.file == output
            return stage.clock() - began

    took = stage.run(work())
    assert output.exists()
    assert took < 75.0  # The emulator needs 60.
    assert stage.paid == 1


def test_the_same_again_is_found_where_it_is(stage: Stage) -> None:
    first = stage.run(leave(stage))
    again = stage.run(leave(stage))

    assert (again.id, again.state, stage.paid) == (first.id, "submitted", 1)
    assert stage.progress[-1].phase == "found"


def test_a_stored_video_is_written_at_once(stage: Stage, tmp_path: Path) -> None:
    stage.generate()
    task = stage.run(leave(stage, tmp_path / "heron.mp4"))

    assert (task.standing, stage.paid) == ("stored", 1)
    assert (tmp_path / "heron.mp4").read_bytes() == Path(str(task.file)).read_bytes()


def test_whoever_waits_for_the_video_gets_it_though_another_caller_leaves(stage: Stage) -> None:
    async def work() -> tuple[Video, Task]:
        async with stage.runner() as runner:
            making = asyncio.ensure_future(stage.make(runner))
            await asyncio.sleep(0.5)
            task = await submitted(stage, runner)
            assert not making.done()
            return await making, task

    video, task = stage.run(work())
    assert (video.task, stage.paid) == (task.id, 1)


def test_a_caller_who_comes_while_it_is_sent_gets_the_video(stage: Stage) -> None:
    async def work() -> tuple[Task, Video]:
        async with stage.runner() as runner:
            sending = asyncio.ensure_future(submitted(stage, runner))
            made = await stage.make(runner)
            return await sending, made

    task, video = stage.run(work())
    assert (task.id, stage.paid) == (video.task, 1)
    assert video.file.exists()


def test_a_video_is_made_here_after_it_was_left_here(stage: Stage) -> None:
    async def work() -> Video:
        async with stage.runner(alive=True) as runner:
            await submitted(stage, runner)
            return await stage.make(runner)

    assert stage.run(work()).file.exists()
    assert stage.paid == 1


def test_a_refusal_is_raised(stage: Stage) -> None:
    stage.fault("no_credit")
    with pytest.raises(Refused):
        stage.run(leave(stage))

    assert stage.paid == 0


def test_a_lost_answer_is_raised_as_unknown(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("kie")
    stage.fault("reset_after_accept")
    with pytest.raises(OutcomeUnknown):
        stage.run(leave(stage))

    assert (stage.paid, stage.task().state) == (1, "unknown")


def test_what_the_journal_does_not_know_is_left_to_nobody(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ticket is only here, so it is here that the video is fetched."""

    async def work() -> Task:
        async with stage.runner() as runner:
            return await submitted(stage, runner)

    update = Journal.update

    async def full(journal: Journal, owner: Owner, state: TaskState, **more: Any) -> bool:
        if state == "submitted":
            raise JournalError("The disk is full.")
        return await update(journal, owner, state, **more)

    monkeypatch.setattr(Journal, "update", full)
    task = stage.run(work())
    assert (task.state, stage.paid) == ("stored", 1)
    assert stage.task().state == "stored"


def test_a_failed_one_is_left_to_whoever_resumes_it(stage: Stage) -> None:
    stage.fault("failed_task")
    task = stage.run(leave(stage))

    assert task.state == "submitted"
    with pytest.raises(TaskFailed):
        stage.generate()


def test_any_provider_takes_it_too(tmp_path: Path) -> None:
    with Several(tmp_path / "home", *built_in("kie")) as stage:

        async def work() -> Task:
            async with stage.runner() as runner:
                return await runner.submit(VideoRequest(PROMPT), "auto", sandbox=True)

        task = stage.run(work())

        assert (task.state, task.auto) == ("submitted", True)
        assert sum(stage.payments.values()) == 1


def test_a_request_that_was_recorded_and_never_sent_is_paid_by_whoever_sends_it(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("kie")
    stage.fault("rate_limit", times=2, retry_after=50.0)
    with pytest.raises(TryLater):
        stage.generate(timeout=20.0)

    assert not stage.generate().reused
    assert stage.generate().reused
    assert stage.paid == 1
