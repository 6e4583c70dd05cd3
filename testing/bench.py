"""
A bench: a provider and its emulator, several tasks at once, and a clock that is set by hand.

Where a `Stage` runs the real runner, a bench plays single flows, in any order and interleaved.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

import httpx
from attrs import define, field, frozen

from ..core.errors import Kling26Error, Unavailable
from ..core.http.client import ProviderClient
from ..core.provider import Flow, Provider
from ..core.request import VideoRequest
from ..core.status import Ticket
from ..sandbox import Conditions, EmulatedTask, Emulator
from ..sandbox.video import make_video
from .clock import run
from .conversation import next_request
from .emulation import SandboxLike, emulate
from .samples import MOST_REQUESTS, Endless
from .stage import EPOCH
from .usual import usual_request

T = TypeVar("T")

#: How long a task waits, and works, in seconds: until it is told to go on.
_FOREVER = 1e7
#: Not the key of a sandbox: nothing of it occurs anywhere else.
KEY = "zq7-Bench-4XwPk9"


@frozen
class Made:
    """A submitted task: what was asked for, the ticket, and what the emulator has of it."""

    request: VideoRequest
    ticket: Ticket
    task: EmulatedTask


@define
class Bench:
    """One provider on a bench; `now` is in seconds since the epoch."""

    provider: Provider
    emulator: Emulator
    client: ProviderClient
    now: float = EPOCH
    _asked: int = field(default=0, init=False)

    async def submit(self, *prompts: str, **fields: object) -> list[Made]:
        """One task for each prompt, all begun before the first of them is answered."""
        requests = [self._request(prompt, fields) for prompt in prompts]
        flows = [self.provider.submit(each, self.provider.Options()) for each in requests]
        before = len(self.emulator.accepted)
        tickets = await self.outcomes(flows)
        tasks = self.emulator.accepted[before:]
        for ticket in tickets:
            if isinstance(ticket, Kling26Error):
                raise ticket
        rows = zip(requests, tickets, tasks, strict=False)
        return [
            Made(request, ticket, task)
            for request, ticket, task in rows
            if isinstance(ticket, Ticket)
        ]

    async def outcomes(self, flows: Sequence[Flow[object]]) -> list[object]:
        """
        What each flow returns or raises, when they are all under way at once.

        Each is asked for its next request before any of them gets the reply to its last one.
        """
        players = [_Player(flow) for flow in flows]
        for player in players:
            player.advance(None)
        while waiting := [player for player in players if player.request is not None]:
            replies = [await self._exchange(player.request) for player in waiting]
            # The last first, so that the one that began last is not the one that goes on last.
            for player, reply in reversed(list(zip(waiting, replies, strict=True))):
                player.advance(reply)
        return [player.outcome for player in players]

    async def outcome(self, flow: Flow[object]) -> object:
        """What one flow returns or raises."""
        return (await self.outcomes([flow]))[0]

    async def overhear(self, flow: Flow[object], spoilt: bool = False) -> list[httpx.Response]:
        """
        The replies to a flow, without what it made of them.

        If `spoilt`, what it sends is replaced by an empty object.
        """
        player, replies = _Player(flow), list[httpx.Response]()
        player.advance(None)
        while player.request is not None:
            request = player.request
            reply = await self._exchange(_emptied(request) if spoilt else request)
            replies += [reply] if isinstance(reply, httpx.Response) else []
            player.advance(reply)
        return replies

    async def shows(self, url: object, task: EmulatedTask) -> bool:
        """Whether a URL leads to the video of this task."""
        try:
            reply = await self.client.client.get(str(url))
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return reply.status_code == 200 and reply.content == make_video(task.clip)

    def begin(self, task: EmulatedTask) -> None:
        """The service begins with a task."""
        task.starts = min(task.starts, self.now)
        self.emulator.tasks.save(task)

    def finish(self, task: EmulatedTask, failure: str | None = None) -> None:
        """The service is done with a task."""
        task.failure = failure
        self.emulator.settle(task.id)

    def _request(self, prompt: str, fields: dict[str, object]) -> VideoRequest:
        self._asked += 1
        url = f"https://me.example/hook/{self._asked}" if self.provider.takes_callback_url else None
        task = f"k26-{self._asked:016x}"
        given: dict[str, object] = {"callback_url": url, "task": task, **fields}
        return usual_request(self.provider, prompt, **given)

    async def _exchange(self, request: httpx.Request | None) -> httpx.Response | Kling26Error:
        assert request is not None
        if request.method != "GET" and (rate := self.emulator.rate):
            self.now += rate[1]  # Whatever the service's limit, it is kept.
        try:
            return await self.client.ask(_only(request))
        except Kling26Error as error:
            return error


class _Player:
    """A flow, and how far it has come."""

    def __init__(self, flow: Flow[object]) -> None:
        self._flow, self._turns = flow, 0
        self.request: httpx.Request | None = None
        self.outcome: object = None

    def advance(self, reply: httpx.Response | Kling26Error | None) -> None:
        self.request = None
        self._turns += 1
        if isinstance(reply, Kling26Error) and not isinstance(reply, Unavailable):
            self.outcome = reply
            return
        if self._turns > MOST_REQUESTS:
            self.outcome = Endless()
            return
        try:
            self.request = next_request(self._flow, reply)
        except StopIteration as stop:
            self.outcome = stop.value
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            self.outcome = error


def _emptied(request: httpx.Request) -> httpx.Request:
    """The same request; if it has a body, that is an empty object."""
    if not request.content:
        return request
    kept = {
        name: value
        for name, value in request.headers.items()
        if name not in ("content-length", "content-type", "transfer-encoding")
    }
    return httpx.Request(request.method, request.url, headers=kept, json={})


def _only(request: httpx.Request) -> Flow[httpx.Response]:
    return (yield request)


def on_bench(
    provider: Provider, sandbox: SandboxLike, work: Callable[[Bench], Coroutine[object, None, T]]
) -> T:
    """What `work` returns on a new bench."""

    async def worked() -> T:
        conditions = Conditions(clock=lambda: bench.now, queued=_FOREVER, running=_FOREVER)
        emulation = emulate(provider, sandbox, conditions)
        client = emulation.client(KEY)
        async with client.client:
            bench = Bench(provider, emulation.emulator, client)
            return await work(bench)

    return run(worked())
