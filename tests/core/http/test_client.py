"""Flows on their way through the courier: what they are told, and what they are not."""

import asyncio
import json
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from kling26.core import Flow, Provider, Status, Ticket, VideoRequest
from kling26.core.errors import (
    NoSuchTask,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
    Unreachable,
    UsageError,
)
from kling26.core.http.client import AnswerLost, ProviderClient
from kling26.core.http.exchange import Answer
from kling26.core.http.pool import make_client
from kling26.core.keys import Key

KEY = 'sk/quoted "back"'


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


Respond = Callable[[httpx.Request], Any]
Submit = Callable[[VideoRequest, object], Flow[Ticket]]


def carried(
    answer: Respond,
    work: Callable[[ProviderClient], Any],
    key: str = KEY,
    provider: Provider | None = None,
) -> Any:
    async def whole() -> Any:
        client = make_client(httpx.MockTransport(answer))
        async with client:
            acme = Acme() if provider is None else provider
            return await work(ProviderClient(acme, "sandbox", Key(key, "test"), client, client))

    return asyncio.run(whole())


def polled(answer: Respond, key: str = KEY) -> Any:
    return carried(answer, lambda courier: courier.ask(Acme().poll(Ticket("v1"))), key)


def paid(
    submit: Submit,
    answer: Respond,
    provider: Provider | None = None,
    order: list[str] | None = None,
    key: str = KEY,
) -> Any:
    """What comes of a flow that pays; `order` gets what happened on the way."""
    events = [] if order is None else order

    async def record() -> None:
        events.append("recorded")

    async def keep(arrived: Answer) -> None:
        events.append(f"kept {arrived.reply.text}")

    def pay(courier: ProviderClient) -> Any:
        return courier.pay(submit(VideoRequest("A red fox"), Acme.Options()), record, keep)

    return carried(answer, pay, key, provider)


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
    with pytest.raises(AnswerLost, match="HTTP 502"):
        paid(Acme().submit, lambda _: httpx.Response(502, text="bad gateway"))


# -- the key -----------------------------------------------------------------------------------


def test_a_flow_reads_what_was_sent_even_if_the_key_is_in_it() -> None:
    headers = {"X-Acme-Note": f"hello {KEY}", "Set-Cookie": "a=b", "Content-Encoding": "identity"}

    status = polled(lambda _: httpx.Response(200, headers=headers, text=f"again {KEY}"))

    assert status.reason == f"hello {KEY} again {KEY}"


def test_no_error_has_the_key() -> None:
    """Neither in its words, nor in its reply, nor in the errors it came from."""
    quoted = f"Bad key {KEY} or {quote(KEY)} or {json.dumps(KEY)}"

    def flow() -> Flow[None]:
        reply = yield httpx.Request("GET", f"{Acme.base_url}/?key={quote(KEY)}")
        try:
            raise ValueError(reply.text)
        except ValueError as error:
            raise Acme().error(Refused, reply, reply.text, f"no-{KEY}") from error

    with pytest.raises(Refused) as caught:
        carried(
            lambda _: httpx.Response(400, headers={"X-Note": quoted}, text=quoted),
            lambda courier: courier.ask(flow()),
        )

    error = caught.value
    assert error.reply is not None
    shown = [str(error), repr(error), str(error.code), error.reply.text, repr(error.reply.headers)]
    shown += ["".join(traceback.format_exception(error))]
    assert "[key]" in str(error)
    assert not [text for text in shown if KEY in text or quote(KEY) in text]
    with pytest.raises(RuntimeError, match="request"):  # It carries the key.
        _ = error.reply.request


@pytest.mark.parametrize("before", range(80, 130, 3))
def test_words_that_are_cut_off_within_the_key_do_not_have_its_beginning(before: int) -> None:
    key = "sk-0123456789-abcdefghij-0123456789"
    text = f"{'x' * before} {key} {'x' * 100}"

    with pytest.raises(AnswerLost) as caught:
        paid(Acme().submit, lambda _: httpx.Response(500, text=text), key=key)

    assert key[:8] not in str(caught.value)


def test_no_log_has_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "kling26")
    with pytest.raises(AnswerLost) as caught:
        paid(Acme().submit, lambda _: httpx.Response(500, text=f"for {KEY}"))

    assert KEY not in caplog.text + str(caught.value)
    assert KEY in caught.value.fragment  # What the task's id is read from is unaltered.


@pytest.mark.parametrize("key", ["a", "success", "kie"])
def test_a_key_that_is_a_word_changes_no_words(key: str) -> None:
    with pytest.raises(Unavailable) as caught:
        polled(lambda _: httpx.Response(503, text=key), key)

    assert str(caught.value) == "Acme is temporarily unavailable (HTTP 503)."


# -- one payment -------------------------------------------------------------------------------

TAKEN = httpx.Response(200, text="v1")


def again(method: str) -> Submit:
    """A plug-in that tries to pay a second time."""

    def submit(request: VideoRequest, options: object) -> Flow[Ticket]:
        yield httpx.Request("POST", f"{Acme.base_url}/videos")
        reply = yield httpx.Request(method, f"{Acme.base_url}/videos/again")
        return Ticket(reply.text)

    return submit


@pytest.mark.parametrize("method", ["POST", "post", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS"])
def test_a_second_request_that_may_pay_is_never_sent(method: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return TAKEN

    with pytest.raises(AnswerLost, match="pay a second time") as caught:
        paid(again(method), answer)

    assert seen == ["/videos"]
    assert caught.value.fragment == "v1"


def stubborn(request: VideoRequest, options: object) -> Flow[Ticket]:
    """A plug-in that repeats itself, whatever happens, even when it is closed."""
    post = httpx.Request("POST", f"{Acme.base_url}/videos")
    for _ in range(3):
        try:
            yield post
        except BaseException:  # noqa: BLE001, S112
            continue


def test_not_even_a_plug_in_that_catches_everything_pays_twice() -> None:
    seen: list[str] = []

    with pytest.raises(AnswerLost):
        paid(stubborn, lambda request: seen.append(request.method) or TAKEN)

    assert seen == ["POST"]


def test_a_second_payment_after_a_wait_is_not_sent_and_was_not_lost() -> None:
    with pytest.raises(TryLater):
        paid(again("POST"), lambda _: httpx.Response(429))


def asking_afterwards(request: VideoRequest, options: object) -> Flow[Ticket]:
    yield httpx.Request("POST", f"{Acme.base_url}/videos")
    reply = yield httpx.Request("GET", f"{Acme.base_url}/videos/latest")
    if reply.status_code == 404:
        raise Acme().error(Refused, reply, "no such video")
    return Ticket(reply.text)


def unreadable(request: VideoRequest, options: object) -> Flow[Ticket]:
    reply = yield httpx.Request("POST", f"{Acme.base_url}/videos")
    raise Acme().unexpected(reply, "not JSON")


@pytest.mark.parametrize("status", [429, 455])
@pytest.mark.parametrize(
    ("body", "error"),
    [('{"id": "v1"} and more', AnswerLost), ("<html>Slow down</html>", TryLater)],
)
def test_an_unreadable_wait_is_one_unless_the_id_of_a_task_is_in_it(
    status: int, body: str, error: type[Exception]
) -> None:
    class Naming(Acme):
        task_id_name = "id"

    with pytest.raises(error):
        paid(unreadable, lambda _: httpx.Response(status, text=body), Naming())


@pytest.mark.parametrize("status", [404, 429, 503, None])
def test_what_a_later_question_is_answered_does_not_say_that_nothing_was_paid(
    status: int | None,
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return TAKEN
        if status is None:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(status)

    with pytest.raises(AnswerLost) as caught:
        paid(asking_afterwards, answer)

    assert caught.value.fragment == "v1"


def returning(value: object) -> Submit:
    def submit(request: VideoRequest, options: object) -> Flow[Any]:
        yield httpx.Request("POST", f"{Acme.base_url}/videos")
        return value

    return submit


@pytest.mark.parametrize(
    "value",
    [None, "v1", Ticket(""), Ticket("  "), Ticket(None), Ticket("v1", {"a": {}}), ["v1"], True],
)
def test_what_is_no_ticket_is_a_lost_answer(value: object) -> None:
    with pytest.raises(AnswerLost) as caught:
        paid(returning(value), lambda _: TAKEN)

    assert caught.value.fragment == "v1"


def raising(error: BaseException) -> Submit:
    def submit(request: VideoRequest, options: object) -> Flow[Ticket]:
        yield httpx.Request("POST", f"{Acme.base_url}/videos")
        raise error

    return submit


@pytest.mark.parametrize(
    "error",
    [KeyError("id"), SystemExit(3), Unreachable("no"), Unavailable("no"), UsageError("no"),
     NoSuchTask("no"), type("Panic", (BaseException,), {})()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_an_error_that_is_no_refusal_leaves_the_answer_lost(error: BaseException) -> None:
    with pytest.raises(AnswerLost):
        paid(raising(error), lambda _: TAKEN)


def idle(request: VideoRequest, options: object) -> Flow[Ticket]:
    yield httpx.Request("GET", f"{Acme.base_url}/price")
    return Ticket("v1")


def odd(request: VideoRequest, options: object) -> Flow[Ticket]:
    yield "POST /videos"  # type: ignore[misc]
    return Ticket("v1")


@pytest.mark.parametrize("submit", [idle, odd, lambda *_: None, lambda *_: Ticket("v1")])
def test_a_ticket_for_which_nothing_was_sent_is_none(submit: Submit) -> None:
    with pytest.raises(UnexpectedReply):
        paid(submit, lambda _: TAKEN)


def test_a_plug_in_that_cannot_sign_sends_nothing() -> None:
    class Unsigned(Acme):
        def sign(self, request: httpx.Request, key: str) -> None:
            raise KeyError(key)

    with pytest.raises(UnexpectedReply, match="cannot sign"):
        paid(Unsigned().submit, lambda _: pytest.fail("sent"), Unsigned())


def test_what_is_answered_is_kept_before_it_is_read() -> None:
    order: list[str] = []

    def submit(request: VideoRequest, options: object) -> Flow[Ticket]:
        reply = yield httpx.Request("POST", f"{Acme.base_url}/videos")
        order.append("read")
        return Ticket(reply.text)

    paid(submit, lambda _: order.append("sent") or TAKEN, order=order)

    assert order == ["recorded", "sent", "kept v1", "read"]


def test_cookies_and_encodings_are_not_passed_on() -> None:
    seen: list[httpx.Response] = []

    def flow() -> Flow[None]:
        seen.append((yield httpx.Request("GET", Acme.base_url)))

    headers = [(b"Set-Cookie", b"a=b"), (b"X-Name", "Zoë".encode("latin-1"))]
    carried(lambda _: httpx.Response(200, headers=headers), lambda courier: courier.ask(flow()))

    assert "set-cookie" not in seen[0].headers
    assert seen[0].headers["x-name"] == "Zoë"
