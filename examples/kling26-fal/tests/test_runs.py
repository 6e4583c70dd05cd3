"""Whole runs: the real runner over the emulator, in virtual time."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from kling26.core import OutcomeUnknown, TaskFailed
from kling26.core.runner.video import check_video
from kling26.testing import Stage
from kling26_fal import Fal, kling26_sandboxes
from kling26_fal_sandbox import CRASH_WORD, REJECT_WORD

PICTURE = str(Path(__file__).with_name("grey.png"))
FROST = "Frost ferns grow across a window pane"


@pytest.fixture
def fal(stage: Any) -> Stage:
    on_stage: Stage = stage(Fal(), kling26_sandboxes()[0])
    return on_stage


def lines(fal: Stage, method: str) -> list[str]:
    return [seen.path for seen in fal.emulator.requests if seen.method == method]


def test_text_to_video(fal: Stage, tmp_path: Path) -> None:
    video = fal.generate(FROST, sound=True, duration=10, output=tmp_path / "frost.mp4")

    check_video(tmp_path / "frost.mp4")
    (task,) = fal.emulator.accepted
    assert video.task_id == task.id
    assert (task.clip.seconds, task.clip.sound) == (10, True)
    assert lines(fal, "POST") == ["/fal-ai/kling-video/v2.6/pro/text-to-video"]
    assert list(dict.fromkeys(step.phase for step in fal.progress)) == [
        "submitting", "queued", "running", "downloading", "stored"
    ]  # fmt: skip


def test_image_to_video_uploads_and_shows_the_store_no_key(fal: Stage) -> None:
    fal.generate("Snow falls past the pane", image=PICTURE)

    initiate, put, submit, *_ = fal.emulator.requests
    assert initiate.headers["authorization"].startswith("Key")
    assert (put.method, put.authorised, put.body) == ("PUT", False, Path(PICTURE).read_bytes())
    assert put.headers["host"] == "store.fal.example"
    assert submit.json["start_image_url"].startswith("https://store.fal.example/")


def test_the_webhook_is_called_at_the_end(fal: Stage) -> None:
    hook = "https://me.example/done?n=1"
    fal.generate("Hoarfrost on a fence", callback_url=hook)

    ((url, body),) = fal.emulator.callbacks
    assert (url, body["status"]) == (hook, "OK")


def test_the_webhook_is_told_of_a_failure_too(fal: Stage) -> None:
    fal.fault("failed_task")
    with pytest.raises(TaskFailed, match=r"content checker.*content_policy_violation"):
        fal.generate("Sleet", callback_url="https://me.example/done")

    ((_, body),) = fal.emulator.callbacks
    status = Fal().read_callback(json.dumps(body))
    assert (status.state, status.code) == ("failed", "content_policy_violation")


def test_a_lost_answer_leads_to_the_page_of_the_requests(fal: Stage) -> None:
    fal.fault("reset_after_accept")

    with pytest.raises(OutcomeUnknown) as caught:
        fal.generate(FROST)

    assert caught.value.remedy is not None
    assert caught.value.remedy.page == "https://fal.ai/dashboard/requests"
    assert fal.paid == 1


@pytest.mark.parametrize("times", [1, 2])
def test_trouble_with_the_result_ends_nothing(fal: Stage, times: int) -> None:
    """The faults of a poll, struck when the state is already "completed"."""

    async def work() -> None:
        async with fal.runner() as runner:
            making = asyncio.create_task(fal.make(runner, FROST))
            await asyncio.sleep(58.0)  # The last moments before the task is done.
            for fault in ("poll_no_such_task", "poll_error_in_200", "poll_unknown_state"):
                fal.fault(fault, times=times)
            await making

    fal.run(work())

    assert fal.paid == 1


@pytest.mark.parametrize(
    ("word", "reason"), [(REJECT_WORD, "content checker"), (CRASH_WORD, "error of the model")]
)
def test_a_task_whose_result_is_an_error(fal: Stage, word: str, reason: str) -> None:
    with pytest.raises(TaskFailed, match=reason):
        fal.generate(f"Frost {word}")


@pytest.mark.parametrize(
    ("after", "cancelled", "words"),
    [(5.0, True, "fal.ai cancelled the task."), (30.0, False, "already making the video")],
)
def test_only_what_waits_is_cancelled(
    fal: Stage, after: float, cancelled: bool, words: str
) -> None:
    async def work() -> tuple[bool, str]:
        async with fal.runner() as runner:
            making = asyncio.create_task(fal.make(runner, FROST))
            await asyncio.sleep(after)
            (task,) = await runner.tasks()
            cancellation = await runner.cancel(task.id)
            making.cancel()
            return cancellation.cancelled, cancellation.message

    done, message = fal.run(work())

    assert (done, len(lines(fal, "PUT"))) == (cancelled, int(cancelled))
    assert words in message
