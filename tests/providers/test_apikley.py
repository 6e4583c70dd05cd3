"""Apikley: what is its own beside the shared dialect (test_create_task.py), and its cassettes."""

from collections.abc import Mapping
from typing import Any

import pytest
from kling26.core import (
    ImageFile,
    KeyRejected,
    OutOfCredit,
    Provider,
    Refused,
    TaskFailed,
    VideoRequest,
)

HERON = "A heron lands on a frozen pond, ice cracks"
SEA = "Fog rolls over the grey sea"


@pytest.fixture
def provider(providers: Mapping[str, Provider]) -> Provider:
    return providers["apikley"]


def test_pictures_go_to_a_folder_of_its_only_host(provider: Provider) -> None:
    assert provider.base_url == "https://api.apikley.ru"
    assert provider.upload_url == "https://api.apikley.ru/file-upload"


def test_neither_its_prices_nor_its_pace_are_documented(provider: Provider) -> None:
    assert provider.price(VideoRequest(HERON), None) is None
    assert provider.limits.submissions is None


# -- cassettes --------------------------------------------------------------------------------


@pytest.mark.cassette("apikley/text_to_video_with_sound")
def test_a_video_with_sound(replay: Any) -> None:
    video = replay.generate(VideoRequest(HERON, sound=True), "apikley")

    assert video.file.stat().st_size > 0
    assert video.url.startswith("https://")
    assert video.cost > 0


@pytest.mark.cassette("apikley/image_to_video")
def test_a_video_from_a_picture(replay: Any, picture: ImageFile) -> None:
    """The picture is uploaded, and its address sent in its place."""
    video = replay.generate(VideoRequest(SEA, image=picture, duration=10), "apikley")

    assert video.file.stat().st_size > 0


@pytest.mark.cassette("apikley/refused_key", key="not-a-key")
def test_a_key_that_is_refused(replay: Any) -> None:
    with pytest.raises(KeyRejected, match="Set APIKLEY_API_KEY"):
        replay.generate(VideoRequest(HERON), "apikley")


@pytest.mark.cassette("apikley/refused_credit", written="it needs an empty account")
def test_an_account_that_is_empty(replay: Any) -> None:
    with pytest.raises(OutOfCredit, match="Credits insufficient") as caught:
        replay.generate(VideoRequest(HERON), "apikley")

    assert caught.value.code == "402"


@pytest.mark.cassette("apikley/refused_input", written="what is refused is up to the service")
def test_a_prompt_that_is_refused(replay: Any) -> None:
    with pytest.raises(Refused, match="The prompt was not accepted"):
        replay.generate(VideoRequest(HERON), "apikley")


@pytest.mark.cassette("apikley/failed_task", written="tasks do not fail at will")
def test_a_task_that_fails(replay: Any) -> None:
    with pytest.raises(TaskFailed, match="internal error, please try again later") as caught:
        replay.generate(VideoRequest(HERON), "apikley")

    assert caught.value.code == "500"
