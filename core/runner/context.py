"""
The context of a job: what its steps know about the task, and what they can do with it.

The steps are `submit`, `poll` and `fetch`; only `job` knows their order.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Unpack

import httpx
from attrs import Factory, define, evolve, field

from ..errors import JournalBusy, JournalError, Kling26Error, UnknownTask
from ..events import Events
from ..http.client import ProviderClient
from ..http.pacing import backoff, now
from ..images import ImageFile
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.receipts import Receipts
from ..journal.rows import Changes
from ..journal.task import NO_FILES, Owner, Task, TaskState
from ..progress import Listener, Phase, Progress
from ..provider import Provider
from ..rehearsal import of_money
from ..request import ImageOption, VideoRequest
from ..status import Status, Ticket
from ..text import sentence, span
from .answers import PaidAnswers
from .habits import Habits
from .history import History
from .limiter import Limiters, RateLimiter
from .order import Target
from .pictures import drop_pictures, load_pictures
from .prices import Prices
from .terms import FREELY, Terms
from .video import VideoChecker

logger: logging.Logger = logging.getLogger("kling26")


class TakenOver(Exception):
    """Another worker runs the task now, so this one has to leave it alone."""


#: How many times a change is written to the journal before the task continues without it.
_ATTEMPTS = 6


@define(eq=False)
class JobContext:
    """
    One task, what is needed to run it, and who listens.

    Whatever changes the task raises `TakenOver` once another worker owns it.

    `deadline` (on the event loop's clock) limits only the submission: a task that has been paid for
    runs as long as the process does.
    """

    task: Task
    owner: Owner
    target: Target
    checker: VideoChecker
    events: Events
    prices: Prices
    journal: Journal
    store: Store
    limiters: Limiters
    history: History
    deadline: float
    #: How long the provider's videos take, as far as that is known.
    habits: Habits = Factory(Habits)
    #: Whether other providers could make it too, so that this one is not waited for for long.
    hurried: bool = False
    #: Whether the provider could only be waited for beyond the deadline.
    too_late: bool = field(default=False, init=False)
    #: The pictures that the caller has; any other is loaded from where it was saved.
    files: Mapping[ImageOption, ImageFile] = NO_FILES
    #: Room for uploads: each has its picture in memory several times over.
    uploading: asyncio.Semaphore = Factory(lambda: asyncio.Semaphore(1))
    #: On what terms it may be paid for.
    terms: Terms = FREELY
    listeners: list[Listener] = Factory(list)
    #: How the answer to a paid request was lost, which may have been accepted; None if none was.
    lost: str | None = field(default=None, init=False)
    #: Whether the user let it be submitted again although an answer was lost.
    resubmitted: bool = field(default=False, init=False)
    #: What was answered to the paid requests, until the journal has it.
    answers: PaidAnswers = field(init=False)
    #: Whether a paid request is in flight, or its answer is not in the journal yet.
    paying: bool = field(default=False, init=False)
    latest: Progress | None = field(default=None, init=False)
    #: Whether anybody in this process waits for the video, and not only until the task is taken.
    wanted: bool = field(default=False, init=False)
    #: Set once the provider has taken the task, and the journal says so.
    taken: asyncio.Event = field(factory=asyncio.Event, init=False)
    #: Whether its task has been cancelled, and is nobody's job any more.
    left: bool = field(default=False, init=False)
    #: Whether the video is in the store.
    stored: bool = field(default=False, init=False)
    #: Why the provider's last answer could not be read, if it could not.
    unreadable: str | None = field(default=None, init=False)
    _request: VideoRequest | None = field(default=None, init=False)
    #: Changes that could not be written to the journal yet.
    _unwritten: Changes = field(factory=Changes, init=False)
    #: Whether the journal says that the paid request has left, which may be out of date.
    _row_is_sent: bool = field(init=False)

    @_row_is_sent.default
    def _sent_before(self) -> bool:
        return self.task.sending is not None

    @answers.default
    def _kept_answers(self) -> PaidAnswers:
        return PaidAnswers(self.task, Receipts(self.store), self.client.key, self.clock)

    # -- reading ---------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def provider(self) -> Provider:
        """Who makes the video."""
        return self.target.provider

    @property
    def options(self) -> object:
        """The provider's own options."""
        return self.target.options

    @property
    def client(self) -> ProviderClient:
        """The client for the provider's flows."""
        return self.target.client

    @property
    def downloads(self) -> httpx.AsyncClient:
        """The client that downloads the video."""
        return self.target.clients.downloads(self.target.realm)

    @property
    def limiter(self) -> RateLimiter:
        """The rate limiter for the provider's submissions."""
        return self.limiters.limiter(self.target.realm, self.provider)

    @property
    def ticket(self) -> Ticket | None:
        """The provider's ticket; None until it is known to have accepted the task."""
        return self.task.ticket

    @property
    def result(self) -> Status | None:
        """The status of a task that has already succeeded and has a URL, so need not be polled."""
        if self.task.state == "succeeded" and self.task.url:
            return Status("succeeded", url=self.task.url)
        return None

    @property
    def clock(self) -> Callable[[], float]:
        """The wall clock, for times in the journal."""
        return self.journal.clock

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - now()

    @property
    def elapsed(self) -> float | None:
        """Seconds since the provider took the task; None if it is not known to have."""
        submitted = self.task.submitted
        return None if submitted is None else max(0.0, self.clock() - submitted)

    async def learn(self) -> None:
        """Find out how long the provider's videos take."""
        self.habits = await self.history.habits(self.provider.name, self.target.realm)

    async def request(self) -> VideoRequest:
        """The request as it is sent; raises `PictureMissing`."""
        if self._request is None:
            self._request = self.task.request(await self.pictures())
        return self._request

    async def pictures(self) -> Mapping[ImageOption, ImageFile]:
        """The pictures that were given as files; raises `PictureMissing`."""
        return await load_pictures(self.store, self.task, self.files)

    def without_key(self, url: str | None) -> str | None:
        """A URL, unless the provider has put the key into it: it can be asked for another time."""
        return url if url is None or self.client.redact(url) == url else None

    async def check_owner(self) -> None:
        """Raise `TakenOver` if this worker does not own the task any more."""
        with suppress(JournalError):  # A paid task continues even if the journal fails.
            row = await self.journal.get(self.id)
            if row.owner != self.owner:
                self._compare(row)
                raise TakenOver

    # -- changing --------------------------------------------------------------------------

    async def mark_sent(self) -> None:
        """
        Commit that the paid request is about to be sent.

        Raises `NotSent` and `BudgetExceeded` if it must not be.
        """
        first = self.task.sending is None and not self._row_is_sent
        if first:
            self.terms.check(self.provider.name)
        # If the journal fails, nobody knows what has been written.
        self._row_is_sent = True
        if first:
            _check(await self.journal.mark_sent(self.owner, self.terms.allowance))
        else:
            _check(await self.journal.mark_sent_again(self.owner))
        attempts = self.task.attempts + 1
        self.task = evolve(self.task, sending=self.clock(), attempts=attempts)
        self._unwritten.pop("sending", None)

    async def mark_unsent(self) -> bool:
        """
        Commit that the paid request certainly had no effect; returns whether that is recorded.

        A journal that cannot be written does not hide why: it is recorded with the next change.
        """
        unknown = self.task.state == "unknown"
        self.task = evolve(self.task, state="submitting", sending=None)
        self._unwritten |= {"sending": None}
        await self.answers.keep_unsent()
        with suppress(JournalError):
            if unknown:
                _check(await self.journal.reopen(self.owner, lost=False))
            else:
                _check(await self.journal.mark_unsent(self.owner))
            self._row_is_sent = False
            await self.answers.release()
            return True
        return False

    async def turn_to(self, task: Task, target: Target) -> None:
        """Go on at another provider, which the journal's row has now."""
        await self.answers.discard()
        self.task, self.target, self.hurried = task, target, True
        self.resubmitted, self.answers = False, self._kept_answers()

    async def accept(self, ticket: Ticket) -> Ticket:
        """Record the ticket: from here on, the task is known to be paid for."""
        try:
            await self.move("submitted", ticket=ticket, submitted=self.clock(), sending=None)
        finally:
            self.paying = False
        self.report("queued")
        await self.events.submitted(self.task)
        return ticket

    def note(self, **changes: Unpack[Changes]) -> None:
        """Record these changes with the next move."""
        self._unwritten |= changes

    async def move(
        self, state: TaskState, *, last: bool = False, **changes: Unpack[Changes]
    ) -> None:
        """
        Move the task to `state` and record the changes; the `last` one gives it up.

        If the journal cannot be written, nothing that was paid for must be lost: the task reports
        it and continues, and the next move records these changes too.
        """
        was_stored = self.task.state == "stored"
        self._unwritten |= {"error": None, "code": None, "remedy": None}
        self._unwritten |= changes
        self.task = evolve(self.task, state=state, **self._unwritten)
        try:
            await self._write(state, last)
        except TakenOver:
            with suppress(JournalError, UnknownTask):
                self._compare(await self.journal.get(self.id))
            raise
        except JournalError as error:
            known = f" as {self.task.task_id}" if self.task.task_id else ""
            self.report(
                "note",
                message=f"{sentence(error)} {self.provider.title} has the video{known}; "
                f"task {self.id} continues.",
            )
        else:
            self._unwritten = Changes()
            if state != "unknown":
                await self.answers.discard()
        if last and not was_stored:
            await self.events.ended(self.task)

    async def tell_taken(self) -> bool:
        """
        Tell whoever waits for it that the provider has taken the task.

        True if nobody here wants its video: then the task is anybody's. What the journal does not
        know yet is not left to others.
        """
        if self._unwritten:
            return False
        leave = not self.wanted
        if leave:
            await self.give_up()
        self.taken.set()
        return leave

    async def give_up(self) -> None:
        """Leave the task as it is to whoever wants to continue it."""
        with suppress(JournalError):
            if self._row_is_sent and self.task.sending is None:
                await self.journal.mark_unsent(self.owner)
            await self.journal.give_up(self.owner)

    async def _write(self, state: TaskState, last: bool) -> None:
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._write_once(state, last)
            except JournalBusy:
                raise  # The database has already waited long enough.
            except JournalError:
                await asyncio.sleep(backoff(attempt) / 5)
        return await self._write_once(state, last)

    async def _write_once(self, state: TaskState, last: bool) -> None:
        _check(await self.journal.update(self.owner, state, last=last, **self._unwritten))
        await drop_pictures(self.store, self.journal, self.task.image_files.values())

    def _compare(self, row: Task) -> None:
        """Say so if whoever runs the task now has another ticket than this worker has got."""
        if self.ticket is not None and row.ticket is not None:
            self.tell_of_another(self.ticket, row.ticket)

    # -- reporting -------------------------------------------------------------------------

    def report(self, phase: Phase, **facts: Any) -> None:
        """Report progress to all listeners."""
        self.latest = Progress(
            self.id,
            self.provider.name,
            phase,
            elapsed=self.elapsed,
            expected=self.habits.usual_time(self.task.duration),
            sandbox=self.task.sandbox,
            **facts,
        )
        for listener in list(self.listeners):
            try:
                listener(self.latest)
            except Exception:
                # A listener must not be able to break a paid task.
                logger.exception("A progress listener failed.")

    def tell_of_another(self, other: Ticket, ticket: Ticket) -> None:
        """Say that the provider has the request as `other`, too, if that is not `ticket`."""
        if other.task_id == ticket.task_id:
            return
        self.answers.retain()
        title = self.provider.title
        paid = of_money(self.provider, ", which is paid for too")
        message = f"{title} also has this request as {other.task_id}{paid}."
        logger.warning("Task %s: %s", self.id, message)
        self.report("note", message=message)

    def report_wait(self, error: Kling26Error, wait: float) -> None:
        """Report that something failed, and is tried again in `wait` seconds."""
        self.report("waiting", message=f"{sentence(error)} Trying again in {span(wait)}.")

    def report_message(self, message: str) -> None:
        """Report the current phase again, with a message."""
        self.report(self.latest.phase if self.latest else "running", message=message)


def _check(changed: bool) -> None:
    if not changed:
        raise TakenOver
