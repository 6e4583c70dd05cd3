"""A task whose picture is not in this home, as on another host or after a clean-up."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from kling26.core.errors import JournalError, OutcomeUnknown
from kling26.core.runner.results import Outcome
from kling26.sandbox import FaultName

from ..conftest import Stage
from .test_fault_table import try_it

PICTURE = (Path(__file__).parents[2] / "grey.png").read_bytes()


@pytest.fixture
def comet(stage_of: Callable[[str], Stage]) -> Stage:
    """A provider that looks a task up by our own id."""
    return stage_of("cometapi")


def lose_picture(stage: Stage) -> None:
    (picture,) = stage.home.glob("images/*")
    picture.unlink()


def damage_picture(stage: Stage) -> None:
    (picture,) = stage.home.glob("images/*")
    picture.write_bytes(PICTURE[:100])


def resumed(stage: Stage) -> Outcome:
    async def work() -> Outcome:
        async with stage.runner() as runner:
            (outcome,) = [each async for each in runner.resume()]
            return outcome

    return stage.run(work())


def stop_while_settling(stage: Stage, fault: FaultName) -> None:
    """Ask for a video in a process that is killed before it knows what became of the request."""
    stage.fault(fault)
    stage.fault("poll_503", times=10_000)

    async def work() -> None:
        making = asyncio.ensure_future(stage.make(stage.runner(), image=PICTURE))
        while not stage.submits():
            await asyncio.sleep(0.1)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)

    stage.run(work())
    stage.conditions.faults.clear()
    assert stage.task().standing == "unclear"
    lose_picture(stage)


def leave_unsent(stage: Stage) -> None:
    """Ask for a video in a process that is killed while the provider takes no request."""
    stage.fault("rate_limit", times=10_000)

    async def work() -> None:
        making = asyncio.ensure_future(stage.make(stage.runner(), image=PICTURE))
        await asyncio.sleep(20)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)

    stage.run(work())
    stage.conditions.faults.clear()
    assert (stage.task().standing, stage.task().state) == ("unsent", "submitting")


def test_a_task_that_was_accepted_is_found_without_its_picture(comet: Stage) -> None:
    stop_while_settling(comet, "reset_after_accept")

    assert resumed(comet).error is None
    assert (comet.paid, comet.submits(), comet.task().state) == (1, 1, "stored")


def test_a_request_that_may_have_left_is_not_repeated_without_its_picture(comet: Stage) -> None:
    stop_while_settling(comet, "reset_before_accept")

    error = resumed(comet).error

    assert isinstance(error, OutcomeUnknown)
    assert "Nothing was paid" not in str(error)
    assert (comet.submits(), comet.task().state) == (1, "unknown")


def test_a_request_that_may_have_left_is_repeated_by_a_caller_with_the_picture(
    comet: Stage,
) -> None:
    stop_while_settling(comet, "reset_before_accept")

    assert try_it(comet, image=PICTURE) is None
    assert (comet.paid, comet.submits(), comet.task().state) == (1, 2, "stored")


# RunComfy takes pictures by their URLs alone.
@pytest.mark.parametrize("provider", ["kie", "apikley", "cometapi"])
@pytest.mark.parametrize("spoil", [lose_picture, damage_picture])
def test_what_cannot_be_sent_without_its_picture_is_left_to_whoever_has_it(
    stage_of: Callable[[str], Stage], provider: str, spoil: Callable[[Stage], None]
) -> None:
    stage = stage_of(provider)
    leave_unsent(stage)
    sent = stage.submits()
    spoil(stage)

    error = resumed(stage).error

    assert isinstance(error, JournalError)
    assert re.search("image .* cannot be read|is damaged", str(error))
    assert str(error).endswith("Nothing was paid.")
    assert (stage.task().state, stage.submits()) == ("submitting", sent)
    assert try_it(stage, image=PICTURE) is None
    assert (stage.paid, stage.task().state) == (1, "stored")


def test_a_resubmit_without_the_picture_does_not_make_the_first_request_free(
    stage_of: Callable[[str], Stage],
) -> None:
    kie = stage_of("kie")
    kie.fault("reset_after_accept")
    assert isinstance(try_it(kie, image=PICTURE), OutcomeUnknown)
    lose_picture(kie)

    async def work() -> Outcome:
        async with kie.runner() as runner:
            return await runner.resubmit(kie.task().id)

    error = kie.run(work()).error

    assert isinstance(error, OutcomeUnknown)
    assert (kie.paid, kie.submits(), kie.task().state) == (1, 1, "unknown")


def test_an_adopted_task_with_a_picture_is_asked_about_as_one(comet: Stage) -> None:
    """At CometAPI, text and image to video are asked about at URLs of their own."""
    comet.fault("reset_after_accept")
    comet.fault("poll_503", times=10_000)
    assert isinstance(try_it(comet, image=PICTURE, timeout=60), OutcomeUnknown)
    comet.conditions.faults.clear()
    task_id = comet.emulator.accepted[0].id

    async def work() -> Outcome:
        async with comet.runner() as runner:
            return await runner.adopt(comet.task().id, task_id)

    assert comet.run(work()).video is not None
    assert comet.paid == 1


def test_a_picture_is_uploaded_before_anything_is_said_to_be_submitted(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("kie")
    stage.generate(image=PICTURE)

    phases = list(dict.fromkeys(each.phase for each in stage.progress))
    assert phases[:2] == ["uploading", "submitting"]
