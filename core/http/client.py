"""
Runs the flows of providers: sends their requests, signed, and says clearly what went wrong.

What matters about a failure is whether the request can have had an effect. `Unreachable` means
that it cannot; `AnswerLost` means that it may, and contains whatever arrived of the answer.

Flows read answers exactly as they came; the key, which a provider may quote, is removed from the
errors that leave here.
"""

import logging
import platform
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NoReturn, TypeGuard, TypeVar

import httpx
import stamina
from attrs import define, field

from ..errors import (
    KeyRejected,
    Kling26Error,
    NetworkSettingsError,
    OutOfCredit,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
    Unreachable,
)
from ..keys import Key
from ..provider import Flow, Provider
from ..redaction import keep_out_of_logs, redact, redact_error
from ..settings import origin
from ..status import Realm, Ticket
from ..text import sanitize, summarize_body
from ..wire import find_identifier, parse
from . import addresses
from .concurrency import ProviderConcurrency
from .exchange import Answer, NotSent, describe, exchange
from .flows import drive
from .pacing import LONGEST_QUESTION_WAIT, RetryPolicy, now
from .patience import Patience

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("kling26")

#: Some gateways in front of kie.ai reject clients without a user agent of their own.
USER_AGENT = f"kling26 (python-httpx/{httpx.__version__}; Python {platform.python_version()})"

_READ = 30.0
_READ_PAID = 60.0
#: How long the addresses of a host may take to be found, in seconds.
_RESOLVE = 15.0
_THROTTLED = (429, 455)
#: What a status means under which nothing was accepted; any other is a `Refused`.
_NO: Mapping[int, type[Refused]] = {401: KeyRejected, 402: OutOfCredit}
#: The statuses that say so whatever the body is, and those of a request that may have been taken.
_CERTAIN = (401, 402, 404, 405, 411, 413, 414, 415, 431)
_UNCLEAR = (408, 409, 425, 499)
#: Requests by these methods do not pay.
_FREE = ("GET", "HEAD")


class AnswerLost(ProviderError):
    """The paid request was sent, but its answer is missing, truncated or unreadable."""

    def __init__(self, message: str, *, fragment: str, provider: str) -> None:
        super().__init__(message, provider=provider)
        self.fragment = fragment


def is_ticket(value: object) -> TypeGuard[Ticket]:
    """Whether a plug-in really returned a ticket, which the journal can record."""
    if not isinstance(value, Ticket) or not isinstance(value.task_id, str):
        return False
    texts = [value.task_id, *(text for pair in dict(value.data).items() for text in pair)]
    return bool(value.task_id.strip()) and all(map(_is_text, texts))


def _is_text(value: object) -> bool:
    """Whether it can be stored: no database takes a lone surrogate."""
    return isinstance(value, str) and value == value.encode("utf-8", "replace").decode()


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(parse(content), dict)
    except ValueError:
        return False


@define
class ProviderClient:
    """Runs a provider's flows: sends their requests, signing those to the provider's own hosts."""

    provider: Provider
    realm: Realm
    key: Key
    client: httpx.AsyncClient
    paid_client: httpx.AsyncClient
    concurrency: ProviderConcurrency = field(factory=ProviderConcurrency)
    _origins: frozenset[tuple[str, str | None, int | None]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        keep_out_of_logs(self.key.value)
        known = self.provider
        own = (known.base_url, known.upload_url, known.balance_url)
        self._origins = frozenset(origin(url) for url in own if url)

    def redact(self, text: str) -> str:
        """The text without the key."""
        return redact(text, self.key.value)

    # -- free flows ------------------------------------------------------------------------

    async def ask(self, flow: Flow[T]) -> T:
        """Run a flow whose requests are free and may be repeated."""
        with self._redacting():
            return await self._drive(flow, self._send_free)

    async def ask_until(
        self,
        deadline: Callable[[], float],
        flow: Callable[[], Flow[T]],
        on_wait: Callable[[Kling26Error, float], None] = lambda error, wait: None,
        *,
        hurried: bool = False,
    ) -> T:
        """
        `ask` until a deadline, retrying with a new flow where that may help.

        `on_wait` is told of each failure, and how many seconds later the next attempt follows; if
        it is `hurried`, others could do the same (see `RetryPolicy`).
        """
        temporary = (TryLater, Unreachable, Unavailable, UnexpectedReply)
        policy = RetryPolicy(
            deadline,
            temporary,
            on_wait,
            longest_wait=None if hurried else LONGEST_QUESTION_WAIT,
            hurried=hurried,
        )
        async for attempt in stamina.retry_context(on=policy, attempts=8, timeout=None):
            with attempt:
                try:
                    async with Patience(max(0.0, deadline() - now())):
                        return await self.ask(flow())
                except TimeoutError as error:
                    raise Unavailable(
                        f"{self.provider.title} did not answer in time.",
                        provider=self.provider.name,
                    ) from error
        raise AssertionError("stamina ends with a result or an error")

    # -- the flow that pays ----------------------------------------------------------------

    async def pay(
        self,
        flow: Flow[Ticket],
        before_sending: Callable[[], Awaitable[None]],
        keep: Callable[[Answer], Awaitable[None]],
        timeout: float = _READ_PAID,
        leaving: Callable[[], Awaitable[None]] | None = None,
    ) -> Ticket:
        """
        Run a flow that pays, once.

        `before_sending` is awaited before the paid request leaves, and `keep` with whatever arrives
        of its answer, before it is read; `timeout` limits the wait for it, in seconds. `leaving` is
        awaited when there is a connection; what it raises keeps the request from being sent. A
        second request that may pay is never sent. Raises `AnswerLost` if something may have been
        paid, and any other `ProviderError` only if certainly nothing was.
        """

        async def transmit(request: httpx.Request) -> Answer:
            await before_sending()
            longest = min(timeout, _READ_PAID)
            answer = await self._send(self.paid_client, request, longest, leaving)
            if answer.began:
                await keep(answer)
            return answer

        return await self._run_paying(flow, transmit)

    async def reread(self, flow: Flow[Ticket], answer: Answer) -> Ticket:
        """`pay`, with an answer that was kept instead of a request: nothing paid is sent."""

        async def transmit(_: httpx.Request) -> Answer:
            return answer

        return await self._run_paying(flow, transmit)

    async def _run_paying(
        self, flow: Flow[Ticket], transmit: Callable[[httpx.Request], Awaitable[Answer]]
    ) -> Ticket:
        paid: httpx.Response | None = None
        asked_since = False

        async def send(request: httpx.Request) -> httpx.Response:
            nonlocal paid, asked_since
            if request.method in _FREE:
                asked_since = paid is not None
                return await self._send_free(request)
            if paid is not None:
                raise self.provider.unexpected(paid, "its plug-in tried to pay a second time")
            await self._prepare(request)
            paid = self._whole(await transmit(request))
            return paid

        with self._redacting():
            try:
                return self._ticket(await self._drive(flow, send), paid)
            except Kling26Error as error:
                if paid is None or isinstance(error, AnswerLost):
                    raise
                # What a later request was answered says nothing about the paid one.
                if isinstance(error, TryLater | Refused) and not asked_since:
                    raise
                if paid.status_code in _THROTTLED and not self._names_task(paid):
                    raise self._throttled(paid) from error
                if (refusal := self._refusal(paid)) is not None:
                    raise refusal from error
                raise self._lost(str(error), paid.content) from error
            finally:
                with suppress(Exception):  # A plug-in may try to go on.
                    flow.close()

    def _names_task(self, paid: httpx.Response) -> bool:
        """Whether a task's id is in an answer, so that it is no mere request to wait."""
        name = self.provider.task_id_name
        return name is not None and find_identifier(paid.text, name) is not None

    def _refusal(self, paid: httpx.Response) -> Refused | None:
        """The "no" that the HTTP status says, where the flow could not read the body."""
        status = paid.status_code
        certain = 300 <= status < 400 or status in _CERTAIN
        # Of any other, what a plug-in finds unclear in a JSON body may be so.
        gateway = 400 <= status < 500 and status not in _UNCLEAR and not _is_json(paid.content)
        if not (certain or gateway) or self._names_task(paid):
            return None
        said = "redirects, which are not followed" if status < 400 else summarize_body(paid.content)
        return self.provider.error(_NO.get(status, Refused), paid, f"HTTP {status}. {said}")

    def _ticket(self, value: object, paid: httpx.Response | None) -> Ticket:
        """What the flow returned, if that is a ticket that was paid for."""
        if paid is None:
            raise self.provider.unexpected(httpx.Response(0), "its plug-in sent no paid request")
        if not is_ticket(value):
            raise self.provider.unexpected(paid, "its plug-in found no task id")
        return value

    def _whole(self, answer: Answer) -> httpx.Response:
        """The reply to a paid request, if all of it arrived and it is no server error."""
        reply = answer.reply
        if not answer.began:
            raise self._lost(f"no answer came ({answer.problem})", b"")
        if answer.problem is not None:
            raise self._lost(f"the answer was cut off ({answer.problem})", reply.content)
        if reply.is_server_error:
            said = f"it answered HTTP {reply.status_code}. {summarize_body(reply.content)}"
            raise self._lost(said, reply.content)
        return reply

    def _lost(self, reason: str, content: bytes) -> "AnswerLost":
        fragment = content.decode("utf-8", "replace")
        logger.info(
            "Lost an answer from %s: %s",
            self.provider.title,
            self.redact(f"{reason}; {sanitize(fragment)}"),
        )
        return AnswerLost(reason, fragment=fragment, provider=self.provider.name)

    # -- requests --------------------------------------------------------------------------

    async def _drive(
        self, flow: Flow[T], send: Callable[[httpx.Request], Awaitable[httpx.Response]]
    ) -> T:
        return await drive(flow, send, self.provider, self.redact)

    async def _send_free(self, request: httpx.Request) -> httpx.Response:
        await self._prepare(request)
        async with self.concurrency.questions.slot():  # Its time begins with its slot.
            answer = await self._send(self.client, request, _READ)
        reply = answer.reply
        if answer.problem is not None:
            raise Unavailable(
                f"{self.provider.title} did not answer ({answer.problem}).",
                provider=self.provider.name,
            )
        if reply.status_code in (408, *_THROTTLED):
            raise self._throttled(reply)
        if reply.is_server_error:
            raise Unavailable(
                f"{self.provider.title} is temporarily unavailable (HTTP {reply.status_code}).",
                reply=reply,
                provider=self.provider.name,
            )
        return reply

    async def _send(
        self,
        client: httpx.AsyncClient,
        request: httpx.Request,
        timeout: float,
        leaving: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:
        try:
            return await exchange(client, request, timeout, leaving)
        except NotSent as error:
            self._unreachable(str(error), error)
        except NetworkSettingsError as error:
            error.provider = self.provider.name
            raise

    async def _prepare(self, request: httpx.Request) -> None:
        request.headers.setdefault("User-Agent", USER_AGENT)
        request.headers.setdefault("Accept", "application/json")
        if self._is_own(request.url):
            self._sign(request)
        elif self.realm != "sandbox":
            await self._check_destination(request)

    def _is_own(self, url: httpx.URL) -> bool:
        try:
            return origin(str(url)) in self._origins
        except ValueError:  # A port that is none.
            return False

    def _sign(self, request: httpx.Request) -> None:
        try:
            self.provider.sign(request, self.key.value)
        except Kling26Error:
            raise
        except Exception as error:
            problem = "its plug-in cannot sign a request"
            raise self.provider.unexpected(httpx.Response(0), problem) from error

    async def _check_destination(self, request: httpx.Request) -> None:
        """A URL from a provider must not lead into the user's own network."""
        try:
            async with Patience(_RESOLVE):
                found = await addresses.resolve(request.url, local=self.realm == "loopback")
        except addresses.AddressRefused as error:
            raise UnexpectedReply(
                f"{self.provider.title} gave a URL that is not followed: {error}.",
                provider=self.provider.name,
            ) from error
        except (httpx.ConnectError, TimeoutError) as error:
            self._unreachable(describe(error), error)
        if found:
            addresses.pin(request, found[0])

    # -- errors ----------------------------------------------------------------------------

    def _unreachable(self, problem: str, error: Exception) -> NoReturn:
        raise Unreachable(
            f"{self.provider.title} cannot be reached ({problem}).", provider=self.provider.name
        ) from error

    def _throttled(self, reply: httpx.Response) -> TryLater:
        code = f"HTTP {reply.status_code}"
        return self.provider.error(TryLater, reply, "it asked us to wait", code)

    @contextmanager
    def _redacting(self) -> Iterator[None]:
        """Remove the key from an error that leaves here."""
        try:
            yield
        except Kling26Error as error:
            redact_error(error, self.key.value)
            raise
