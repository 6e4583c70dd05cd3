"""Documented exchanges, played to the real runner."""

from pathlib import Path

import pytest
from kling26.core import KeyRejected, OutOfCredit, Refused, TaskFailed, VideoRequest
from kling26.testing import Replay

KILN = VideoRequest("Sparks rise from a pottery kiln at dusk, fire crackles")
PICTURE = str(Path(__file__).with_name("grey.png"))


@pytest.mark.cassette("kling/text_to_video_with_sound")
def test_text_to_video_with_sound(replay: Replay) -> None:
    request = VideoRequest(KILN.prompt, sound=True)

    video = replay.generate(request, "kling", {"resolution": "1080p"})

    assert video.file.stat().st_size > 0
    assert video.cost == 5.0


@pytest.mark.cassette("kling/image_to_video")
def test_image_to_video(replay: Replay) -> None:
    video = replay.generate(
        VideoRequest("The clay turns on the wheel", image=PICTURE, duration=10), "kling"
    )

    assert video.file.stat().st_size > 0


@pytest.mark.cassette("kling/refused_key", key="not-a-key")
def test_a_key_that_is_refused(replay: Replay) -> None:
    with pytest.raises(KeyRejected, match="Kling does not accept the key"):
        replay.generate(KILN, "kling")


@pytest.mark.cassette("kling/refused_credit", written="it needs an empty account")
def test_an_account_that_is_empty_says_429(replay: Replay) -> None:
    with pytest.raises(OutOfCredit, match="balance not enough") as caught:
        replay.generate(KILN, "kling")

    assert caught.value.code == "1102"


@pytest.mark.cassette("kling/refused_input", written="what is refused is up to the service")
def test_an_input_that_is_refused(replay: Replay) -> None:
    with pytest.raises(Refused, match="risk control") as caught:
        replay.generate(KILN, "kling")

    assert caught.value.code == "1301"


@pytest.mark.cassette("kling/failed_task", written="tasks do not fail at will")
def test_a_task_that_fails(replay: Replay) -> None:
    with pytest.raises(TaskFailed, match="risk control"):
        replay.generate(KILN, "kling")
