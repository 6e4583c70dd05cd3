"""One request, and what arrives of its answer: unaltered, and within bounds."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpcore
import httpx
from attrs import define, field, frozen

from ..wire import MAX_REPLY, parse
from .codings import unpack
from .outbound import words
from .pacing import now
from .patience import Patience

#: How long making a connection may take, in seconds.
_CONNECT = 15.0
#: How long the answer may take at the least, once the request has left, in seconds.
_LEAST = 5.0
# Headers that no longer apply once the body has been read and unpacked, and cookies.
_DROPPED = (b"content-encoding", b"content-length", b"set-cookie", b"transfer-encoding")
# Raised before there is a connection, so that nothing of the request was sent.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class NotSent(Exception):
    """Certainly nothing of the request has left; the message says why."""


@frozen
class Answer:
    """
    What arrived of an answer.

    `reply` has the status 0 if nothing did. `problem` says why it is not whole; None if it is.
    """

    reply: httpx.Response
    problem: str | None = None

    @property
    def began(self) -> bool:
        """Whether anything arrived."""
        return self.reply.status_code != 0


async def exchange(
    client: httpx.AsyncClient,
    request: httpx.Request,
    timeout: float,
    leaving: Callable[[], Awaitable[None]] | None = None,
) -> Answer:
    """
    Send a request, once, and wait up to `timeout` seconds for its answer.

    `leaving` is awaited when there is a connection, right before the first byte leaves, if the
    transport tells. Raises `NotSent`, `NetworkSettingsError`, or what `leaving` raised, if the
    request certainly had no effect.
    """
    patience, arriving = Patience(timeout), _Arriving(request)
    departure = _Departure(patience, timeout, leaving)
    # What is packed may unpack to any size.
    request.headers["Accept-Encoding"] = "identity"
    # The other time-outs of httpx count before what has arrived is read.
    limits = httpx.Timeout(None, connect=min(_CONNECT, timeout)).as_dict()
    request.extensions = {**request.extensions, "timeout": limits, "trace": departure.trace}
    try:
        async with patience:
            await arriving.read(await client.send(request, stream=True))
    # httpx prepares the request that a redirect asks for, even if nobody will send it, and fails
    # with one of these if that is to no URL.
    except (httpx.RequestError, httpx.InvalidURL, ValueError, TimeoutError) as error:
        if isinstance(error, _NOT_SENT) or departure.certainly_not:
            raise NotSent(describe(error)) from error
        arriving.problem = describe(error)
    return arriving.answer()


def describe(error: Exception) -> str:
    """An exception in a few words, on one line."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "it took too long"
    if isinstance(error, httpx.TransportError) and not isinstance(error, _NOT_SENT):
        return "the connection broke"  # httpx's own message is about sockets.
    return words(error)


@define
class _Departure:
    """
    Whether a request has left, as httpcore traces it.

    Transports of other kinds, as in tests, trace nothing.
    """

    patience: Patience
    timeout: float
    leaving: Callable[[], Awaitable[None]] | None = None
    _end: float = field(init=False)
    _traced: bool = field(default=False, init=False)
    _left: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._end = now() + self.timeout

    @property
    def certainly_not(self) -> bool:
        return self._traced and not self._left

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        self._traced = True
        match event.partition(".")[2]:
            case "connect_tcp.started":
                self.patience.restart(min(_CONNECT, self.timeout))
            # A proxy is asked for a connection first.
            case "send_request_headers.started" if info["request"].method != b"CONNECT":
                if self.leaving is not None:
                    await self.leaving()
                self._left = True
                self.patience.restart(max(_LEAST, self._end - now()))
            case "send_request_headers.failed":
                # An invalid header is noticed before anything is written.
                self._left = not isinstance(info["exception"], httpcore.LocalProtocolError)


@define
class _Arriving:
    """An answer on its way."""

    request: httpx.Request
    problem: str | None = None
    _head: httpx.Response | None = field(default=None, init=False)
    _body: bytearray = field(factory=bytearray, init=False)
    #: What the body is still packed in, as named by its header.
    _codings: str = field(default="", init=False)

    async def read(self, reply: httpx.Response) -> None:
        self._head = reply
        try:
            if reply.is_stream_consumed:  # A test's transport may answer with everything at once.
                self._take(reply.content)
                return
            self._codings = reply.headers.get("content-encoding", "")
            async for chunk in reply.aiter_raw():
                self._take(chunk)
                if self.problem is not None:
                    return
        finally:
            await reply.aclose()

    def _take(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > MAX_REPLY:
            del self._body[MAX_REPLY:]
            self.problem = f"it is longer than {MAX_REPLY} bytes"

    def answer(self) -> Answer:
        if self._head is None:
            return Answer(httpx.Response(0, request=self.request), self.problem)
        content, problem = unpack(bytes(self._body), self._codings, MAX_REPLY)
        problem = self.problem or problem
        if problem is not None and _is_complete(content):
            problem = None  # Only the connection did not end where the answer did.
        reply = httpx.Response(
            self._head.status_code,
            headers=[each for each in self._head.headers.raw if each[0].lower() not in _DROPPED],
            content=content,
            request=self.request,
        )
        return Answer(reply, problem)


def _is_complete(content: bytes) -> bool:
    """Whether it is a JSON object from its first brace to its last, to which nothing can follow."""
    try:
        return isinstance(parse(content), Mapping)
    except ValueError:
        return False
