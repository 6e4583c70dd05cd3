"""
What really happened, as the providers know it: who submitted what, and which answers arrived.

The emulators are served over HTTP by the storm's own process. Three in ten answers have a fault.
"""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal

from attrs import Factory, define
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import (
    FAULTS_BY_STEP,
    Conditions,
    EmulatedTask,
    Emulator,
    Fault,
    FaultName,
    Server,
    Step,
    build_site,
)
from kling26.sandbox.server import dropping_protocol
from kling26.sandbox.video import make_video
from starlette.types import Message, Receive, Scope, Send

RATE = 0.3
#: Ordered by a word in the prompt instead: a fault may wait for a long time until it shows.
NOT_ORDERED: tuple[FaultName, ...] = ("failed_task",)
SUBMITS = ("createTask", "text2video", "image2video", "-video")
#: How long these faults take here, in seconds, so that a run takes minutes.
SECONDS: dict[FaultName, float] = {"slow": 10.0, "slow_download": 0.3, "late_url": 2.0}

Moment = Literal["arrives", "answered"]


@define(eq=False)
class Exchange:
    """A paid request and its answer. Times are those of `time.monotonic`."""

    provider: str
    caller: str
    body: bytearray = Factory(bytearray)
    status: int = 0
    answer: bytearray = Factory(bytearray)
    #: When the last byte of the answer had been written to the connection.
    written: float | None = None
    #: When the connection was closed, and whether it was reset: by a caller that had not read all.
    hung_up: float | None = None
    reset: bool = False

    @property
    def prompt(self) -> str:
        """The prompt; empty if the body did not arrive."""
        try:
            fields: Any = json.loads(bytes(self.body))
        except ValueError:
            return ""
        return str(fields.get("prompt") or fields.get("input", {}).get("prompt", ""))


class Truth:
    """
    The served emulators, and what they saw.

    `notify(caller, step, moment)` is called in the server's thread when a request arrives and when
    its answer has been written.
    """

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311
        sandboxes = load_sandboxes()
        self.site = build_site(sandboxes.values(), Conditions(queued=1.0, running=6.0))
        self.emulators: dict[str, Emulator] = {}
        for name, app in self.site.apps.items():
            assert isinstance(app, Emulator)
            self.emulators[name] = app
        self.exchanges: list[Exchange] = []
        #: The videos that were fetched, by provider and its id: two of them spell ids alike.
        self._videos: dict[tuple[str, str], bytes] = {}
        self.notify: Callable[[str, Step, Moment], object] = lambda *_: None
        self._open: defaultdict[tuple[str, int], list[Exchange]] = defaultdict(list)
        self._gone: set[tuple[str, int]] = set()

    def server(self) -> Server:
        """A server of the emulators."""
        return Server(self, protocol=self._protocol())

    @property
    def accepted(self) -> list[tuple[str, EmulatedTask]]:
        """What the providers would charge for, by provider."""
        return [(name, task) for name, app in self.emulators.items() for task in app.accepted]

    def video(self, provider: str, task: EmulatedTask) -> bytes:
        """The whole video of a task."""
        return self._videos.get((provider, task.id)) or make_video(task.clip)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        provider, step = scope["path"].split("/")[1], step_of(scope["method"], scope["path"])
        peer, caller = tuple(scope["client"]), scope["client"][0]
        self._order_fault(provider, step)
        exchange = Exchange(provider, caller)
        if step == "submit":
            self.exchanges.append(exchange)
            self._open[peer].append(exchange)
        self.notify(caller, step, "arrives")

        async def reading() -> Message:
            message = await receive()
            exchange.body.extend(message.get("body", b""))
            return message

        async def writing(message: Message) -> None:
            await send(message)
            exchange.status = message.get("status", exchange.status)
            if step != "submit":
                return
            exchange.answer.extend(message.get("body", b""))
            ended = message["type"] == "http.response.body" and not message.get("more_body")
            if ended and peer not in self._gone:
                exchange.written = time.monotonic()

        await self.site(scope, reading, writing)
        self.notify(caller, step, "answered")
        if step == "download":
            self._remember(provider, scope["path"])

    def _order_fault(self, provider: str, step: Step) -> None:
        steps: tuple[Step, ...] = ("poll", "end") if step == "poll" else (step,)
        conditions = self.site.conditions[provider]
        if self._dice.random() >= RATE or any(map(conditions.next_fault, steps)):
            return
        names = [name for each in steps for name in FAULTS_BY_STEP[each]]
        name = self._dice.choice([name for name in names if name not in NOT_ORDERED])
        conditions.faults.append(Fault(name, seconds=SECONDS.get(name)))

    def _remember(self, provider: str, path: str) -> None:
        task = self.emulators[provider].tasks.find(path.rpartition("/")[2].removesuffix(".mp4"))
        if task is not None and (provider, task.id) not in self._videos:
            self._videos[provider, task.id] = make_video(task.clip)

    def _protocol(self) -> type[asyncio.Protocol]:
        base: Any = dropping_protocol()
        truth = self

        class WatchedProtocol(base):  # type: ignore[misc]
            def connection_made(self, transport: asyncio.Transport) -> None:
                super().connection_made(transport)
                truth._gone.discard(self.client)

            def connection_lost(self, exc: Exception | None) -> None:
                truth._gone.add(self.client)
                for exchange in truth._open.pop(self.client, ()):
                    exchange.hung_up, exchange.reset = time.monotonic(), exc is not None
                super().connection_lost(exc)

        return WatchedProtocol


def step_of(method: str, path: str) -> Step:
    """The step of a task's life that a request belongs to."""
    if "upload" in path:
        return "upload"
    if "/results/" in path or path.endswith("/elsewhere"):
        return "download"
    return "submit" if method == "POST" and path.endswith(SUBMITS) else "poll"
