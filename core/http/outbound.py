"""
The way out of this machine, of every request: directly or through a proxy.

What fails before a request has left is judged here. If a proxy or a certificate is why, and it has
never worked in this process, then it is a setting, and not an outage that will pass.
"""

import asyncio
import os
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import httpcore
import httpx
from attrs import define, field

from ..errors import NetworkSettingsError
from ..text import sanitize
from .certificates import tls_context
from .connections import ConnectionPool
from .proxies import Proxies, Proxy, read_proxies

T = TypeVar("T")

#: The extension of a request that goes directly to an address that was checked.
DIRECT = "kling26_direct"
#: Requests by these methods change nothing, so it does not matter whether they have left.
_HARMLESS = ("GET", "HEAD")
#: What a proxy says that will not let such a request through at another time either.
_NEVER = re.compile(r"(?!408|429)[34]\d\d|501|Requested|Invalid username|.*not allowed")
_NO_LOGIN = re.compile(r"407|Requested|Invalid username")
#: How long what the proxies were a moment ago counts, in seconds: reading them takes as long as a
#: third of a request.
_FRESH = 1.0
#: What OpenSSL says of a certificate outside the time for which it is valid.
_WRONG_TIME = (9, 10)


@define(eq=False)
class Network:
    """What the clients of a runner share: the certificates, and what has worked so far."""

    worked: set[object] = field(factory=set, init=False, repr=False)
    #: The proxies, and when they were read.
    _proxies: tuple[float, Proxies] | None = field(default=None, init=False, repr=False)
    _context: ssl.SSLContext | None = field(default=None, init=False)

    def check(self) -> None:
        """Raise `NetworkSettingsError` for settings with which nothing can be sent."""
        self._read()
        self.context()

    def proxy_for(self, url: httpx.URL) -> Proxy | None:
        """The proxy that a URL is reached through, as it was set a moment ago; None if directly."""
        return self._read().of(url)

    def _read(self) -> Proxies:
        if self._proxies is None or time.monotonic() - self._proxies[0] > _FRESH:
            self._proxies = time.monotonic(), read_proxies()
        return self._proxies[1]

    def context(self) -> ssl.SSLContext:
        """What TLS connections are made with; raises `NetworkSettingsError`."""
        if self._context is None:
            self._context = tls_context()
        return self._context


@define(eq=False)
class Outbound(httpx.AsyncBaseTransport):
    """Sends each request on its way. Connections are used again if `keep_alive`."""

    network: Network
    keep_alive: bool
    _connections: ConnectionPool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._connections = ConnectionPool(self._make_connection, self.keep_alive)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; raises `NetworkSettingsError` only if the request had no effect."""
        proxy = None if request.extensions.get(DIRECT) else self.network.proxy_for(request.url)
        departure = _Departure(request)
        try:
            way = None if proxy is None else proxy.url
            reply = await departure.limit(self._connections.send(request, way))
        except Exception as error:
            if departure.had_effect(proxy):
                raise
            await departure.close()
            judged = self._judge(error, departure, proxy)
            if judged is None:
                raise
            raise judged from error
        if proxy is not None and reply.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
            await reply.aclose()
            raise _refuse(proxy, departure.host, "407 Proxy Authentication Required")
        self.network.worked |= {departure.host, None if proxy is None else proxy.url}
        return reply

    async def aclose(self) -> None:
        await self._connections.aclose()

    def _make_connection(self, proxy: httpx.URL | None) -> httpx.AsyncHTTPTransport:
        """A connection that is made with its first request."""
        context, kept = self.network.context(), int(self.keep_alive)
        return httpx.AsyncHTTPTransport(
            verify=context,
            proxy=None if proxy is None else httpx.Proxy(proxy, ssl_context=_for(proxy, context)),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=kept),
        )

    def _judge(
        self, error: Exception, departure: "_Departure", proxy: Proxy | None
    ) -> Exception | None:
        """What is to be said of a request that had no effect; None if the error says it."""
        untrusted = _cause(error, ssl.SSLCertVerificationError)
        whose = departure.host if proxy is None or departure.asked else proxy.named
        if untrusted is not None and departure.host not in self.network.worked:
            return _untrusted(whose, untrusted)
        if proxy is None or isinstance(error, httpx.LocalProtocolError):
            return None
        if isinstance(error, httpx.ProxyError) and not _NEVER.match(str(error)):
            return httpx.ProxyError(f"{proxy.named} answered: {words(error)}")
        if proxy.url in self.network.worked:
            return httpx.ProxyError(f"{proxy.named}: {words(error)}")
        if isinstance(error, httpx.ProxyError):
            return _refuse(proxy, departure.host, sanitize(error, 100))
        return proxy.setting.refuse(departure.problem(words(error), proxy))


def words(error: BaseException) -> str:
    """The system's reason for a failed connection, which httpx and anyio wrap."""
    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    if (tls := _cause(error, ssl.SSLError)) is not None:
        said = "TLS failed: " + re.sub(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$", "", str(tls))
    elif (failed := _cause(error, OSError)) is not None and failed.strerror:
        # A positive number is the system's; the text of asyncio is about sockets.
        number = failed.errno or 0
        said = os.strerror(number) if number > 0 else failed.strerror
    else:
        said = str(error)
    return sanitize(said, 160).rstrip(".") or "the connection broke"


@define(eq=False)
class _Departure:
    """How far a request has got, as httpcore traces it."""

    request: httpx.Request
    #: The connection to the proxy, or else to the server.
    _connection: httpcore.AsyncNetworkStream | None = field(default=None, init=False)
    #: Whether the proxy was asked for the way to the server, and whether that was open, too.
    asked: bool = field(default=False, init=False)
    _tunnelled: bool = field(default=False, init=False)
    _left: bool = field(default=False, init=False)
    _scope: asyncio.Timeout | None = field(default=None, init=False)
    _listener: Callable[[str, Mapping[str, Any]], Awaitable[None]] | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._listener = self.request.extensions.get("trace")
        self.request.extensions = {**self.request.extensions, "trace": self._trace}

    @property
    def host(self) -> str:
        """The host that is asked, also if the request is sent to one of its addresses."""
        name: str = self.request.extensions.get("sni_hostname", self.request.url.host)
        return name

    async def limit(self, work: Awaitable[T]) -> T:
        """Do the work, but raise `httpx.ConnectTimeout` if the request has not left in time."""
        timeouts: Mapping[str, float | None] = self.request.extensions.get("timeout", {})
        try:
            async with asyncio.timeout(timeouts.get("connect")) as self._scope:
                return await work
        except TimeoutError as error:
            raise httpx.ConnectTimeout("it took too long", request=self.request) from error

    async def close(self) -> None:
        """Close the connection of a request that failed, which httpcore forgets in some cases."""
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.aclose()

    def had_effect(self, proxy: Proxy | None) -> bool:
        """Whether a request that failed may have had one, or the server is to blame."""
        through = proxy is not None and self.request.url.scheme == "http"
        return self._left and not (through and self.request.method in _HARMLESS)

    def problem(self, reason: str, proxy: Proxy) -> str:
        """What is wrong with a proxy, as a part of a sentence."""
        if self._tunnelled:
            return f"through which {self.host} cannot be reached ({reason})"
        if self._connection is None:
            return f"where no proxy can be reached ({reason})"
        if proxy.url.scheme == "https" and not self.asked:
            return f"which is no https:// proxy ({reason}); most are http://"
        return f"where nothing answers as {_KIND[proxy.url.scheme]} does ({reason})"

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        match event.partition(".")[2]:
            case "connect_tcp.complete":
                self._connection = info["return_value"]
            case "setup_socks5_connection.started":
                self.asked = True
            case "start_tls.started":
                self._tunnelled = self.asked
            case "send_request_headers.started" if info["request"].method == b"CONNECT":
                self.asked = True
            case "send_request_headers.started":
                self._left = True
                if self._scope is not None:
                    self._scope.reschedule(None)
        if self._listener is not None:
            await self._listener(event, info)


_KIND = {"http": "an HTTP proxy", "https": "an HTTP proxy", "socks5": "a SOCKS 5 proxy"}

E = TypeVar("E", bound=BaseException)


def _cause(error: BaseException, kind: type[E]) -> E | None:
    """The innermost cause of a kind."""
    found, each = None, error
    while each is not None:
        found = each if isinstance(each, kind) else found
        each = each.__cause__ or each.__context__  # type: ignore[assignment]
    return found


def _for(url: httpx.URL, context: ssl.SSLContext) -> ssl.SSLContext | None:
    return context if url.scheme == "https" else None


def _refuse(proxy: Proxy, host: str, said: str) -> NetworkSettingsError:
    """The error for a proxy that will not let a request through."""
    problem = f"which refuses to connect to {host}: {said.rstrip('.')}"
    if not _NO_LOGIN.match(said):
        return proxy.setting.refuse(problem)
    name = proxy.setting.variable or "HTTPS_PROXY"
    scheme = proxy.url.scheme
    advice = (
        f"Set {name} to {scheme}://NAME:PASSWORD@HOST:PORT, with the name and password it wants."
    )
    return proxy.setting.refuse(problem, advice)


def _untrusted(whose: str, error: ssl.SSLCertVerificationError) -> NetworkSettingsError:
    clock = "Check the clock of this machine. " if error.verify_code in _WRONG_TIME else ""
    file = os.environ.get("SSL_CERT_FILE")
    now = f', which is "{sanitize(file, 100)}" now,' if file else ""
    return NetworkSettingsError(
        f"The certificate of {whose} is not trusted: {sanitize(error.verify_message, 160)}. {clock}"
        f"If your network inspects TLS, set SSL_CERT_FILE{now} to a PEM file with its certificates."
    )
