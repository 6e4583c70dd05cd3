"""
The fault table: whatever goes wrong, a video is paid once or not at all, and nothing is lost.

CometAPI keeps our own id and can be asked for it, so it also delivers where others cannot know.
Each fault once, and a video or a refusal after it, is in the suite that every provider passes; here
are faults that last, and what exactly is said, recorded and sent.
"""

import asyncio
from pathlib import Path

import pytest
from kling26.cli.exits import exit_status
from kling26.core.errors import (
    Kling26Error,
    NotDelivered,
    OutcomeUnknown,
    OutOfCredit,
    Remedy,
    ResultUnavailable,
    StillRunning,
    TaskFailed,
)
from kling26.core.runner.results import Video
from kling26.sandbox import FaultName
from kling26.sandbox.faults import FAULTS_BY_STEP
from kling26.testing.conformance.faults import NOT_TAKEN, PERHAPS_TAKEN
from PIL import Image

from ..conftest import Stage

pytestmark = pytest.mark.no_cover

WHILE_WAITING = [
    name for name in (*FAULTS_BY_STEP["poll"], *FAULTS_BY_STEP["end"]) if name != "failed_task"
]


def try_it(stage: Stage, **more: object) -> Kling26Error | None:
    """Ask for a video; the error, if none came."""
    try:
        stage.generate(**more)
    except Kling26Error as error:
        return error
    return None


@pytest.mark.parametrize("fault", ["rate_limit", *sorted({*NOT_TAKEN} - {"no_credit"})])
@pytest.mark.parametrize("provider", ["kie", "apikley"])
def test_not_taken_for_now_is_sent_again(stage_of, provider: str, fault: FaultName) -> None:
    stage = stage_of(provider)
    stage.fault(fault, times=3)

    assert try_it(stage) is None
    assert stage.paid == 1
    assert stage.submits() == 4


def test_a_rate_limit_is_waited_out_as_long_as_it_asks(stage: Stage) -> None:
    stage.fault("rate_limit", retry_after=300)
    before = stage.clock()

    assert try_it(stage) is None
    assert stage.clock() - before > 300
    assert stage.paid == 1


def test_a_rate_limit_until_the_time_out_is_a_refusal(stage: Stage) -> None:
    stage.fault("rate_limit", times=10_000)

    error = try_it(stage, timeout=120)

    assert error is not None
    assert exit_status(error) == 3
    assert "Nothing was paid" in str(error)
    assert stage.paid == 0
    assert stage.task().state == "refused"


def test_no_credit_is_a_refusal_that_costs_nothing(stage: Stage) -> None:
    stage.fault("no_credit")

    error = try_it(stage)

    assert isinstance(error, OutOfCredit)
    assert (stage.paid, stage.submits(), stage.task().state) == (0, 1, "refused")


@pytest.mark.parametrize("fault", sorted({*PERHAPS_TAKEN} - {"cut_body_with_id"}))
def test_a_lost_answer_never_pays_twice(stage: Stage, fault: FaultName) -> None:
    stage.fault(fault)

    error = try_it(stage)

    assert stage.paid <= 1
    if stage.provider.name == "cometapi":
        assert error is None
        assert stage.paid == 1
    else:
        assert isinstance(error, OutcomeUnknown)
        assert exit_status(error) == 5
        assert error.remedy == Remedy("adopt", page=stage.provider.tasks_page)
        assert stage.submits() == 1
        assert stage.task().state == "unknown"


def test_an_unknown_task_is_not_submitted_again_by_itself(stage_of) -> None:
    stage = stage_of("kie")
    stage.fault("reset_after_accept")
    first = try_it(stage)

    second = try_it(stage)

    assert isinstance(second, OutcomeUnknown)
    assert str(second) == str(first)
    assert stage.submits() == 1


def test_an_unknown_task_is_submitted_again_when_the_user_says_so(stage_of) -> None:
    stage = stage_of("runcomfy")
    stage.fault("reset_before_accept")
    try_it(stage)

    async def resubmit() -> object:
        async with stage.runner() as runner:
            return await runner.resubmit(stage_task)

    stage_task = stage.task().id
    outcome = stage.run(resubmit())

    assert outcome.video is not None
    assert stage.paid == 1
    assert stage.task().state == "stored"


def test_an_id_that_arrived_before_the_answer_broke_off_is_used(stage: Stage) -> None:
    stage.fault("cut_body_with_id")

    assert try_it(stage) is None
    assert (stage.paid, stage.submits()) == (1, 1)


def test_three_lost_answers_in_a_row_are_settled_under_one_id(stage_of) -> None:
    stage = stage_of("cometapi")
    stage.fault("error_before_accept", times=2)
    stage.fault("reset_after_accept")

    assert try_it(stage) is None
    assert stage.paid == 1
    assert len({task.external_id for task in stage.emulator.accepted}) == 1


@pytest.mark.parametrize("fault", WHILE_WAITING)
def test_bad_answers_while_waiting_end_nothing(stage: Stage, fault: FaultName) -> None:
    stage.fault(fault, times=3)

    assert try_it(stage) is None
    assert (stage.paid, stage.submits()) == (1, 1)


@pytest.mark.parametrize("fault", FAULTS_BY_STEP["download"])
def test_a_bad_download_is_fetched_again_and_again(stage: Stage, fault: FaultName) -> None:
    stage.fault(fault, times=3)

    assert try_it(stage) is None
    assert (stage.paid, stage.submits()) == (1, 1)
    assert stage.task().state == "stored"
    assert not list(stage.home.glob("videos/*.part"))


def test_a_provider_that_forgets_a_task_for_a_minute_leaves_it_unknown(stage: Stage) -> None:
    stage.fault("poll_no_such_task", times=10_000)

    error = try_it(stage)

    assert isinstance(error, OutcomeUnknown)
    assert "does not know the task" in str(error)
    assert stage.paid == 1
    stage.conditions.faults.clear()
    assert try_it(stage) is None
    assert (stage.paid, stage.submits()) == (1, 1)


def test_a_key_that_is_no_longer_accepted_leaves_the_task_to_be_resumed(stage: Stage) -> None:
    async def work() -> None:
        async with stage.runner() as runner:
            making = asyncio.create_task(stage.make(runner))
            await asyncio.sleep(5)
            stage.conditions.keys = ["another-key"]
            await making

    with pytest.raises(NotDelivered, match="The video is paid for") as error:
        stage.run(work())

    assert exit_status(error.value) == 5
    assert error.value.remedy
    assert error.value.remedy.do == "set_key"
    assert stage.task().state == "submitted"
    stage.conditions.keys = None
    assert try_it(stage) is None
    assert stage.paid == 1


def test_a_task_that_failed_is_reported_in_the_words_of_the_provider(stage: Stage) -> None:
    stage.fault("failed_task")

    error = try_it(stage)

    assert isinstance(error, TaskFailed)
    assert exit_status(error) == 4
    assert stage.task().state == "failed"
    assert try_it(stage) is None  # An equal request after a failure is a new task.
    assert stage.paid == 2


def test_a_success_that_never_says_where_the_video_is_can_be_resumed(stage: Stage) -> None:
    stage.fault("success_without_url", times=10_000)

    error = try_it(stage)

    assert isinstance(error, ResultUnavailable)
    assert (error.task, error.remedy) == (stage.task().id, Remedy("resume"))
    assert stage.task().state == "succeeded"
    stage.conditions.faults.clear()
    assert try_it(stage) is None
    assert stage.paid == 1


@pytest.mark.parametrize("fault", ["download_403", "html_instead_of_video", "redirect_loop"])
def test_a_result_that_cannot_be_fetched_stays_open_and_is_resumed(
    stage: Stage, fault: FaultName
) -> None:
    stage.fault(fault, times=10_000)

    error = try_it(stage)

    assert isinstance(error, ResultUnavailable)
    assert exit_status(error) == 5
    assert stage.task().state == "succeeded"
    stage.conditions.faults.clear()
    assert try_it(stage) is None
    assert stage.paid == 1


def test_the_time_out_leaves_the_task_running_and_the_next_run_gets_it_free(stage: Stage) -> None:
    error = try_it(stage, timeout=15)

    assert isinstance(error, StillRunning)
    assert exit_status(error) == 5
    assert stage.task().state == "submitted"
    assert try_it(stage) is None
    assert (stage.paid, stage.submits()) == (1, 1)


@pytest.mark.parametrize("fault", ["upload_500", "upload_reset"])
@pytest.mark.parametrize("provider", ["kie", "apikley"])
def test_a_failed_upload_is_repeated(
    stage_of, tmp_path: Path, provider: str, fault: FaultName
) -> None:
    stage = stage_of(provider)
    stage.fault(fault, times=2)
    picture = tmp_path / "first.png"
    Image.new("RGB", (320, 320), "teal").save(picture)

    assert try_it(stage, image=picture) is None
    assert stage.paid == 1
    assert not list(stage.home.glob("images/*"))


async def equal_requests(stage: Stage, folder: Path, alive: bool) -> list[object]:
    async with stage.runner(alive) as one, stage.runner(alive) as other:
        return await asyncio.gather(
            stage.make(one, output=folder / "a.mp4"),
            stage.make(one, output=folder / "b.mp4"),
            stage.make(other, output=folder / "c.mp4"),
            return_exceptions=True,
        )


def test_equal_requests_of_two_processes_are_one_task(stage: Stage, tmp_path: Path) -> None:
    results = stage.run(equal_requests(stage, tmp_path, alive=True))

    assert [type(result) for result in results] == [Video, Video, Video]
    assert stage.paid == 1
    assert all((tmp_path / name).exists() for name in ("a.mp4", "b.mp4", "c.mp4"))


def test_a_process_that_is_taken_for_dead_too_early_still_does_not_pay_twice(
    stage: Stage, tmp_path: Path
) -> None:
    stage.run(equal_requests(stage, tmp_path, alive=False))

    assert (stage.paid, stage.submits()) == (1, 1)
    assert try_it(stage) is None
    assert stage.paid == 1


def test_another_seed_is_another_video(stage: Stage) -> None:
    stage.generate(seed=1)
    stage.generate(seed=2)

    assert stage.paid == 2
