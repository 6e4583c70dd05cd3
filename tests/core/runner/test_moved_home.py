"""A home that is moved: what was paid for is found again, and paid once."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from attrs import define, field
from kling26.core import JournalError, Kling26Error, ResultUnavailable
from kling26.core.runner.runner import Runner
from kling26.testing.stage import PROMPT

from ..conftest import Stage


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def forget(stage: Stage) -> None:
    """Whoever asks the provider from now on gets no answer."""
    stage.fault("poll_no_such_task", times=10_000)


def test_a_stored_video_is_found_in_a_home_that_was_moved(stage: Stage, tmp_path: Path) -> None:
    stage.generate()
    moved = stage.home.rename(tmp_path / "moved")
    asked = len(stage.emulator.requests)
    stage.home = moved

    video = stage.generate()

    assert (video.file.parent, video.reused) == (moved / "videos", True)
    assert video.file.exists()
    assert (stage.paid, len(stage.emulator.requests)) == (1, asked)


def test_a_video_that_the_journal_does_not_know_of_is_found_before_anyone_is_asked(
    kie: Stage,
) -> None:
    """As after a crash between the two."""
    made = kie.generate()

    async def unlearn() -> None:
        async with kie.runner() as runner:
            await runner.journal.database.run(
                lambda connection: connection.exec_driver_sql(
                    "UPDATE tasks SET state = 'submitted', file = NULL"
                )
            )

    kie.run(unlearn())
    forget(kie)

    again = kie.generate()

    assert again.file == made.file
    assert (kie.task().state, kie.paid) == ("stored", 1)


def move(stage: Stage, to: Path) -> None:
    stage.home.rename(to)


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be moved on Windows")
def test_a_home_that_is_moved_while_a_video_is_made_is_not_made_again(
    stage: Stage, tmp_path: Path
) -> None:
    async def work() -> None:
        async with stage.runner() as runner:
            making = asyncio.ensure_future(stage.make(runner))
            await asyncio.sleep(30)
            move(stage, tmp_path / "moved")
            await making

    with pytest.raises(ResultUnavailable, match=r"the home folder .* has been moved or deleted"):
        stage.run(work())

    assert not stage.home.exists()
    stage.home = tmp_path / "moved"
    assert stage.generate().file.exists()
    assert stage.generate().reused
    assert stage.paid == 1


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be moved on Windows")
def test_nothing_is_sent_from_a_home_that_was_moved(kie: Stage, tmp_path: Path) -> None:
    async def work() -> None:
        async with kie.runner() as runner:
            await kie.make(runner, seed=1)
            move(kie, tmp_path / "moved")
            await kie.make(runner, PROMPT, seed=2)

    with pytest.raises(JournalError, match=r"moved or deleted meanwhile\. Nothing was sent\."):
        kie.run(work())

    assert kie.paid == 1
    assert not kie.home.exists()


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be moved on Windows")
def test_an_answer_that_comes_after_the_home_was_moved_is_read_there(
    kie: Stage, tmp_path: Path
) -> None:
    @define
    class Moving(httpx.AsyncBaseTransport):
        """The emulator; while it answers the paid request, home and journal are moved."""

        inner: httpx.AsyncBaseTransport
        runners: list[Runner] = field(factory=list)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            reply = await self.inner.handle_async_request(request)
            if request.method == "POST":
                move(kie, tmp_path / "moved")
                for runner in self.runners:
                    await runner.journal.close()  # It cannot be opened again.
            return reply

    async def work() -> None:
        transport = Moving(kie.transport())
        async with kie.runner(sandbox=lambda _: transport) as runner:
            transport.runners.append(runner)
            await kie.make(runner, timeout=20)

    with pytest.raises(Kling26Error):
        kie.run(work())
    kie.home = tmp_path / "moved"

    assert kie.generate().file.exists()
    assert kie.paid == 1
