"""Bugs, of ours or of a plug-in: what is paid for stays so, and the other tasks go on."""

from collections.abc import Callable

import pytest
from kling26.core.errors import NotDelivered, StillRunning
from kling26.core.runner import job
from kling26.core.runner.context import JobContext
from kling26.core.runner.results import Outcome

from ..conftest import Stage
from .test_fault_table import try_it


@pytest.fixture
def kie(stage_of: Callable[[str], Stage], monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage where the video with the seed 1 cannot be fetched, for no good reason."""
    fetch = job.fetch

    async def broken(context: JobContext, *more: object) -> object:
        if context.task.seed == 1:
            raise RuntimeError("a bug")
        return await fetch(context, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(job, "fetch", broken)
    return stage_of("kie")


def test_a_bug_after_the_payment_says_that_the_video_is_owed(kie: Stage) -> None:
    error = try_it(kie, seed=1)

    assert type(error) is NotDelivered
    assert str(error) == "Something unexpected happened: RuntimeError('a bug')."
    assert error.task_id == kie.emulator.accepted[0].id
    assert kie.task().state == "succeeded"


def test_a_bug_in_one_task_does_not_end_the_others(kie: Stage) -> None:
    for seed in (1, 2, 3):
        assert isinstance(try_it(kie, seed=seed, timeout=5), StillRunning)

    async def work() -> list[Outcome]:
        async with kie.runner() as runner:
            return [each async for each in runner.resume()]

    outcomes = kie.run(work())

    assert sorted(each.video is not None for each in outcomes) == [False, True, True]
    assert kie.paid == 3


def test_what_the_machine_lacks_is_no_bug_and_the_video_is_owed(
    stage_of: Callable[[str], Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(job, "fetch", full)
    error = try_it(stage_of("kie"))

    assert type(error) is NotDelivered
    assert str(error) == "There is not enough memory for this program (see ulimit -v)."
