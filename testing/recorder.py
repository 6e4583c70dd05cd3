"""Samples from an emulator: every flow of a provider, played to it."""

from hashlib import sha256
from typing import TypeVar

import httpx

from ..core.errors import Kling26Error, Unavailable
from ..core.images import ImageFile
from ..core.provider import Flow, Provider
from ..core.status import Status, Ticket
from ..sandbox import Conditions, Fault, FaultName
from .conversation import next_request
from .emulation import SandboxLike, emulate, serve
from .samples import MOST_REQUESTS, TASK, CancelAttempt, Endless, Samples, start
from .stage import EPOCH
from .usual import PROMPT, usual_request

T = TypeVar("T")

#: How long a task waits, and then works, in seconds.
_QUEUED, _RUNNING = 20.0, 40.0


async def record(
    provider: Provider, sandbox: SandboxLike, image: ImageFile | None, served: bool = False
) -> Samples:
    """
    Plays a task in each of its states, and every other flow.

    The emulator is in place of the provider's hosts or, if `served`, on a server, under a path.
    """
    recorder = _Recorder(provider, sandbox, served)
    try:
        await recorder.life_of_a_task()
        if "submit" not in recorder.samples.errors:
            await recorder.other_flows(image)
    finally:
        await recorder.client.client.aclose()
    return recorder.samples


class _Recorder:
    def __init__(self, provider: Provider, sandbox: SandboxLike, served: bool) -> None:
        self.now = EPOCH
        conditions = Conditions(clock=lambda: self.now, queued=_QUEUED, running=_RUNNING)
        emulation = (serve if served else emulate)(provider, sandbox, conditions)
        self.conditions, self.emulator = emulation.conditions, emulation.emulator
        self.provider = emulation.provider
        self.client = emulation.client()
        self.samples = Samples(Ticket("task-1"), sign_call=self.emulator.sign_call)

    async def life_of_a_task(self) -> None:
        """A task from its submit to its end."""
        ticket = await self._play("submit", self._submit(PROMPT, TASK))
        if not isinstance(ticket, Ticket):
            return
        self.samples.ticket = ticket
        self._fault("poll_unknown_state")
        await self._play("unknown", self.provider.poll(ticket))
        await self._play("queued", self.provider.poll(ticket))
        if self.provider.can("find"):
            await self._play("find", start(self.provider, "find", ticket))
        self.now += _QUEUED + 1
        await self._play("running", self.provider.poll(ticket))
        self.now += _RUNNING + 1
        done = await self._play("succeeded", self.provider.poll(ticket))
        self.samples.callbacks += [body for _, body in self.emulator.callbacks]
        if self.provider.can("renew") and isinstance(done, Status) and done.url:
            await self._play("renew", self.provider.renew(ticket, done.url))

    async def other_flows(self, image: ImageFile | None) -> None:
        """A task that fails, tasks that are cancelled, and the flows that need no task."""
        ticket = await self._ask(self._submit(f"{PROMPT} again"))
        self.now += _QUEUED + _RUNNING + 1
        self._fault("failed_task")
        self.samples.tickets["failed"] = ticket
        await self._play("failed", self.provider.poll(ticket))
        if self.provider.can("cancel"):
            await self._cancel("running", _QUEUED + 1)
            await self._cancel("queued", 0.0)
        if self.provider.can("quote"):
            await self._play("quote", start(self.provider, "quote", ticket))
        if self.provider.can("balance"):
            await self._play("balance", self.provider.balance())
        if self.provider.can("upload") and image is not None:
            await self._play("upload", self.provider.upload(image))

    async def _cancel(self, state: str, wait: float) -> None:
        ticket = await self._ask(self._submit(f"{PROMPT}, {state}"))
        self.now += wait
        self.samples.values.pop("cancel", None)
        returned = await self._play("cancel", self.provider.cancel(ticket))
        cancelled = self.emulator.accepted[-1].phase(self.now) == "cancelled"
        attempt = CancelAttempt(state, returned, cancelled)
        try:
            attempt.polled = await self._ask(self.provider.poll(ticket))
        except Kling26Error as error:
            attempt.polled = error
        self.samples.cancels.append(attempt)

    def _fault(self, fault: FaultName) -> None:
        self.conditions.faults.append(Fault(fault))

    def _submit(self, prompt: str, task: str = "") -> Flow[Ticket]:
        # As the runner does, give every task an id of its own.
        number = str(len(self.emulator.accepted)).encode()
        task = task or f"k26-{sha256(number).hexdigest()[:16]}"
        url = "https://me.example/hook" if self.provider.takes_callback_url else None
        request = usual_request(self.provider, prompt, callback_url=url, task=task)
        return self.provider.submit(request, self.provider.Options())

    async def _ask(self, flow: Flow[T]) -> T:
        return await self.client.ask(_overheard(flow, []))

    async def _play(self, name: str, flow: Flow[object]) -> object:
        """Play a flow to the emulator; keeps its replies, its value, and what it raised."""
        replies: list[httpx.Response] = []
        before = len(self.emulator.accepted)
        try:
            self.samples.values[name] = await self.client.ask(_overheard(flow, replies))
        except Kling26Error as error:
            self.samples.errors[name] = error
        finally:
            self.conditions.faults.clear()
            self.samples.accepted[name] = len(self.emulator.accepted) - before
        if replies:
            self.samples.replies[name] = replies
        return self.samples.values.get(name)


def _overheard(flow: Flow[T], replies: list[httpx.Response]) -> Flow[T]:
    """The same flow; its replies are added to `replies`."""
    reply: httpx.Response | Unavailable | None = None
    for _ in range(MOST_REQUESTS):
        try:
            request = next_request(flow, reply)
        except StopIteration as stop:
            value: T = stop.value
            return value
        try:
            reply = yield request
            replies.append(reply)
        except Unavailable as trouble:
            reply = trouble
            replies += [trouble.reply] if trouble.reply else []
    raise Endless
