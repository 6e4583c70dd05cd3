"""Documented exchanges, played to the real runner."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from kling26.core import KeyRejected, OutOfCredit, Refused, TaskFailed, VideoRequest
from kling26.testing import Replay

FROST = VideoRequest("Frost ferns grow across a window pane, ice creaks")
PICTURE = str(Path(__file__).with_name("grey.png"))


@pytest.mark.cassette("fal/text_to_video_with_sound")
def test_text_to_video_with_sound(replay: Replay) -> None:
    request = VideoRequest(FROST.prompt, sound=True)

    video = replay.generate(request, "fal", {"negative_prompt": "people", "cfg_scale": 0.7})

    assert video.file.stat().st_size > 0


@pytest.mark.cassette("fal/image_to_video")
def test_image_to_video(replay: Replay) -> None:
    video = replay.generate(
        VideoRequest("Snow falls behind the pane", image=PICTURE, duration=10), "fal"
    )

    assert video.file.stat().st_size > 0


@pytest.mark.cassette("fal/refused_key", key="not-a-key")
def test_a_key_that_is_refused(replay: Replay) -> None:
    with pytest.raises(KeyRejected, match="does not accept the key"):
        replay.generate(FROST, "fal")


@pytest.mark.cassette("fal/refused_credit", written="it needs an empty account")
def test_an_account_that_is_empty(replay: Replay) -> None:
    with pytest.raises(OutOfCredit, match="Exhausted balance"):
        replay.generate(FROST, "fal")


@pytest.mark.cassette("fal/refused_input", written="what is refused is up to the service")
def test_an_input_that_is_refused(replay: Replay) -> None:
    with pytest.raises(Refused, match="prompt was not accepted") as caught:
        replay.generate(FROST, "fal")

    assert caught.value.code == "value_error"


@pytest.mark.cassette("fal/failed_task", written="tasks do not fail at will")
def test_a_task_that_fails(replay: Replay) -> None:
    with pytest.raises(TaskFailed, match="runner disconnected") as caught:
        replay.generate(FROST, "fal")

    assert caught.value.code == "runner_disconnected"


@pytest.mark.cassette("fal/failed_result", written="tasks do not fail at will")
def test_a_task_whose_result_is_an_error(replay: Replay) -> None:
    with pytest.raises(TaskFailed, match="could not be processed") as caught:
        replay.generate(FROST, "fal")

    assert caught.value.code == "content_policy_violation"


@pytest.mark.cassette("fal/cancelled")
def test_a_request_that_is_cancelled(replay: Replay) -> None:
    async def work(runner: Any) -> bool:
        making = asyncio.create_task(runner.generate(FROST, "fal"))
        await asyncio.sleep(0.5)  # Before the first question of the wait.
        (task,) = await runner.tasks()
        cancellation = await runner.cancel(task.id)
        making.cancel()
        return bool(cancellation.cancelled)

    assert replay.run(work)
