"""Requests, sent to an emulator as the runner would send them."""

from collections.abc import Mapping, Sequence

import httpx
from attrs import field, frozen

from ...core.provider import Provider
from ...core.status import Ticket
from ...sandbox import Conditions, EmulatedTask
from ..clock import run
from ..emulation import SandboxLike, emulate
from ..stage import EPOCH
from ..wire_form import WireForm, wire_form
from .asking import Asked

#: The key with which requests are sent; the emulators take any.
KEY = "sandbox-key"


@frozen
class Sent:
    """What was asked for, what was sent, and what the emulator made of it."""

    asked: Asked
    outcome: object
    requests: Sequence[httpx.Request]
    #: The tasks that the emulator accepted.
    accepted: Sequence[EmulatedTask]
    #: What `upload` returned, by the name of the image.
    urls: Mapping[str, object] = field(factory=dict)

    @property
    def task(self) -> EmulatedTask | None:
        """The task, if there is one, and its ticket was returned."""
        return self.accepted[0] if self.taken else None

    @property
    def taken(self) -> bool:
        return isinstance(self.outcome, Ticket) and len(self.accepted) == 1

    @property
    def form(self) -> WireForm:
        """The paid request."""
        return wire_form(self.requests[-1])


def send_all(
    provider: Provider, sandbox: SandboxLike, asked: Sequence[tuple[Asked, object]]
) -> list[Sent]:
    """Each request with its options, to an emulator of its own, so that none is in the way."""

    async def work() -> list[Sent]:
        return [
            await _send(provider, sandbox, each.but("task", f"k26-{number:016x}"), options)
            for number, (each, options) in enumerate(asked)
        ]

    return run(work())


async def _send(provider: Provider, sandbox: SandboxLike, asked: Asked, options: object) -> Sent:
    emulation = emulate(provider, sandbox, Conditions(clock=lambda: EPOCH))
    seen: list[httpx.Request] = []
    client = emulation.client(KEY, _Overheard(emulation.transport(), seen))
    urls: dict[str, object] = {}
    try:
        request = asked.request
        if provider.can("upload"):
            for name, file in request.files.items():
                urls[name] = await client.ask(provider.upload(file))
            request = request.with_urls(**{name: str(url) for name, url in urls.items()})
        outcome: object = await client.ask(provider.submit(request, options))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
        outcome = error
    finally:
        await client.client.aclose()
    return Sent(asked, outcome, seen, emulation.emulator.accepted, urls)


class _Overheard(httpx.AsyncBaseTransport):
    """A transport that keeps the requests that go through it."""

    def __init__(self, inner: httpx.AsyncBaseTransport, seen: list[httpx.Request]) -> None:
        self._inner, self._seen = inner, seen

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self._seen.append(request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
