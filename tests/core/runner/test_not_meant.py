"""What was not meant to be paid for is not sent."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from attrs import evolve
from kling26.core import NotApplicable, SettingsError, VideoRequest
from kling26.core.journal.journal import Journal
from kling26.core.runner.results import Outcome
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings

from ..conftest import Stage
from ..journal.test_worker import draft


def nobody_may_be_asked(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked.")


def runner(home: Path, **variables: str) -> Runner:
    environ = {"KLING26_HOME": str(home), "KIE_API_KEY": "a-key-of-the-test", **variables}
    return Runner(Settings(environ), transport=httpx.MockTransport(nobody_may_be_asked))


def test_a_task_that_was_not_sent_is_not_sent_where_everything_is_a_rehearsal(
    tmp_path: Path,
) -> None:
    async def resumed() -> list[Outcome]:
        journal = Journal(tmp_path / "journal.sqlite3", tmp_path)
        await journal.claim(evolve(draft("A heron"), realm="live"), None)
        await journal.release()
        await journal.close()
        async with runner(tmp_path, KLING26_SANDBOX="1") as rehearsing:
            return [outcome async for outcome in rehearsing.resume()]

    (outcome,) = asyncio.run(resumed())

    assert isinstance(outcome.error, NotApplicable)
    assert str(outcome.error).endswith("is not sent while KLING26_SANDBOX is set.")
    assert outcome.task.standing == "unsent"


def test_faults_to_rehearse_are_not_ignored_for_a_video_that_would_be_paid_for(
    tmp_path: Path,
) -> None:
    async def make() -> None:
        async with runner(tmp_path, KLING26_SANDBOX_FAULTS="cut_download") as paying:
            await paying.generate(VideoRequest("A heron"), "kie")

    with pytest.raises(SettingsError, match="KLING26_SANDBOX_FAULTS is set, but this video is not"):
        asyncio.run(make())
    assert not (tmp_path / "journal.sqlite3").exists()


def test_nothing_is_sent_once_the_time_is_up(stage: Stage) -> None:
    with pytest.raises(Exception, match=r"Time ran out before the request was sent\. Nothing was"):
        stage.generate(timeout=0)

    assert (stage.paid, stage.submits()) == (0, 0)


def test_a_task_is_known_although_nobody_waited_until_it_was_recorded(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("kie")

    async def interrupted() -> list[str]:
        async with stage.runner() as runner:
            making = asyncio.ensure_future(stage.make(runner))
            while not runner.claimed:
                await asyncio.sleep(0)
            making.cancel()
        return list(runner.claimed)

    (name,) = stage.run(interrupted())

    assert (stage.task().id, stage.task().standing) == (name, "unsent")
    assert stage.paid == 0
