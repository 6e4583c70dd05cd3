"""Cassettes from an emulator: it takes the service's place, and what it says is recorded."""

from collections.abc import Sequence

import httpx
from attrs import define, field
from vcr.request import Request  # type: ignore[import-untyped]

from ..core.hookspecs import Sandbox
from ..core.provider import Provider
from ..sandbox import Conditions, Fault
from .clock import VirtualLoop
from .emulation import Emulation, emulate
from .keeping import as_sent
from .stage import EPOCH
from .tape import Recording

#: How long a task is queued, and then runs, in seconds: until it was asked about in both.
_QUEUED, _RUNNING = 4.0, 6.0


@define
class Emulated:
    """An emulator, of which all that it is asked and says goes on `tape`."""

    emulation: Emulation
    tape: Recording = field(factory=Recording)
    #: The requests whose answers broke off: no cassette can have them.
    broken: list[str] = field(factory=list)
    _loop: VirtualLoop | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(
        cls, provider: Provider, sandbox: Sandbox, faults: Sequence[Fault], wrong_key: bool
    ) -> "Emulated":
        """The emulator of a provider; with a `wrong_key`, it knows none."""
        conditions = Conditions(queued=_QUEUED, running=_RUNNING, faults=list(faults))
        if wrong_key:
            conditions.keys = ()
        whole = cls(emulate(provider, sandbox, conditions))
        conditions.clock = whole.clock
        return whole

    @property
    def documents(self) -> str | None:
        """The URL of the documents that the emulator follows, if it says so."""
        return self.emulation.emulator.documents

    def begin(self, loop: VirtualLoop) -> None:
        """Go on in another loop, later than in the last one."""
        if self._loop is not None:
            loop.advance(max(0.0, self._loop.time() - loop.time()))
        self._loop = loop

    def clock(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + (0.0 if self._loop is None else self._loop.time())

    def transport(self) -> httpx.AsyncBaseTransport:
        return _Overheard(self.emulation.transport(), self)


class _Overheard(httpx.AsyncBaseTransport):
    """A transport, of which every exchange is kept."""

    def __init__(self, inner: httpx.AsyncBaseTransport, emulated: Emulated) -> None:
        self._inner, self._emulated = inner, emulated

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        try:
            reply = await self._inner.handle_async_request(request)
            content = await reply.aread()
        except httpx.TransportError:
            self._emulated.broken.append(f"{request.method} {request.url}")
            raise
        headers: dict[str, list[str]] = {}
        for name, value in reply.headers.multi_items():
            headers.setdefault(name, []).append(value)
        asked = Request(request.method, str(request.url), body, request.headers)
        said = {
            "status": {"code": reply.status_code, "message": reply.reason_phrase},
            "headers": headers,
            "body": {"string": content},
        }
        self._emulated.tape.exchanges.append({"request": as_sent(asked), "response": said})
        return httpx.Response(
            reply.status_code, headers=reply.headers, stream=httpx.ByteStream(content)
        )

    async def aclose(self) -> None:
        await self._inner.aclose()
