"""kie.ai: what is its own beside the shared dialect (test_create_task.py): signed callbacks."""

from collections.abc import Mapping

import pytest
from kling26.core import NoOptions, Price, Provider, VideoRequest
from kling26.core.money import price_in_usd


@pytest.fixture
def provider(providers: Mapping[str, Provider]) -> Provider:
    return providers["kie"]


@pytest.mark.parametrize("image", [None, "https://pictures.example/heron.png"])
@pytest.mark.parametrize(
    ("sound", "duration", "usd", "credits"),
    [(False, 5, 0.275, 55), (True, 5, 0.55, 110), (False, 10, 0.55, 110), (True, 10, 1.1, 220)],
)
def test_the_list_price_is_that_of_its_credits(
    provider: Provider, image: str | None, sound: bool, duration: int, usd: float, credits: float
) -> None:
    request = VideoRequest("A heron", image, sound, duration)

    assert provider.price(request, NoOptions()) == usd
    assert price_in_usd(provider, usd, "list") == Price(credits, "credits", usd, "list")


def test_only_where_it_is_known_there_is_a_price(providers: Mapping[str, Provider]) -> None:
    """Apikley has the same API, and publishes no prices."""
    apikley = providers["apikley"]

    assert apikley.price(VideoRequest("A heron"), NoOptions()) is None
    assert apikley.usd_per_unit is None


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
