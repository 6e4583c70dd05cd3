"""Flows, played by hand."""

import httpx
import pytest
from kling26.core import Flow, Unavailable
from kling26.testing.conversation import Conversation

URL = "https://api.acme.example/v1"


def listen(*urls: str) -> Flow[list[str]]:
    """A flow that requests each URL and returns what it got."""
    heard = []
    for url in urls:
        try:
            reply = yield httpx.Request("GET", url)
        except Unavailable as trouble:
            heard.append(f"{trouble}")
        else:
            heard.append(f"{reply.status_code} {reply.text}")
    return heard


def submit(body: object) -> Flow[str]:
    reply = yield httpx.Request("POST", f"{URL}/videos", json=body)
    return str(reply.json()["id"])


def test_replies_are_json_bytes_whole_responses_or_errors(talk: Conversation) -> None:
    flow = listen(f"{URL}/1", f"{URL}/2", f"{URL}/3", f"{URL}/4")

    heard = talk(flow, {"a": 1}, b"<html>", httpx.Response(404), Unavailable("Down."), status=202)

    assert heard == ['202 {"a":1}', "202 <html>", "404 ", "Down."]
    assert talk.lines == [f"GET {URL}/{number}" for number in range(1, 5)]


def test_an_error_that_the_flow_lets_pass_comes_out(talk: Conversation) -> None:
    with pytest.raises(Unavailable, match="Down"):
        talk(submit({}), Unavailable("Down."))


def test_server_errors_are_raised_inside_the_flow_with_the_reply(talk: Conversation) -> None:
    def flow() -> Flow[str]:
        try:
            yield httpx.Request("GET", URL)
        except Unavailable as trouble:
            return trouble.reply.text if trouble.reply else "no reply"
        return "no trouble"

    assert talk(flow(), b"overloaded", status=503) == "overloaded"
    assert talk(flow(), httpx.Response(500, text="broken")) == "broken"
    assert talk(flow(), b"odd", status=499) == "no trouble"


def test_the_only_request_has_a_line_and_a_body(talk: Conversation) -> None:
    assert talk(submit({"sound": True, "length": 5}), {"id": "v1"}) == "v1"

    assert talk.line == f"POST {URL}/videos"
    assert talk.sent == '{"length": 5, "sound": true}'
    assert talk.request.method == "POST"


def test_none_of_several_requests_is_the_only_one(talk: Conversation) -> None:
    talk(listen(f"{URL}/1", f"{URL}/2"), {}, {})

    for name in ("request", "line", "sent"):
        with pytest.raises(ValueError, match="too many"):
            getattr(talk, name)


def test_a_body_that_is_not_sent_as_json_is_not_read_as_json(talk: Conversation) -> None:
    def flow() -> Flow[None]:
        yield httpx.Request("POST", URL, content=b"{}", headers={"content-type": "text/plain"})

    talk(flow(), {})

    with pytest.raises(AssertionError, match="sent as text/plain, not as JSON"):
        assert talk.sent


def test_there_must_be_as_many_replies_as_requests(talk: Conversation) -> None:
    with pytest.raises(AssertionError, match=f"one request too many: GET {URL}/2"):
        talk(listen(f"{URL}/1", f"{URL}/2"), {})
    with pytest.raises(AssertionError, match="before reading 1 of the replies"):
        talk(listen(f"{URL}/1"), {}, {})
