"""The emulators as a transport of httpx, in process."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from kling26.sandbox import SandboxTransport
from kling26.sandbox.faults import Reset
from kling26.sandbox.kie import KieSandbox
from kling26.sandbox.requests import read_body
from kling26.testing import run
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESS = "https://api.kie.ai"


async def start(send: Send, **headers: str) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})


async def body(send: Send, content: bytes, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": more})


def client(app: ASGIApp, timeout: float = 5) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=SandboxTransport({ADDRESS: app}), base_url=ADDRESS, timeout=timeout
    )


def get(app: ASGIApp, url: str = "/") -> httpx.Response:
    async def send() -> httpx.Response:
        async with client(app) as http:
            return await http.get(url)

    return run(send())


async def heron(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, b"heron")


def test_an_answer_arrives() -> None:
    assert get(heron).content == b"heron"


def test_the_default_port_may_be_explicit() -> None:
    assert get(heron, "https://api.kie.ai:443/").content == b"heron"


@pytest.mark.parametrize(
    "url", ["https://api.example/", "http://api.kie.ai/", "https://api.kie.ai:8443/"]
)
def test_another_origin_cannot_be_reached(url: str) -> None:
    with pytest.raises(httpx.ConnectError):
        get(heron, url)


def test_an_application_sees_what_a_server_would_see() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await heron(scope, receive, send)

    get(app, "/a%20b?c=d%26")

    (scope,) = seen
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
        "/a b",
        b"/a%20b",
        b"c=d%26",
    )
    assert (b"host", b"api.kie.ai") in scope["headers"]


def test_a_body_arrives_in_pieces_and_then_the_client_leaves() -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not seen or seen[-1].get("more_body"):
            seen.append(await receive())
        await heron(scope, receive, send)
        seen.append(await receive())

    async def pieces() -> AsyncIterator[bytes]:
        yield b"her"
        yield b"on"

    async def upload() -> None:
        async with client(app) as http:
            await http.post("/", content=pieces())
            await asyncio.sleep(0.01)

    run(upload())
    assert [message.get("body") for message in seen] == [b"her", b"on", b"", None]
    assert seen[-1]["type"] == "http.disconnect"


def test_an_answer_is_made_no_faster_than_it_is_read() -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await start(send)
        for _ in range(100):
            await body(send, b"heron", more=True)
            sent += 1
        await body(send, b"")

    async def read_one() -> int:
        async with client(app) as http, http.stream("GET", "/") as answer:
            await anext(answer.aiter_raw())
            await asyncio.sleep(0.01)
            return sent

    assert run(read_one()) <= 3


def test_an_application_goes_on_when_its_client_has_left() -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await start(send)
        for _ in range(100):
            await body(send, b"heron", more=True)
            sent += 1

    async def leave() -> None:
        async with client(app) as http:
            async with http.stream("GET", "/"):
                pass
            await asyncio.sleep(0.01)

    run(leave())
    assert sent == 100


def test_a_cancelled_client_leaves_the_application_running() -> None:
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.02)
        done.append("accepted")
        await heron(scope, receive, send)

    async def leave() -> None:
        async with client(app) as http:
            request = asyncio.create_task(http.get("/"))
            await asyncio.sleep(0.01)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
            await asyncio.sleep(0.03)

    run(leave())
    assert done == ["accepted"]


def test_closing_the_client_ends_what_still_runs() -> None:
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(600)
        finally:
            ended.append("here")

    async def leave() -> None:
        async with client(app, timeout=0.01) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/")

    run(leave())
    assert ended == ["here"]


def test_a_pause_in_a_body_is_a_time_out() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await asyncio.sleep(600)

    async def wait() -> None:
        async with client(app, timeout=0.01) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/")

    run(wait())


def test_a_reset_before_the_answer_is_a_read_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise Reset

    with pytest.raises(httpx.ReadError):
        get(app)


def test_a_reset_in_a_body_comes_after_what_was_sent() -> None:
    arrived = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await body(send, b"her", more=True)
        raise Reset

    async def read() -> None:
        async with client(app) as http, http.stream("GET", "/") as answer:
            async for piece in answer.aiter_raw():
                arrived.append(piece)

    with pytest.raises(httpx.ReadError):
        run(read())
    assert arrived == [b"her"]


def test_no_answer_is_a_broken_protocol() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        return

    with pytest.raises(httpx.RemoteProtocolError):
        get(app)


def test_a_body_shorter_than_announced_is_a_broken_protocol() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, **{"content-length": "9"})
        await body(send, b"heron")

    with pytest.raises(httpx.RemoteProtocolError, match="4 bytes too early"):
        get(app)


def test_a_body_longer_than_announced_is_read_to_its_length() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, **{"content-length": "3"})
        await body(send, b"heron")

    assert get(app).content == b"her"


def test_an_error_of_the_application_is_not_hidden() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        get(app)


def test_a_client_that_leaves_before_its_body_ends_creates_no_task() -> None:
    app = KieSandbox()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx.WriteError("The client broke down")

    async def upload() -> None:
        async with client(app) as http:
            await http.post("/api/v1/jobs/createTask", content=pieces())

    with pytest.raises(httpx.WriteError):
        run(upload())
    assert app.requests == []


def test_a_client_that_leaves_is_seen_as_a_disconnect() -> None:
    async def leave() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(Reset):
        run(read_body(leave))
