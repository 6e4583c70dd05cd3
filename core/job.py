"""
A job: what this process does for one task, from its row in the journal to the stored video.

The steps are in modules of their own: `submission` pays once, `waiting` asks how it stands,
`delivery` fetches the video.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import stamina
from attrs import Factory, define, field

from . import delivery, submission, waiting
from .errors import (
    JournalError,
    NotDelivered,
    OutcomeUnknown,
    ProviderError,
    ResultUnavailable,
    TaskCancelled,
    TaskFailed,
    UsageError,
)
from .http import Courier
from .journal import Journal
from .pacing import Gate, now
from .progress import Listener, Phase, Progress
from .provider import Provider
from .request import VideoRequest
from .status import Status, Ticket
from .store import Store
from .task import Task, TaskState, write_ticket
from .text import sentence

T = TypeVar("T")

logger = logging.getLogger("kling26")


@define
class Bench:
    """What the jobs of a runner share: journal, store, download client, and the journal's thread."""

    journal: Journal
    store: Store
    downloads: httpx.AsyncClient
    in_thread: Callable[..., Awaitable[Any]]


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
    courier: Courier
    bench: Bench
    gate: Gate
    deadline: float
    usual_time: float | None = None
    listeners: list[Listener] = Factory(list)
    latest: Progress | None = None
    paying: bool = False
    _request: VideoRequest | None = field(default=None, alias="request")

    @property
    def id(self) -> str:
        return self.task.id

    async def run(self) -> Task:
        """Carry the task to its end; returns its row with the video stored, or raises why not."""
        try:
            ticket = self.task.read_ticket() or await submission.submit(self)
            return await self._collect(ticket)
        except (TaskFailed, NotDelivered, ProviderError, UsageError) as error:
            await self._end(error)
            raise error.about(
                task=self.id, provider=self.provider.name, task_id=self.task.task_id
            ) from error.__cause__

    async def _collect(self, ticket: Ticket) -> Task:
        status = Status("succeeded", url=self.task.url)
        if self.task.state != "succeeded" or status.url is None:
            status = await waiting.wait(self, ticket)
            await self.move(
                "succeeded", finished=self.clock(), url=status.url, cost=status.cost, error=None
            )
        path = await delivery.deliver(self, ticket, status)
        await self.move("stored", among=("succeeded",), file=str(path), worker=None, error=None)
        self.tell("stored")
        return self.task

    async def _end(self, error: Exception) -> None:
        """Write down how it ended, where that is known."""
        state: TaskState | None = None
        facts: dict[str, object] = {"error": str(error)}
        if isinstance(error, TaskFailed):
            state = "cancelled" if isinstance(error, TaskCancelled) else "failed"
            facts |= {"code": error.code, "finished": self.clock()}
        elif isinstance(error, OutcomeUnknown):
            state = "unknown"
        elif isinstance(error, ResultUnavailable):
            state = "succeeded"
        elif self.task.state == "submitting" and self.task.sending is None:
            state, facts["code"] = "refused", getattr(error, "code", None)
        if state is None or isinstance(error, JournalError):
            return
        await self.move(state, worker=None, **facts)
        self.drop_image()

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
            mark = self.task.wishes()["image"]
            image = mark if isinstance(mark, str) else None
            if self.task.image is not None:
                self._request = self.task.read_request(
                    await self.in_thread(self.bench.store.image, self.task.image)
                )
            else:
                self._request = self.task.read_request(image)
        return self._request

    async def in_thread(self, function: Callable[..., T], *args: Any, **values: Any) -> T:
        """Call something that waits for a disk or a database."""
        result: T = await self.bench.in_thread(function, *args, **values)
        return result

    async def move(self, state: TaskState, **values: Any) -> None:
        """
        Move the task's row, and this job's copy of it.

        A journal that is locked or full for a moment must not lose what was just learned.
        """
        async for attempt in stamina.retry_context(
            on=JournalError, attempts=8, timeout=None, wait_max=10
        ):
            with attempt:
                await self.in_thread(self.bench.journal.update, self.id, state, **values)
        await self.reload()

    async def reload(self) -> None:
        """Read the task's row again."""
        self.task = await self.in_thread(self.bench.journal.get, self.id)

    async def accept(self, ticket: Ticket) -> Ticket:
        """Write down what the provider gave: from here on the task is paid for and known."""
        try:
            await self.move(
                "submitted",
                ticket=write_ticket(ticket),
                task_id=ticket.task_id,
                submitted=self.clock(),
                sending=None,
                error=None,
            )
        except JournalError as error:
            raise OutcomeUnknown(
                f"{self.provider.title} took the task as {ticket.task_id}, and the journal could "
                f"not record it: {sentence(error)} Keep that id.",
                task_id=ticket.task_id,
            ) from error
        self.drop_image()
        self.tell("queued")
        return ticket

    def drop_image(self) -> None:
        if self.task.image is not None:
            self.bench.store.drop_image(self.task.image)

    def tell(self, phase: Phase, **facts: Any) -> None:
        """Let whoever listens know how far it is."""
        elapsed = None
        if self.task.submitted is not None:
            elapsed = max(0.0, self.clock() - self.task.submitted)
        progress = Progress(
            self.id,
            self.provider.name,
            phase,
            elapsed=elapsed,
            expected=self.usual_time,
            **facts,
        )
        self.latest = progress
        for listener in list(self.listeners):
            try:
                listener(progress)
            except Exception:
                # Whoever watches must not be able to break what was paid for.
                logger.exception("A progress listener failed.")

    def video_path(self) -> Path:
        return self.bench.store.video(self.id)
