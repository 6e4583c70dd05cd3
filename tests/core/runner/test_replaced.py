"""
A worker that slept while another one ran its task.

Asleep, it does not say that it is alive, and after a minute another worker may take its tasks over.
When it wakes up, it must not pay, nor write over what the other one has done.
"""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from attrs import define, field
from kling26.core.errors import Kling26Error, OutOfCredit
from kling26.core.journal.journal import Journal
from kling26.core.runner.results import Outcome, Video
from kling26.core.runner.runner import Runner

from ..conftest import Stage

pytestmark = pytest.mark.no_cover


@define
class Drowsy(httpx.AsyncBaseTransport):
    """A transport whose worker falls asleep at the first request to `path`, until it is woken."""

    inner: httpx.AsyncBaseTransport
    path: str
    #: Whether it falls asleep only once the provider has answered.
    answered: bool = False
    asleep: asyncio.Event = field(factory=asyncio.Event, init=False)
    awake: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.path not in request.url.path:
            return await self.inner.handle_async_request(request)
        if not self.answered:
            await self.sleep()
        response = await self.inner.handle_async_request(request)
        if self.answered:
            await self.sleep()
        return response

    async def sleep(self) -> None:
        self.asleep.set()
        await self.awake.wait()


PATHS = {
    "kie": ("createTask", "recordInfo"),
    "apikley": ("createTask", "recordInfo"),
    "cometapi": ("text2video", "text2video/"),
    "runcomfy": ("text-to-video", "/result"),
}


async def finished(runner: Runner) -> list[Outcome]:
    return [outcome async for outcome in runner.resume()]


async def replaced(stage: Stage, path: str, answered: bool = False) -> object:
    """
    What a sleeper's caller gets after another worker has finished the task.

    To the other one, the sleeper is gone.
    """
    drowsy = Drowsy(stage.transport(), path, answered)
    async with stage.runner(sandbox=lambda _: drowsy) as sleeper, stage.runner(alive=True) as other:
        call = asyncio.create_task(stage.make(sleeper))
        await drowsy.asleep.wait()
        await finished(other)
        drowsy.awake.set()
        (result,) = await asyncio.gather(call, return_exceptions=True)
    return result


@pytest.mark.parametrize("during", ["polling", "downloading"])
def test_a_sleeper_that_had_paid_gets_the_video_that_the_other_has_fetched(
    stage: Stage, during: str
) -> None:
    path = PATHS[stage.provider.name][1] if during == "polling" else "/results/"

    result = stage.run(replaced(stage, path))

    assert isinstance(result, Video)
    assert (stage.task().state, stage.paid, stage.submits()) == ("stored", 1, 1)


def test_an_answer_that_came_while_asleep_is_still_the_tasks(stage: Stage) -> None:
    path = PATHS[stage.provider.name][0]

    result = stage.run(replaced(stage, path, answered=True))

    assert isinstance(result, Video)
    assert (stage.task().state, stage.paid, stage.submits()) == ("stored", 1, 1)


def test_a_sleeper_whose_request_was_still_to_leave_does_not_hide_that(stage: Stage) -> None:
    """The row says that it was sent, and nobody else can know that it was not, yet."""
    path = PATHS[stage.provider.name][0]

    result = stage.run(replaced(stage, path))

    assert isinstance(result, Video)
    assert (stage.task().state, stage.paid) == ("stored", 1)


def test_a_no_that_came_while_asleep_makes_the_task_refused(
    stage_of: Callable[[str], Stage],
) -> None:
    """To the other worker the answer was lost, so it had to say that nobody knows."""
    kie = stage_of("kie")
    kie.fault("no_credit")

    result = kie.run(replaced(kie, "createTask", answered=True))

    assert isinstance(result, OutOfCredit)
    assert (kie.task().state, kie.paid, kie.submits()) == ("refused", 0, 1)


ALSO = "kie.ai also has this request as {}, which is paid for too."


def notes(stage: Stage) -> list[str | None]:
    return [each.message for each in stage.progress if each.phase == "note"]


def test_an_id_that_came_after_the_user_submitted_again_is_told(
    stage_of: Callable[[str], Stage], caplog: pytest.LogCaptureFixture
) -> None:
    kie = stage_of("kie")

    async def work() -> object:
        drowsy = Drowsy(kie.transport(), "createTask", answered=True)
        async with (
            kie.runner(sandbox=lambda _: drowsy) as sleeper,
            kie.runner(alive=True) as other,
        ):
            call = asyncio.create_task(kie.make(sleeper))
            await drowsy.asleep.wait()
            (unknown,) = await finished(other)
            again = asyncio.create_task(other.resubmit(unknown.task.id))
            while (await other.task(unknown.task.id)).ticket is None:
                await asyncio.sleep(0.1)
            drowsy.awake.set()
            _, result = await asyncio.gather(again, call, return_exceptions=True)
            return result

    result = kie.run(work())

    first, second = (task.id for task in kie.emulator.accepted)
    assert isinstance(result, Video)
    assert (result.task_id, kie.task().task_id) == (second, second)
    assert notes(kie) == [ALSO.format(first)]
    assert ALSO.format(first) in caplog.text
    (receipt,) = kie.home.glob("receipts/*")
    assert first.encode() in receipt.read_bytes()


async def queueing(stage: Stage) -> list[object]:
    """Eight requests of a sleeper that is replaced while they wait for the provider's pace."""
    async with stage.runner() as sleeper, stage.runner(alive=True) as other:
        calls = [asyncio.create_task(stage.make(sleeper, seed=seed)) for seed in range(8)]
        while len(await sleeper.tasks()) < 8:
            await asyncio.sleep(0.1)
        await finished(other)
        return await asyncio.gather(*calls, return_exceptions=True)


def test_what_a_sleeper_was_about_to_send_is_sent_by_the_other_alone(stage: Stage) -> None:
    results = stage.run(queueing(stage))

    assert [type(each) for each in results if isinstance(each, Kling26Error)] == []
    assert {task.state for task in stage.tasks()} == {"stored"}
    assert stage.paid == 8


async def late(stage: Stage) -> list[object]:
    """Requests whose time ran out while their worker slept, and another one sent them."""
    async with stage.runner() as sleeper, stage.runner(alive=True) as other:
        calls = [
            asyncio.create_task(stage.make(sleeper, seed=seed, timeout=25.0)) for seed in range(8)
        ]
        while len(await sleeper.tasks()) < 8:
            await asyncio.sleep(0.1)
        await finished(other)
        return await asyncio.gather(*calls, return_exceptions=True)


def test_a_sleeper_whose_time_has_run_out_does_not_say_that_nothing_was_paid(
    stage: Stage,
) -> None:
    results = stage.run(late(stage))

    assert stage.paid == 8
    assert not [each for each in results if "Nothing was paid" in str(each)]


class Silent(Journal):
    """The journal of a worker that never says that it is alive."""

    async def heartbeat(self) -> None:
        return


async def silent(stage: Stage, seconds: float) -> list[Outcome]:
    """What a second worker makes of a task whose worker is there, but has fallen silent."""
    drowsy = Drowsy(stage.transport(), PATHS[stage.provider.name][1])
    journal = Silent(f"sqlite:///{stage.home / 'journal.sqlite3'}", stage.home, stage.clock)
    async with (
        stage.runner(journal=journal, sandbox=lambda _: drowsy) as sleeper,
        stage.runner(alive=True) as other,
    ):
        call = asyncio.create_task(stage.make(sleeper))
        await drowsy.asleep.wait()
        outcomes = [each async for each in other.resume(timeout=seconds)]
        drowsy.awake.set()
        await call
    return outcomes


def test_a_worker_that_is_silent_for_more_than_a_minute_is_replaced(stage: Stage) -> None:
    (outcome,) = stage.run(silent(stage, 240.0))

    assert outcome.video is not None
    assert (stage.task().state, stage.paid) == ("stored", 1)


def test_a_worker_that_is_silent_for_less_is_waited_for(stage: Stage) -> None:
    (outcome,) = stage.run(silent(stage, 45.0))

    assert outcome.video is None
    assert "already paid for" in str(outcome.error)
    assert (stage.task().state, stage.paid) == ("stored", 1)
