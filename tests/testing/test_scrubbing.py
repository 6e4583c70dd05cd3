"""What a recording keeps, and what it does not."""

import json
from typing import Any

import pytest
from kling26.testing.scrubbing import REQUEST_HEADERS, Scrubber, allowed


@pytest.fixture
def scrubber() -> Scrubber:
    acme = "https://api.acme.example"
    return Scrubber(["k-123"], {"http://127.0.0.1:8026/acme": acme, acme: acme})


def scrub(scrubber: Scrubber, value: object) -> Any:
    body = scrubber.body(json.dumps(value).encode())
    assert isinstance(body, str)
    assert scrubber.body(body) == body, "Twice is no more than once."
    return json.loads(body)


def test_what_providers_read_stays(scrubber: Scrubber) -> None:
    reply = {
        "code": 200,
        "msg": "success",
        "data": {"taskId": "task_1", "state": "success", "creditsConsumed": 110, "cost": 0.35},
        "request_id": "8a1f",
        "task_result": {"videos": [{"id": "890000000000000002", "duration": "5.1"}]},
    }

    assert scrub(scrubber, reply) == reply


@pytest.mark.parametrize(
    "name",
    ["remainedCredits", "balance_usd", "total_quota", "userId", "user_id", "username", "accountId",
     "email", "organization", "owner", "api_key", "token", "sessionId", "phone"],
)  # fmt: skip
def test_whose_account_it_was_does_not(scrubber: Scrubber, name: str) -> None:
    assert scrub(scrubber, {name: "528618"}) == {name: "scrubbed"}
    assert scrub(scrubber, {name: 528618}) == {name: 0}
    assert scrub(scrubber, {name: {"id": 5, "of": ["a", None, True, ""]}}) == {
        name: {"id": 0, "of": ["scrubbed", None, True, ""]}
    }


def test_the_key_goes_wherever_it_is(scrubber: Scrubber) -> None:
    reply = {"msg": "k-123 is wrong", "deep": ["k-123", {"x": '{"y": "k-123"}'}]}

    assert "k-123" not in json.dumps(scrub(scrubber, reply))
    assert scrub(scrubber, {"msg": "Bearer abc.def is wrong"}) == {"msg": "<KEY> is wrong"}
    assert scrubber.body("sent k-123") == "sent <KEY>"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/v.mp4?Expires=1&Signature=x#t", "https://a.example/v.mp4"),
        ("https://me:pw@a.example/v.mp4", "https://a.example/v.mp4"),
        ("https://a.example/kieai/528618/v.mp4", "https://a.example/kieai/0/v.mp4"),
        ("https://api.acme.example/v1/5286/status?x=1#t", "https://api.acme.example/v1/5286/status?x=1"),
        ("https://api.acme.example:443/v1?x=1", "https://api.acme.example:443/v1?x=1"),
        ("https://api.acme.example/v1?a=b,c&flag&sig=x", "https://api.acme.example/v1?a=b,c&flag&sig=scrubbed"),
        ("https://api.acme.example/v1?user%49d=5", "https://api.acme.example/v1?user%49d=scrubbed"),
        ("https://api.acme.example/v1?hook=https%3A%2F%2Fme.example%2F%3Fx%3D1",
         "https://api.acme.example/v1?hook=https%3A%2F%2Fme.example%2F"),
        ("https://api.acme.example.evil.example/7?x=1", "https://api.acme.example.evil.example/0"),
        ("https://api.acme.example:8443/7?x=1", "https://api.acme.example:8443/0"),
        ("https://api.acme.example@evil.example/7?x=1", "https://evil.example/0"),
        ("HTTPS://a.example/put?x='1'", "https://a.example/put"),
        ("https://a.example/put?key=k-123", "https://a.example/put"),
        ("https://[a/put?x=1", "scrubbed"),
    ],
)  # fmt: skip
def test_a_url_in_a_body_and_that_of_a_request_are_scrubbed_alike(
    scrubber: Scrubber, url: str, kept: str
) -> None:
    """The next request asks for what a reply said. The ids in the API's own URLs stay."""
    assert scrub(scrubber, {"url": url}) == {"url": kept}
    assert scrubber.uri(url) == kept
    assert scrubber.uri(kept) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("see https://a.example/1?s=1, please", "see https://a.example/0 please"),
        (
            "see https://api.acme.example/1?s=1, please",
            "see https://api.acme.example/1?s=1, please",
        ),
        ("kieai/528618/images/first.png", "kieai/0/images/first.png"),
    ],
)
def test_urls_and_paths_within_a_string_are_too(scrubber: Scrubber, text: str, kept: str) -> None:
    assert scrub(scrubber, {"text": text}) == {"text": kept}


def test_the_usual_url_replaces_one_that_was_set(scrubber: Scrubber) -> None:
    moved = "http://127.0.0.1:8026/acme/v1/5286"

    assert scrubber.uri(moved) == "https://api.acme.example/v1/5286"
    assert scrub(scrubber, {"url": moved}) == {"url": "https://api.acme.example/v1/5286"}


def test_json_inside_a_string_is_scrubbed_too(scrubber: Scrubber) -> None:
    inner = json.dumps({"resultUrls": ["https://a.example/v.mp4?sig=1"], "userId": 5})

    scrubbed = scrub(scrubber, {"resultJson": json.dumps(inner), "param": inner})

    assert json.loads(scrubbed["param"]) == {"resultUrls": ["https://a.example/v.mp4"], "userId": 0}


def test_our_own_ids_of_tasks_are_numbered(scrubber: Scrubber) -> None:
    """In the order in which the tasks were made, not in which they are seen."""
    made = ["k26-63ff16787aba8534", "k26-0123456789abcdef"]
    counting = Scrubber(tasks=made)

    assert scrub(counting, made[::-1]) == ["k26-0000000000000001", "k26-0000000000000000"]
    assert scrub(scrubber, made[:1]) == ["k26-0000000000000000"]


def test_the_url_of_a_request_keeps_what_it_asks_for(scrubber: Scrubber) -> None:
    asked = "https://api.acme.example/v1/5286/result?taskId=t-1&include_cost=true"

    assert scrubber.uri(asked) == asked
    assert scrubber.uri("https://api.acme.example/quota?key=sk-1&day=2") == (
        "https://api.acme.example/quota?key=scrubbed&day=2"
    )


def test_the_key_in_the_query_of_another_own_host_is_scrubbed_too(scrubber: Scrubber) -> None:
    own = {"https://query.acme.example": "https://query.acme.example"}
    asked = "https://query.acme.example/user/5286?key=sk-1%2B&day=2"

    assert Scrubber(own=own).uri(asked) == "https://query.acme.example/user/5286?key=scrubbed&day=2"
    assert scrub(scrubber, {"keys": [{"name": "my phone", "left": -1}]}) == {
        "keys": [{"name": "scrubbed", "left": 0}]
    }


def test_bodies_that_are_not_json_stay_readable(scrubber: Scrubber) -> None:
    assert scrubber.body(b"<html>https://a.example/?s=1") == "<html>https://a.example/"
    assert scrubber.body(b"\xff\xfe") == b"\xff\xfe"
    assert scrubber.body(b"{broken") == "{broken"
    assert scrubber.body(b"") is None
    assert scrubber.body(None) is None


def test_only_headers_of_the_list_are_kept() -> None:
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json", "Cookie": "a=b"}

    assert allowed(headers, REQUEST_HEADERS) == {"content-type": "application/json"}
