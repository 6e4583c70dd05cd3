"""
A job: what this process does for one task, from its row in the journal to the stored video.

The steps are in modules of their own: `submission` pays once, `waiting` asks how it stands,
`delivery` fetches the video.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import stamina
from attrs import Factory, define, evolve, field

from ..errors import (
    JournalError,
    Kling26Error,
    OutcomeUnknown,
    ResultUnavailable,
    TaskCancelled,
    TaskFailed,
    UnknownTask,
)
from ..http.client import ProviderClient
from ..http.pacing import RateLimiter, now
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import Task, TaskState, write_ticket
from ..progress import Listener, Phase, Progress
from ..provider import Provider
from ..request import VideoRequest
from ..status import Status, Ticket
from ..text import sanitize, sentence
from . import fetch, poll, submit

T = TypeVar("T")

logger = logging.getLogger("kling26")


#: Calls a function of the journal in the one thread that it has.
InThread = Callable[..., Awaitable[Any]]


@define
class Bench:
    """What the jobs of a runner share: journal, store, download client, the journal's thread."""

    journal: Journal
    store: Store
    downloads: httpx.AsyncClient
    in_thread: InThread


@define(eq=False)
class Job:
    """
    One task in this process's hands.

    `deadline` (on the event loop's clock) bounds the submission alone: whatever has been paid
    for goes on as long as the process does.
    """

    task: Task
    provider: Provider
    options: object
    courier: ProviderClient
    bench: Bench
    gate: RateLimiter
    deadline: float
    usual_time: float | None = None
    listeners: list[Listener] = Factory(list)
    #: Whether a paid request is in flight.
    paying: bool = field(default=False, init=False)
    latest: Progress | None = field(default=None, init=False)
    _request: VideoRequest | None = field(default=None, init=False)
    #: What was learned and could not be written down yet.
    _unwritten: dict[str, Any] = field(factory=dict, init=False)

    @property
    def id(self) -> str:
        return self.task.id

    async def run(self) -> Task:
        """Carry the task to its end; returns its row with the video stored, or raises why not."""
        try:
            ticket = self.task.read_ticket() or await submit.submit(self)
            return await self._collect(ticket)
        except Kling26Error as error:
            await self._end(error)
            raise error.about(
                task=self.id, provider=self.provider.name, task_id=self.task.task_id
            ) from error.__cause__

    async def _collect(self, ticket: Ticket) -> Task:
        status = Status("succeeded", url=self.task.url)
        if self.task.state != "succeeded" or not status.url:
            status = await poll.wait(self, ticket)
            cost = self._cost(status)
            await self.learn("succeeded", finished=self.clock(), url=status.url, **cost)
        path, url = await fetch.deliver(self, ticket, status)
        await self.learn("stored", file=str(path), url=url, worker=None)
        self.tell("stored")
        return self.task

    def _cost(self, status: Status) -> dict[str, object]:
        """What the video took and in which unit, where told; what is known already stays."""
        if status.cost is None:
            return {}
        unit = sanitize(status.cost_unit or self.provider.cost_unit, 40)
        return {"cost": status.cost, "cost_unit": unit}

    async def _end(self, error: Kling26Error) -> None:
        """Write down how it ended, where that is known."""
        if isinstance(error, TaskFailed):
            state: TaskState = "cancelled" if isinstance(error, TaskCancelled) else "failed"
        elif isinstance(error, OutcomeUnknown):
            state = "unknown"
        elif isinstance(error, ResultUnavailable):
            state = "succeeded"
        elif self.task.state == "submitting" and self.task.sending is None:
            if isinstance(error, JournalError):
                return
            state = "refused"
            error.message = f"{sentence(error, 1000)} Nothing was paid."
        else:
            return
        await self.learn(state, error=str(error), code=error.code, worker=None)

    # -- what the steps use ----------------------------------------------------------------

    @property
    def clock(self) -> Callable[[], float]:
        """Wall-clock time, for what is written down."""
        return self.bench.journal.clock

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - now()

    async def request(self) -> VideoRequest:
        """What was asked for, with the kept picture."""
        if self._request is None:
            if self.task.image is not None:
                image = await asyncio.to_thread(self.bench.store.image, self.task.image)
                self._request = self.task.read_request(image)
            else:
                self._request = self.task.read_request(self.task.image_url())
        return self._request

    async def in_thread(self, function: Callable[..., T], *args: Any, **values: Any) -> T:
        """Call the journal, off the event loop."""
        result: T = await self.bench.in_thread(function, *args, **values)
        return result

    async def cancelled_elsewhere(self) -> bool:
        """Whether another process has cancelled the task meanwhile."""
        try:
            row = await self.in_thread(self.bench.journal.get, self.id)
        except (JournalError, UnknownTask):
            return False  # What is paid for goes on, whatever has become of the journal.
        return bool(row.state == "cancelled")

    async def leave(self) -> bool:
        """Commit that the paid request leaves now; False if that is another worker's to do."""
        journal = self.bench.journal
        send = journal.send if self.task.sending is None else journal.send_again
        ours = await self.in_thread(send, self.id)
        if ours:
            attempts = self.task.attempts + 1
            self.task = evolve(self.task, sending=self.clock(), attempts=attempts)
        return ours

    async def take_back(self) -> None:
        """Commit that the paid request certainly had no effect."""
        self.task = evolve(self.task, sending=None)
        await self.in_thread(self.bench.journal.unsend, self.id)

    async def accept(self, ticket: Ticket) -> Ticket:
        """Write down what the provider gave: from here on the task is paid for and known."""
        await self.learn(
            "submitted",
            ticket=write_ticket(ticket),
            task_id=ticket.task_id,
            submitted=self.clock(),
            sending=None,
        )
        self.tell("queued")
        return ticket

    async def learn(self, state: TaskState, **facts: Any) -> None:
        """
        Move the task, and write down what was learned with it.

        A journal that cannot be written must not lose what has been paid for: the job goes on
        with what it knows, says so, and writes it down at the next step.
        """
        self._unwritten |= {"error": None, "code": None, **facts}
        self.task = evolve(self.task, state=state, **self._unwritten)
        try:
            await self._write(state)
        except JournalError as error:
            known = f" as {self.task.task_id}" if self.task.task_id else ""
            self.tell(
                "note",
                message=f"{sentence(error)} This is task {self.id}, which "
                f"{self.provider.title} knows{known}; it goes on.",
            )
        else:
            self._unwritten.clear()

    async def _write(self, state: TaskState) -> None:
        async for attempt in stamina.retry_context(
            on=JournalError, attempts=6, timeout=None, wait_initial=0.2, wait_max=5
        ):
            with attempt:
                await self.in_thread(self.bench.journal.update, self.id, state, **self._unwritten)
                await self.in_thread(self._drop_image)

    def _drop_image(self) -> None:
        """Forget the kept picture when neither this nor another task will send it again."""
        name = self.task.image
        if name is not None and not self.bench.journal.needs_image(name):
            self.bench.store.drop_image(name)

    def tell(self, phase: Phase, **facts: Any) -> None:
        """Let whoever listens know how far it is."""
        elapsed = None
        if self.task.submitted is not None:
            elapsed = max(0.0, self.clock() - self.task.submitted)
        self.latest = Progress(
            self.id,
            self.provider.name,
            phase,
            elapsed=elapsed,
            expected=self.usual_time,
            **facts,
        )
        for listener in list(self.listeners):
            try:
                listener(self.latest)
            except Exception:
                # Whoever watches must not be able to break what was paid for.
                logger.exception("A progress listener failed.")

    def tell_again(self, message: str) -> None:
        """A remark on the phase it is in."""
        self.tell(self.latest.phase if self.latest else "running", message=message)
