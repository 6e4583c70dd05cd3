"""
The emulators as an httpx transport: in process, with no port and no threads.

httpx.ASGITransport delivers a body only as a whole, so no connection can break in the middle of
one. Here a response streams, and the client sees a broken connection as it would over a network.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import cast

import httpx
from starlette.types import ASGIApp, Message, Scope

from ..core.settings import origin
from .faults import Reset


class SandboxTransport(httpx.AsyncBaseTransport):
    """
    Sends each request to the ASGI application of its origin, the first if there are several.

    ``SandboxTransport({"https://api.kie.ai": app})``; a request for any other origin raises
    httpx.ConnectError.
    """

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = {origin(url): app for url, app in reversed(list(apps.items()))}
        self._running: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        app = self._apps.get(origin(str(request.url)))
        if app is None:
            raise httpx.ConnectError(f"The sandbox has no {request.url.host}", request=request)
        exchange = _Exchange(app, request)
        task = asyncio.create_task(exchange.run())
        # A server carries on after its client has gone, so the task is kept until it ends.
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            start = await exchange.message()
        except BaseException:
            exchange.hang_up()
            raise
        return httpx.Response(
            start["status"],
            headers=start["headers"],
            stream=_Body(exchange, _length(request, start)),
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


class _Exchange:
    """One request and its response, between the client's task and the application's."""

    def __init__(self, app: ASGIApp, request: httpx.Request) -> None:
        self._app, self._request = app, request
        self._read_timeout = request.extensions.get("timeout", {}).get("read")
        # One message at a time, so that an application is as slow as its client reads.
        self._messages: asyncio.Queue[Message | BaseException | None] = asyncio.Queue(1)
        self._gone = asyncio.Event()
        self._upload: AsyncIterator[bytes] | None = None
        self._uploaded = False

    async def run(self) -> None:
        try:
            await self._app(_scope(self._request), self._receive, self._send)
        except (Exception, Reset) as error:  # noqa: BLE001 - the client's task raises it
            await self._put(error)
        else:
            await self._put(None)

    async def message(self) -> Message:
        """The application's next message; raises the error that a client sees instead."""
        try:
            message = await asyncio.wait_for(self._messages.get(), self._read_timeout)
        except TimeoutError:
            raise httpx.ReadTimeout("The response took too long", request=self._request) from None
        if message is None:  # The application ended before its response did.
            raise httpx.RemoteProtocolError("The connection was closed", request=self._request)
        if isinstance(message, Reset):
            raise httpx.ReadError("The connection broke", request=self._request)
        if isinstance(message, BaseException):
            raise message
        return message

    def hang_up(self) -> None:
        self._gone.set()
        while not self._messages.empty():  # The application may be waiting for room.
            self._messages.get_nowait()

    async def _receive(self) -> Message:
        if self._upload is None:
            # An AsyncClient sends no other kind of stream.
            self._upload = aiter(cast(httpx.AsyncByteStream, self._request.stream))
        elif self._uploaded:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        piece = await anext(self._upload, None)
        self._uploaded = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not self._uploaded}

    async def _send(self, message: Message) -> None:
        await self._put(message)

    async def _put(self, item: Message | BaseException | None) -> None:
        if not self._gone.is_set():
            await self._messages.put(item)


class _Body(httpx.AsyncByteStream):
    """The response's body as it is sent, up to the announced length."""

    def __init__(self, exchange: _Exchange, length: int | None) -> None:
        self._exchange, self._length = exchange, length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._length
        more = True
        while more:
            message = await self._exchange.message()
            piece, more = message.get("body", b""), message.get("more_body", False)
            if left is not None:
                piece = piece[:left]
                left -= len(piece)
            if piece:
                yield piece
        if left:
            raise httpx.RemoteProtocolError(f"The connection was closed {left} bytes too early")

    async def aclose(self) -> None:
        self._exchange.hang_up()


def _length(request: httpx.Request, start: Message) -> int | None:
    """The announced length of the body in bytes, if there is a body and a length."""
    if request.method == "HEAD":
        return None
    length = httpx.Headers(start["headers"]).get("content-length")
    return None if length is None else int(length)


def _scope(request: httpx.Request) -> Scope:
    url = request.url
    path, _, query = url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
    }
