"""
The one place that sends requests to providers: signed, with time-outs and clear errors.

What matters about a failure is whether the request can have had an effect. `Unreachable` means
that it cannot; `AnswerLost` means that it may, and contains whatever arrived of the answer.
"""

import asyncio
import logging
import platform
import re
from collections.abc import Awaitable, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import AnyStr, NoReturn, TypeVar

import httpx
import stamina
from attrs import define, field

from ..errors import (
    Kling26Error,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
    Unreachable,
)
from ..keys import Key
from ..provider import Flow, Provider
from ..settings import origin
from ..status import Realm
from ..text import sanitize, summarize_body
from ..wire import MAX_REPLY
from . import addresses
from .pacing import RetryPolicy, now

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("kling26")

#: Some gateways in front of kie.ai reject clients without a user agent of their own.
USER_AGENT = f"kling26 (python-httpx/{httpx.__version__}; Python {platform.python_version()})"

_CONNECT = 15.0
_READ = 30.0
_READ_PAID = 60.0
_THROTTLED = (429, 455)
# Headers that no longer apply once the body has been read and decoded, and cookies.
_TRANSFER_HEADERS = (b"content-encoding", b"content-length", b"set-cookie", b"transfer-encoding")
# Raised before there is a connection, so that nothing of the request was sent.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class AnswerLost(ProviderError):
    """The paid request was sent, but its answer is missing, truncated or unreadable."""

    def __init__(self, message: str, *, fragment: str, provider: str) -> None:
        super().__init__(message, provider=provider)
        self.fragment = fragment


def make_client(
    transport: httpx.AsyncBaseTransport | None, *, keep_alive: bool
) -> httpx.AsyncClient:
    """
    An HTTP client that follows no redirects and stores no cookies.

    Without `keep_alive` each request gets a new connection. Paid requests do: on a reused one, a
    server that has just closed it looks like one that may have accepted the request.
    """
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(
            max_connections=None, max_keepalive_connections=20 if keep_alive else 0
        ),
    )


@define
class ProviderClient:
    """Runs a provider's flows: sends their requests, signing those to the provider's own hosts."""

    provider: Provider
    realm: Realm
    key: Key
    client: httpx.AsyncClient
    paid_client: httpx.AsyncClient
    _origins: frozenset[tuple[str, str | None, int | None]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        own = (self.provider.base_url, self.provider.upload_url)
        self._origins = frozenset(origin(url) for url in own if url)

    async def ask(self, flow: Flow[T]) -> T:
        """Run a flow whose requests are free and may be repeated."""
        return await self._drive(flow, self._send_free)

    async def ask_until(self, deadline: Callable[[], float], flow: Callable[[], Flow[T]]) -> T:
        """`ask` until a deadline, retrying with a new flow where that may help."""
        temporary = (TryLater, Unreachable, Unavailable, UnexpectedReply)
        policy = RetryPolicy(deadline, retry_on=temporary)
        async for attempt in stamina.retry_context(on=policy, attempts=8, timeout=None):
            with attempt:
                try:
                    async with asyncio.timeout(max(0.0, deadline() - now())):
                        return await self.ask(flow())
                except TimeoutError as error:
                    raise Unavailable(
                        f"{self.provider.title} did not answer in time.",
                        provider=self.provider.name,
                    ) from error
        raise AssertionError("stamina ends with a result or an error")

    async def pay(
        self,
        flow: Flow[T],
        before_sending: Callable[[], Awaitable[None]],
        timeout: float = _READ_PAID,
    ) -> T:
        """
        Run a flow that pays.

        `before_sending` is awaited before the first request that may pay; `timeout` limits the
        wait for its answer, in seconds. Raises `AnswerLost` if something may have been paid, and
        any other `ProviderError` only if certainly nothing was.
        """
        sent: list[httpx.Response] = []

        async def send(request: httpx.Request) -> httpx.Response:
            if request.method in ("GET", "HEAD"):
                return await self._send_free(request)
            if not sent:
                await before_sending()
            sent.append(await self._send_paid(request, min(timeout, _READ_PAID)))
            return sent[-1]

        try:
            return await self._drive(flow, send)
        except (TryLater, Refused, Unreachable, AnswerLost):
            raise
        except Kling26Error as error:
            if not sent:
                raise
            if sent[-1].status_code in _THROTTLED:
                raise self._throttled(sent[-1]) from error
            raise self._lost(str(error), sent[-1].content) from error

    async def _drive(
        self, flow: Flow[T], send: Callable[[httpx.Request], Awaitable[httpx.Response]]
    ) -> T:
        received: httpx.Response | Unavailable | None = None
        while True:
            try:
                request = self._advance(flow, received)
            except StopIteration as stop:
                value: T = stop.value
                return value
            try:
                received = await send(request)
            except Unavailable as error:
                received = error

    def _advance(
        self, flow: Flow[T], received: httpx.Response | Unavailable | None
    ) -> httpx.Request:
        """The flow's next request; an exception from the plug-in becomes `UnexpectedReply`."""
        reply = received.reply if isinstance(received, Unavailable) else received
        try:
            if isinstance(received, Unavailable):
                return flow.throw(received)
            return flow.send(received)  # type: ignore[arg-type]  # None starts a generator.
        except (StopIteration, Kling26Error):
            raise
        except Exception as error:
            # A bug in the plug-in, which users can do nothing about.
            logger.info("The plug-in of %s: %s", self.provider.title, self._describe(repr(error)))
            nothing = httpx.Response(0)
            raise self.provider.unexpected(
                nothing if reply is None else reply, "its plug-in cannot read it"
            ) from error

    async def _send_free(self, request: httpx.Request) -> httpx.Response:
        try:
            reply, broken = await self._exchange(self.client, request, _READ)
        except _NOT_SENT as error:
            self._unreachable(error)
        except (httpx.TransportError, TimeoutError) as error:
            broken, reply = error, httpx.Response(0)
        if broken is not None:
            raise Unavailable(
                f"{self.provider.title} did not answer ({self._describe(broken)}).",
                provider=self.provider.name,
            ) from broken
        if reply.status_code in (408, *_THROTTLED):
            raise self._throttled(reply)
        if reply.is_server_error:
            raise Unavailable(
                f"{self.provider.title} is temporarily unavailable (HTTP {reply.status_code}).",
                reply=reply,
                provider=self.provider.name,
            )
        return reply

    async def _send_paid(self, request: httpx.Request, timeout: float) -> httpx.Response:
        try:
            reply, broken = await self._exchange(self.paid_client, request, timeout)
        except _NOT_SENT as error:
            self._unreachable(error)
        except (httpx.TransportError, TimeoutError) as error:
            raise self._lost(f"no answer came ({self._describe(error)})", b"") from error
        if broken is not None:
            raise self._lost(
                f"the answer was cut off ({self._describe(broken)})", reply.content
            ) from broken
        if reply.is_server_error:
            said = f"it answered HTTP {reply.status_code}. {summarize_body(reply.content)}"
            raise self._lost(said, reply.content)
        return reply

    async def _exchange(
        self, client: httpx.AsyncClient, request: httpx.Request, timeout: float
    ) -> tuple[httpx.Response, Exception | None]:
        """The reply, as far as it arrived, and the error that cut it off, if any."""
        await self._prepare(request, timeout)
        content, broken = bytearray(), None
        # A second more than httpx's own time-outs, which distinguish a failed connection from an
        # answer that never came.
        end = now() + timeout + 1.0
        async with asyncio.timeout_at(end):
            reply = await client.send(request, stream=True)
        try:
            async with asyncio.timeout_at(end):
                async for chunk in reply.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_REPLY:
                        raise httpx.DecodingError(f"it is longer than {MAX_REPLY} bytes")
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            broken = error
        finally:
            await reply.aclose()
        whole = httpx.Response(
            reply.status_code,
            headers=[
                (name, self._redact(value))
                for name, value in reply.headers.raw
                if name.lower() not in _TRANSFER_HEADERS
            ],
            content=self._redact(bytes(content)),
            request=request,
        )
        return whole, broken

    def _redact(self, text: AnyStr) -> AnyStr:
        """The text without the key: a provider may quote it, but errors must not."""
        if not self.key.value:
            return text
        if isinstance(text, str):
            return text.replace(self.key.value, "[key]")
        return text.replace(self.key.value.encode(), b"[key]")

    async def _prepare(self, request: httpx.Request, timeout: float) -> None:
        request.headers.setdefault("User-Agent", USER_AGENT)
        request.headers.setdefault("Accept", "application/json")
        limits = httpx.Timeout(timeout, connect=min(_CONNECT, timeout), pool=None)
        request.extensions = {**request.extensions, "timeout": limits.as_dict()}
        if origin(str(request.url)) in self._origins:
            self.provider.sign(request, self.key.value)
        elif self.realm != "sandbox":
            await self._check_destination(request)

    async def _check_destination(self, request: httpx.Request) -> None:
        """A URL from a provider must not lead into the user's own network."""
        try:
            found = await addresses.resolve(request.url, local=self.realm == "loopback")
        except addresses.AddressRefused as error:
            raise UnexpectedReply(
                f"{self.provider.title} gave a URL that is not followed: {error}.",
                provider=self.provider.name,
            ) from error
        if found:
            addresses.pin(request, found[0])

    def _unreachable(self, error: Exception) -> NoReturn:
        raise Unreachable(
            f"{self.provider.title} cannot be reached ({self._describe(error)}).",
            provider=self.provider.name,
        ) from error

    def _throttled(self, reply: httpx.Response) -> TryLater:
        code = f"HTTP {reply.status_code}"
        return self.provider.error(TryLater, reply, "it asked to wait", code)

    def _lost(self, reason: str, content: bytes) -> AnswerLost:
        fragment = content.decode("utf-8", "replace")
        logger.info(
            "Lost an answer from %s: %s; %s", self.provider.title, reason, sanitize(fragment)
        )
        return AnswerLost(reason, fragment=fragment, provider=self.provider.name)

    def _describe(self, value: object) -> str:
        """An exception in words, without the key, which a signed URL in it may contain."""
        if isinstance(value, httpx.TimeoutException | TimeoutError):
            return "it took too long"
        if isinstance(value, httpx.TransportError) and not isinstance(value, _NOT_SENT):
            return "the connection broke"  # httpx's own message is about sockets.
        message = re.sub(r"^\[Errno -?\d+\] ", "", str(value))
        return sanitize(self._redact(message), 160) or "the connection broke"
