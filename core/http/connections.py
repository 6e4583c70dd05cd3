"""
Connections that are used by one request after the other.

httpcore's pool looks at all its connections when a request begins and when it ends, and asks the
system about each idle one: with hundreds of requests under way that takes longer than the requests.
So here each connection has a pool of its own, and the one that was used last is used next.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import httpx
from attrs import define, field

#: How many connections wait for another request, at most.
_IDLE = 20

#: What a connection can be used for: the proxy, and the server as it is reached and named.
_Way = tuple[httpx.URL | None, str, str, int | None, object]


@define(eq=False)
class ConnectionPool:
    """The connections of a client. One that is not for `reuse` is closed after its request."""

    make: Callable[[httpx.URL | None], httpx.AsyncHTTPTransport]
    reuse: bool
    #: The one that was used last is at the end.
    _idle: list[tuple[_Way, httpx.AsyncHTTPTransport]] = field(factory=list, init=False)
    _busy: set[httpx.AsyncHTTPTransport] = field(factory=set, init=False)

    async def send(self, request: httpx.Request, proxy: httpx.URL | None) -> httpx.Response:
        """The answer; its connection is free once it is closed. Raises what httpx does."""
        url = request.url
        way = proxy, url.scheme, url.host, url.port, request.extensions.get("sni_hostname")
        connection = self._take(way) or self.make(proxy)
        self._busy.add(connection)
        try:
            reply = await connection.handle_async_request(request)
        except BaseException:
            self._busy.discard(connection)
            await connection.aclose()
            raise
        assert isinstance(reply.stream, httpx.AsyncByteStream)
        reply.stream = _Body(reply.stream, lambda: self._give_back(way, connection))
        return reply

    async def aclose(self) -> None:
        connections = [*self._busy, *(connection for _, connection in self._idle)]
        self._busy.clear()
        self._idle.clear()
        for connection in connections:
            with suppress(Exception):  # One that fails must not keep the others open.
                await connection.aclose()

    def _take(self, way: _Way) -> httpx.AsyncHTTPTransport | None:
        for place in reversed(range(len(self._idle))):
            if self._idle[place][0] == way:
                return self._idle.pop(place)[1]
        return None

    async def _give_back(self, way: _Way, connection: httpx.AsyncHTTPTransport) -> None:
        if connection not in self._busy:  # Given back before, or closed with all others.
            return
        self._busy.discard(connection)
        if self.reuse:
            self._idle.append((way, connection))
            if len(self._idle) <= _IDLE:
                return
            connection = self._idle.pop(0)[1]
        await connection.aclose()


@define(eq=False)
class _Body(httpx.AsyncByteStream):
    """What arrives; closing it gives the connection back."""

    arriving: httpx.AsyncByteStream
    give_back: Callable[[], Awaitable[None]]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.arriving.__aiter__()

    async def aclose(self) -> None:
        try:
            await self.arriving.aclose()
        finally:
            await self.give_back()
