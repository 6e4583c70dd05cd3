"""
A task in this process's hands: what each step of a job may know and do.

The steps are `submit`, `poll` and `fetch`; only `job` knows their order.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Unpack

import httpx
from attrs import Factory, define, evolve, field

from ..errors import JournalBusy, JournalError, UnknownTask
from ..http.client import ProviderClient
from ..http.pacing import RateLimiter, backoff, now
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.rows import Changes
from ..journal.task import Task, TaskState
from ..progress import Listener, Phase, Progress
from ..provider import Provider
from ..request import VideoRequest
from ..status import Status, Ticket
from ..text import sentence

logger: logging.Logger = logging.getLogger("kling26")

#: How often a change is tried to be written down, before the task goes on without.
_ATTEMPTS = 6


@define(eq=False)
class JobContext:
    """
    One task, whom it concerns, and who listens.

    `deadline` (on the event loop's clock) bounds the submission alone: whatever has been paid
    for goes on as long as the process does. `usual_time` is what such videos took lately, in
    seconds.
    """

    task: Task
    provider: Provider
    options: object
    client: ProviderClient
    downloads: httpx.AsyncClient
    limiter: RateLimiter
    journal: Journal
    store: Store
    deadline: float
    usual_time: float | None = None
    listeners: list[Listener] = Factory(list)
    #: Whether a paid request is in flight, or its answer not yet in the journal.
    paying: bool = field(default=False, init=False)
    latest: Progress | None = field(default=None, init=False)
    _request: VideoRequest | None = field(default=None, init=False)
    #: What was learned and could not be written down yet.
    _unwritten: Changes = field(factory=Changes, init=False)

    # -- what is known ---------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def ticket(self) -> Ticket | None:
        """What the provider gave for the task; None before it is known to have taken it."""
        return self.task.ticket

    @property
    def result(self) -> Status | None:
        """The status of a task that succeeded before and has a URL, so that nobody need ask."""
        if self.task.state == "succeeded" and self.task.url:
            return Status("succeeded", url=self.task.url)
        return None

    @property
    def clock(self) -> Callable[[], float]:
        """Wall-clock time, for what is written down."""
        return self.journal.clock

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - now()

    async def request(self) -> VideoRequest:
        """What was asked for, with the kept picture."""
        if self._request is None:
            name = self.task.image_file
            kept = None if name is None else await asyncio.to_thread(self.store.load_image, name)
            self._request = self.task.request(kept)
        return self._request

    async def cancelled_elsewhere(self) -> bool:
        """Whether another process has cancelled the task meanwhile."""
        try:
            row = await self.journal.get(self.id)
        except (JournalError, UnknownTask):
            return False  # What is paid for goes on, whatever has become of the journal.
        return row.state == "cancelled"

    # -- what changes ----------------------------------------------------------------------

    async def mark_sent(self) -> bool:
        """Commit that the paid request leaves now; False if that is another worker's to do."""
        first = self.task.sending is None
        mark = self.journal.mark_sent if first else self.journal.mark_sent_again
        ours = await mark(self.id)
        if ours:
            attempts = self.task.attempts + 1
            self.task = evolve(self.task, sending=self.clock(), attempts=attempts)
        return ours

    async def mark_unsent(self) -> None:
        """Commit that the paid request certainly had no effect."""
        self.task = evolve(self.task, sending=None)
        await self.journal.mark_unsent(self.id)

    async def accept(self, ticket: Ticket) -> Ticket:
        """Write down what the provider gave: from here on the task is paid for and known."""
        try:
            await self.move("submitted", ticket=ticket, submitted=self.clock(), sending=None)
        finally:
            self.paying = False
        self.report("queued")
        return ticket

    async def move(self, state: TaskState, **changes: Unpack[Changes]) -> None:
        """
        Move the task, and write down what was learned with it.

        A journal that cannot be written must not lose what has been paid for: the task goes on
        with what is known, says so, and is written down at the next step.
        """
        self._unwritten |= {"error": None, "code": None, "remedy": None}
        self._unwritten |= changes
        self.task = evolve(self.task, state=state, **self._unwritten)
        try:
            await self._write(state)
        except JournalError as error:
            known = f" as {self.task.task_id}" if self.task.task_id else ""
            self.report(
                "note",
                message=f"{sentence(error)} {self.provider.title} has the video{known}; "
                f"task {self.id} goes on.",
            )
        else:
            self._unwritten = Changes()

    async def _write(self, state: TaskState) -> None:
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._write_once(state)
            except JournalBusy:
                raise  # It was waited for as long as is any use.
            except JournalError:
                await asyncio.sleep(backoff(attempt) / 5)
        return await self._write_once(state)

    async def _write_once(self, state: TaskState) -> None:
        await self.journal.update(self.id, state, **self._unwritten)
        await self._delete_image()

    async def _delete_image(self) -> None:
        """Forget the kept picture when neither this nor another task will send it again."""
        name = self.task.image_file
        if name is not None and not await self.journal.needs_image(name):
            self.store.delete_image(name)

    # -- who listens -----------------------------------------------------------------------

    def report(self, phase: Phase, **facts: Any) -> None:
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

    def report_message(self, message: str) -> None:
        """Report the phase again, with a sentence."""
        self.report(self.latest.phase if self.latest else "running", message=message)
