"""Flows on their way through the courier: what they are told, and what they are not."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from kling26.core import Flow, Provider, Status, Ticket, Unavailable, VideoRequest
from kling26.core.http.client import AnswerLost, ProviderClient, make_client
from kling26.core.keys import Key

KEY = "sk-quoted-back"


class Acme(Provider):
    name = "acme"
    title = "Acme"
    key_variable = "ACME_API_KEY"
    base_url = "https://api.acme.example"

    def submit(self, request: VideoRequest, options: object) -> Flow[Ticket]:
        try:
            reply = yield httpx.Request("POST", f"{self.base_url}/videos")
        except Unavailable:
            return Ticket("taken for granted")
        return Ticket(reply.text)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        try:
            reply = yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
        except Unavailable as trouble:
            if trouble.reply is None or "x-acme-failed" not in trouble.reply.headers:
                raise
            reply = yield httpx.Request("GET", f"{self.base_url}/why")
            return Status("failed", code=trouble.reply.headers["x-acme-failed"], reason=reply.text)
        return Status("running", reason=f"{reply.headers['x-acme-note']} {reply.text}")


def carried(
    answer: Callable[[httpx.Request], httpx.Response], work: Callable[[ProviderClient], Any]
) -> Any:
    async def whole() -> Any:
        client = make_client(httpx.MockTransport(answer), keep_alive=False)
        async with client:
            return await work(ProviderClient(Acme(), "sandbox", Key(KEY, "test"), client, client))

    return asyncio.run(whole())


def polled(answer: Callable[[httpx.Request], httpx.Response]) -> Any:
    return carried(answer, lambda courier: courier.ask(Acme().poll(Ticket("v1"))))


def test_a_flow_may_read_what_an_http_500_says() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/why":
            return httpx.Response(200, text="No cats.")
        return httpx.Response(500, headers={"X-Acme-Failed": "content"})

    assert polled(answer) == Status("failed", code="content", reason="No cats.")


def test_an_http_500_that_the_flow_does_not_know_passes_through_it() -> None:
    with pytest.raises(
        Unavailable, match=r"Acme is temporarily unavailable \(HTTP 503\)\."
    ) as caught:
        polled(lambda _: httpx.Response(503, text="Come back"))

    assert caught.value.reply is not None
    assert caught.value.reply.text == "Come back"


def test_a_connection_that_broke_has_no_reply() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset", request=request)

    with pytest.raises(Unavailable, match=r"did not answer \(the connection broke\)") as caught:
        polled(answer)

    assert caught.value.reply is None


def test_no_flow_can_catch_the_loss_of_a_paid_answer() -> None:
    async def leaving() -> None: ...

    async def pay(courier: ProviderClient) -> Ticket:
        return await courier.pay(Acme().submit(VideoRequest("A red fox"), Acme.Options()), leaving)

    with pytest.raises(AnswerLost, match="HTTP 502"):
        carried(lambda _: httpx.Response(502, text="bad gateway"), pay)


def test_a_flow_sees_headers_and_never_a_key_that_is_quoted_back() -> None:
    headers = {"X-Acme-Note": f"hello {KEY}", "Set-Cookie": "a=b", "Content-Encoding": "identity"}

    status = polled(lambda _: httpx.Response(200, headers=headers, text=f"again {KEY}"))

    assert status.reason == "hello [key] again [key]"


def test_cookies_and_encodings_are_not_passed_on() -> None:
    seen: list[httpx.Response] = []

    def flow() -> Flow[None]:
        seen.append((yield httpx.Request("GET", Acme.base_url)))

    headers = [(b"Set-Cookie", b"a=b"), (b"X-Name", "Zoë".encode("latin-1"))]
    carried(lambda _: httpx.Response(200, headers=headers), lambda courier: courier.ask(flow()))

    assert "set-cookie" not in seen[0].headers
    assert seen[0].headers["x-name"] == "Zoë"
