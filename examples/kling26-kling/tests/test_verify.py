"""Signed callbacks, held against the example that Kling publishes."""

import pytest
from kling26_kling import MAX_AGE, Kling, verify

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
NOW = 1781080794
HEADERS = {
    "webhook-id": "9876543210",
    "webhook-timestamp": f"{NOW}",
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)


def test_the_published_example() -> None:
    assert verify(BODY, HEADERS, SECRET, now=NOW)
    assert Kling().read_callback(BODY).task_id == "1234567890"


def test_headers_may_be_spelt_in_any_case_and_hold_several_signatures() -> None:
    several = f"v1,AAAA v2,x {HEADERS['webhook-signature']}"
    headers = {name.title(): value for name, value in HEADERS.items()}

    assert verify(BODY, headers | {"Webhook-Signature": several}, SECRET, now=NOW)


@pytest.mark.parametrize("late", [-MAX_AGE - 1, MAX_AGE + 1])
def test_an_old_one_or_one_of_the_future_may_be_a_replay(late: int) -> None:
    assert not verify(BODY, HEADERS, SECRET, now=NOW + late)


def test_the_published_one_is_old_by_the_clock_on_the_wall() -> None:
    assert not verify(BODY, HEADERS, SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "9876543211"},
        {"webhook-timestamp": f"{NOW + 1}"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="},
        {"webhook-signature": "v1,ÜsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="},
    ],
)
def test_changed_headers(change: dict[str, str]) -> None:
    assert not verify(BODY, HEADERS | change, SECRET, now=NOW)


def test_missing_headers_a_changed_body_and_another_secret() -> None:
    assert not verify(BODY, {}, SECRET, now=NOW)
    assert not verify(BODY + b" ", HEADERS, SECRET, now=NOW)
    assert not verify(BODY, HEADERS, "whsec_AAAA", now=NOW)
    assert not verify(BODY, HEADERS, "no base64", now=NOW)
