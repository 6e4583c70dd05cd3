"""The cassettes of kie.ai and Apikley, which speak the same dialect and are asked the same."""

from typing import Any

import pytest
from kling26.core import ImageFile, KeyRejected, OutOfCredit, Refused, TaskFailed, VideoRequest

HERON = VideoRequest("A heron lands on a frozen pond, ice cracks")
SEA = "Fog rolls over the grey sea"
cassette = pytest.mark.cassette


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kie", marks=cassette("kie/text_to_video_with_sound")),
        pytest.param("apikley", marks=cassette("apikley/text_to_video_with_sound")),
    ],
)
def test_a_video_with_sound(replay: Any, name: str) -> None:
    video = replay.generate(VideoRequest(HERON.prompt, sound=True), name)

    assert video.file.stat().st_size > 0
    assert video.url.startswith("https://")
    assert video.cost > 0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kie", marks=cassette("kie/image_to_video")),
        pytest.param("apikley", marks=cassette("apikley/image_to_video")),
    ],
)
def test_a_video_from_a_picture(replay: Any, picture: ImageFile, name: str) -> None:
    """The picture is uploaded, and its URL sent in its place."""
    video = replay.generate(VideoRequest(SEA, image=picture, duration=10), name)

    assert video.file.stat().st_size > 0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kie", marks=cassette("kie/refused_key", key="not-a-key")),
        pytest.param("apikley", marks=cassette("apikley/refused_key", key="not-a-key")),
    ],
)
def test_a_key_that_is_refused(replay: Any, name: str) -> None:
    with pytest.raises(KeyRejected, match="does not accept the key: You do not have access"):
        replay.generate(HERON, name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kie", marks=cassette("kie/refused_credit", written="needs no credit")),
        pytest.param("apikley", marks=cassette("apikley/refused_credit", written="the same")),
    ],
)
def test_an_account_that_is_empty(replay: Any, name: str) -> None:
    with pytest.raises(OutOfCredit, match="Credits insufficient") as caught:
        replay.generate(HERON, name)

    assert caught.value.code == "402"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kie", marks=cassette("kie/refused_input", written="up to the service")),
        pytest.param("apikley", marks=cassette("apikley/refused_input", written="the same")),
    ],
)
def test_a_prompt_that_is_refused(replay: Any, name: str) -> None:
    with pytest.raises(Refused, match="The prompt was not accepted"):
        replay.generate(HERON, name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kie", marks=cassette("kie/failed_task", written="none fails at will")),
        pytest.param("apikley", marks=cassette("apikley/failed_task", written="the same")),
    ],
)
def test_a_task_that_fails(replay: Any, name: str) -> None:
    with pytest.raises(TaskFailed, match="internal error, please try again later") as caught:
        replay.generate(HERON, name)

    assert caught.value.code == "500"
