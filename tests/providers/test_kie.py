"""kie.ai: what is its own beside the shared dialect (test_create_task.py), and its cassettes."""

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
    return providers["kie"]


def test_its_addresses_are_two(provider: Provider) -> None:
    assert provider.base_url == "https://api.kie.ai"
    assert provider.upload_url == "https://kieai.redpandaai.co"


@pytest.mark.parametrize(
    ("duration", "sound", "price"),
    [(5, False, 0.275), (5, True, 0.55), (10, False, 0.55), (10, True, 1.10)],
)
def test_its_list_prices_are_known(
    provider: Provider, duration: Any, sound: bool, price: float
) -> None:
    request = VideoRequest(HERON, duration=duration, sound=sound)

    assert provider.price(request, None) == price


def test_twenty_tasks_in_ten_seconds_are_allowed(provider: Provider) -> None:
    assert provider.limits.submissions == (20, 10.0)


def test_pictures_are_jpeg_png_or_webp(provider: Provider) -> None:
    assert provider.limits.image_formats == ("jpeg", "png", "webp")
    assert provider.limits.image_bytes == 10_000_000


# -- signed callbacks --------------------------------------------------------------------------

SECRET = "hmac-key-of-the-account"
NOW = 1790000000
CALL = b'{"code": 200, "data": {"taskId": "task_1", "state": "success"}}'
#: openssl: printf 'task_1.1790000000' | openssl dgst -sha256 -hmac "$SECRET" -binary | base64
SIGNATURE = "bkLncAxibRJYXFrZh6UbPD3Iw54fqpm+apPydTdS0jI="
HEADERS = {"X-Webhook-Timestamp": f"{NOW}", "X-Webhook-Signature": SIGNATURE}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW + 60.0)


@pytest.mark.usefixtures("now")
def test_a_signed_callback_is_believed(provider: Provider) -> None:
    lower = {name.lower(): value for name, value in HEADERS.items()}

    assert provider.verify_callback(CALL, HEADERS, SECRET)
    assert provider.verify_callback(CALL, lower, SECRET)


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    ("body", "change"),
    [
        (CALL.replace(b"task_1", b"task_2"), {}),
        (b"{}", {}),
        (CALL, {"X-Webhook-Signature": ""}),
        (CALL, {"X-Webhook-Signature": SIGNATURE[:-1] + "ä"}),
        (CALL, {"X-Webhook-Timestamp": f"{NOW + 1}"}),
        (CALL, {"X-Webhook-Timestamp": "soon"}),
        (CALL, {"X-Webhook-Timestamp": ""}),
    ],
)
def test_any_other_callback_is_not(provider: Provider, body: bytes, change: dict[str, str]) -> None:
    assert not provider.verify_callback(body, HEADERS | change, SECRET)


@pytest.mark.usefixtures("now")
def test_neither_is_one_that_is_signed_with_another_secret(provider: Provider) -> None:
    assert not provider.verify_callback(CALL, HEADERS, "another")


def test_an_old_callback_may_be_a_replay(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: NOW + 301.0)

    assert not provider.verify_callback(CALL, HEADERS, SECRET)


# -- cassettes --------------------------------------------------------------------------------


@pytest.mark.cassette("kie/text_to_video_with_sound")
def test_a_video_with_sound(replay: Any) -> None:
    video = replay.generate(VideoRequest(HERON, sound=True), "kie")

    assert video.file.stat().st_size > 0
    assert video.url.startswith("https://")
    assert video.cost > 0


@pytest.mark.cassette("kie/image_to_video")
def test_a_video_from_a_picture(replay: Any, picture: ImageFile) -> None:
    """The picture is uploaded, and its address sent in its place."""
    video = replay.generate(VideoRequest(SEA, image=picture, duration=10), "kie")

    assert video.file.stat().st_size > 0


@pytest.mark.cassette("kie/refused_key", key="not-a-key")
def test_a_key_that_is_refused(replay: Any) -> None:
    with pytest.raises(KeyRejected, match="Set KIE_API_KEY"):
        replay.generate(VideoRequest(HERON), "kie")


@pytest.mark.cassette("kie/refused_credit", written="it needs an empty account")
def test_an_account_that_is_empty(replay: Any) -> None:
    with pytest.raises(OutOfCredit, match="Credits insufficient") as caught:
        replay.generate(VideoRequest(HERON), "kie")

    assert caught.value.code == "402"


@pytest.mark.cassette("kie/refused_input", written="what is refused is up to the service")
def test_a_prompt_that_is_refused(replay: Any) -> None:
    with pytest.raises(Refused, match="The prompt was not accepted"):
        replay.generate(VideoRequest(HERON), "kie")


@pytest.mark.cassette("kie/failed_task", written="tasks do not fail at will")
def test_a_task_that_fails(replay: Any) -> None:
    with pytest.raises(TaskFailed, match="internal error, please try again later") as caught:
        replay.generate(VideoRequest(HERON), "kie")

    assert caught.value.code == "500"
