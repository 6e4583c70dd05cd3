"""Adopting: the user has found the task of a lost answer on the provider's page."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from kling26.core.errors import NoSuchTask, NotApplicable, ProviderError, TaskFailed
from kling26.core.runner.results import Outcome

from ..conftest import Stage
from .test_fault_table import try_it

pytestmark = pytest.mark.no_cover

# CometAPI finds such a task by itself, unless it does not answer either.
WITHOUT_FIND = ["kie", "apikley", "runcomfy"]


def adopt(stage: Stage, task_id: str, task: str | None = None) -> Outcome:
    async def work() -> Outcome:
        async with stage.runner() as runner:
            return await runner.adopt(task or stage.tasks()[0].id, task_id)

    return stage.run(work())


@pytest.fixture(params=WITHOUT_FIND)
def lost(request: pytest.FixtureRequest, stage_of: Callable[[str], Stage], tmp_path: Path) -> Stage:
    """A provider that has taken a task, of which only its own page still says so."""
    stage = stage_of(request.param)
    stage.fault("reset_after_accept")
    try_it(stage, output=tmp_path / "heron.mp4")
    assert stage.task().state == "unknown"
    return stage


def accepted(stage: Stage, number: int = 0) -> str:
    return stage.emulator.accepted[number].id


def test_an_adopted_task_is_carried_on_into_its_output(lost: Stage, tmp_path: Path) -> None:
    outcome = adopt(lost, accepted(lost))

    assert outcome.video is not None
    assert (outcome.task.state, outcome.task.task_id) == ("stored", accepted(lost))
    assert (tmp_path / "heron.mp4").exists()
    assert (lost.paid, lost.submits()) == (1, 1)


def test_what_is_not_seen_around_the_id_does_not_count(lost: Stage) -> None:
    assert adopt(lost, f" \u200b {accepted(lost)}\ufeff\u2060\n").video is not None


def test_an_id_that_the_provider_does_not_know_changes_nothing(lost: Stage) -> None:
    before = lost.task()

    with pytest.raises(NoSuchTask):
        adopt(lost, "task_of_nobody")

    assert lost.task() == before


def test_a_provider_that_does_not_answer_leaves_the_task_unknown(lost: Stage) -> None:
    before = lost.task()
    lost.fault("poll_503", times=10_000)

    with pytest.raises(ProviderError):
        adopt(lost, accepted(lost))

    assert lost.task() == before


def test_of_two_tasks_that_are_given_the_same_id_at_once_one_gets_it(lost: Stage) -> None:
    lost.fault("reset_after_accept")
    try_it(lost, seed=1)
    first, second = (task.id for task in lost.tasks())
    found = accepted(lost)

    async def work() -> list[object]:
        async with lost.runner() as runner:
            both = (runner.adopt(first, found), runner.adopt(second, found))
            return list(await asyncio.gather(*both, return_exceptions=True))

    outcomes = lost.run(work())

    assert sorted(task.state for task in lost.tasks()) == ["stored", "unknown"]
    (refused,) = [each for each in outcomes if isinstance(each, NotApplicable)]
    assert "is already that of task" in str(refused)


@pytest.mark.parametrize("task_id", ["", "  "])
def test_an_id_has_to_be_given(lost: Stage, task_id: str) -> None:
    with pytest.raises(NotApplicable, match="The id is empty"):
        adopt(lost, task_id)


def test_the_id_of_another_task_is_refused(lost: Stage) -> None:
    (unknown,) = lost.tasks()
    other = lost.generate(seed=2)

    with pytest.raises(NotApplicable, match=f"is already that of task {other.task}"):
        adopt(lost, str(other.task_id), unknown.id)

    assert lost.paid == 2


def test_only_an_unclear_task_can_be_adopted(lost: Stage) -> None:
    video = lost.generate(seed=2)

    with pytest.raises(NotApplicable, match="is stored; only an unknown task"):
        adopt(lost, accepted(lost), video.task)


def test_an_adopted_task_that_has_failed_says_so(lost: Stage) -> None:
    lost.fault("failed_task")

    outcome = adopt(lost, accepted(lost))

    assert isinstance(outcome.error, TaskFailed)
    assert lost.task().state == "failed"


def test_of_two_that_adopt_at_once_one_does(lost: Stage) -> None:
    async def work() -> list[object]:
        async with lost.runner(alive=True) as one, lost.runner(alive=True) as other:
            task, task_id = lost.task().id, accepted(lost)
            return await asyncio.gather(
                one.adopt(task, task_id), other.adopt(task, task_id), return_exceptions=True
            )

    results = lost.run(work())

    assert sorted(type(each).__name__ for each in results) == ["NotApplicable", "Outcome"]
    assert lost.task().state == "stored"


def test_a_task_of_an_image_is_adopted_where_the_id_alone_does_not_say_so(
    stage_of: Callable[[str], Stage],
) -> None:
    """At CometAPI, text and image to video are asked about at URLs of their own."""
    comet = stage_of("cometapi")
    comet.fault("reset_after_accept")
    comet.fault("poll_503", times=10_000)
    try_it(comet, image="https://pictures.example/heron.png", timeout=60)
    assert comet.task().state == "unknown"
    comet.conditions.faults.clear()

    outcome = adopt(comet, accepted(comet))

    assert outcome.video is not None
    assert comet.paid == 1


def test_a_task_is_also_known_by_the_id_of_its_provider(stage: Stage) -> None:
    video = stage.generate()

    async def work() -> str:
        async with stage.runner() as runner:
            return (await runner.task(str(video.task_id))).id

    assert stage.run(work()) == video.task
