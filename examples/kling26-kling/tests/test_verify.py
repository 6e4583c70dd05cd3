"""Signed callbacks, compared with the example that Kling publishes."""

from datetime import UTC, datetime

import pytest
from kling26_kling import Kling

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
SENT = 1781080794
HEADERS = {
    "webhook-id": "9876543210",
    "webhook-timestamp": f"{SENT}",
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)


class Clock(datetime):
    """The clock on the wall, stopped at the moment of the example."""

    late = 0

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.fromtimestamp(SENT + cls.late, tz=UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Clock)


def verify(body: bytes = BODY, change: dict[str, str] | None = None, secret: str = SECRET) -> bool:
    return Kling().verify_callback(body, HEADERS | (change or {}), secret)


def test_the_published_example() -> None:
    assert verify()
    assert Kling().read_callback(BODY).task_id == "1234567890"


def test_headers_may_be_spelt_in_any_case_and_hold_several_signatures() -> None:
    several = f"v1,AAAA v2,x {HEADERS['webhook-signature']}"
    headers = {name.title(): value for name, value in HEADERS.items()}

    assert Kling().verify_callback(BODY, headers | {"Webhook-Signature": several}, SECRET)


@pytest.mark.parametrize("late", [-301, 301])
def test_an_old_one_or_one_of_the_future_may_be_a_replay(
    monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    monkeypatch.setattr(Clock, "late", late)

    assert not verify()


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "9876543211"},
        {"webhook-timestamp": f"{SENT + 1}"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="},
        {"webhook-signature": "v1,ÜsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="},
    ],
)
def test_changed_headers(change: dict[str, str]) -> None:
    assert not verify(change=change)


def test_missing_headers_a_changed_body_and_another_secret() -> None:
    assert not Kling().verify_callback(BODY, {}, SECRET)
    assert not verify(BODY + b" ")
    assert not verify(b"\xff")
    assert not verify(secret="whsec_AAAA")
    assert not verify(secret="no base64")
