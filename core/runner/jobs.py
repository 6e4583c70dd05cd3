"""The jobs of one process: one per task, however many callers wait for it."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from attrs import define, evolve, field

from ..errors import (
    JournalBusy,
    JournalError,
    KeyRejected,
    Kling26Error,
    MissingKey,
    OutOfCredit,
    Refused,
    StillRunning,
    TaskCancelled,
    TaskFailed,
    TryLater,
    UnknownTask,
)
from ..http.pacing import now
from ..http.patience import Patience
from ..images import ImageFile
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import NO_FILES, Task, TaskState
from ..journal.worker import HEARTBEAT
from ..progress import Listener
from ..rehearsal import is_emulator, of_money
from ..request import ImageOption
from ..status import Standing
from ..text import sentence
from ..time_left import TimeLeft
from . import job
from .auto import Replaced, Turns
from .context import JobContext, TakenOver
from .history import History
from .limiter import Limiters
from .order import Order, Resolver, Target
from .paying import PayingTask
from .pictures import PictureMissing, load_pictures
from .terms import FREELY
from .video import VideoChecker

logger: logging.Logger = logging.getLogger("kling26")

#: How long a submission may take after the deadline, to learn whether anything was paid.
_GRACE = 2.0
#: How long anything may take after the deadline: what is still waited for then hangs, in seconds.
OVERRUN = 4.0
#: How long a journal that fails may take to come back, in seconds.
_JOURNAL_PATIENCE = 30.0
#: Where tasks stand that their provider has taken, and that are not here yet.
_TAKEN: tuple[Standing, ...] = ("at_provider", "made")
#: How often to look at a task that another process runs, in seconds.
_WATCH_EVERY = 0.5

#: How many pictures are uploaded at once: enough to keep up with any pace, as far as a line allows.
_UPLOADS = 4

_Running = asyncio.Task[Task]


@define
class JobPool:
    """The tasks that are running in this process."""

    resolver: Resolver
    journal: Journal
    store: Store
    turns: Turns
    _checker: VideoChecker = field(factory=VideoChecker, init=False)
    _uploading: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(_UPLOADS), init=False)
    _jobs: dict[str, tuple[JobContext, _Running]] = field(factory=dict, init=False)
    _heartbeats: asyncio.Task[None] | None = field(default=None, init=False)
    _closing: bool = field(default=False, init=False)
    _limiters: Limiters = field(init=False)
    _history: History = field(init=False)
    #: The tasks whose jobs were stopped, as they were then.
    _stopped: dict[str, Task] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._limiters = Limiters(self.journal)
        self._history = History(self.journal)

    @property
    def paying(self) -> bool:
        """Whether a paid request is in flight, whose answer is worth waiting for."""
        return any(context.paying for context, _ in self._jobs.values())

    async def finish(self, grace: float) -> None:
        """Stop all jobs, but wait up to `grace` seconds for the answers to paid requests."""
        self._closing = True
        time_left = TimeLeft(grace, now)
        while self.paying and time_left.look() > 0:
            for context, running in list(self._jobs.values()):
                if not context.paying:
                    running.cancel()
            await asyncio.sleep(0.05)
        await self._stop()

    async def _stop(self) -> None:
        """Stop all jobs; the journal has everything needed to resume them."""
        running: list[asyncio.Task[Task] | asyncio.Task[None]] = []
        running += [running for _, running in self._jobs.values()]
        running += [self._heartbeats] if self._heartbeats is not None else []
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._checker.aclose()

    async def complete(
        self,
        task: Task,
        deadline: float,
        progress: Listener,
        order: Order | None = None,
        only_taken: bool = False,
    ) -> Task:
        """
        Return the task once its video is stored, by this process or another.

        With `only_taken`, return it once its provider has taken it and the journal says so: if
        nobody here waits for its video, the row is then anybody's.

        `order` is there if the caller has made the request, and not only named the task. Raises the
        error that ended the task, or, at the deadline, `StillRunning` or `TryLater`; the job itself
        keeps running; and `Elsewhere`. Whatever hangs, it ends soon after the deadline.
        """
        # What can be read may still be impossible to write, as on a full disk.
        latest, trouble, reading = task, _Trouble(), _Trouble()
        try:
            async with Patience(max(0.0, deadline + OVERRUN - now())):
                while True:
                    _check_target(latest, order)
                    with trouble.forgiven(latest):
                        try:
                            if done := await self._attempt(
                                latest, deadline, progress, order, only_taken
                            ):
                                _check_target(done, order)
                                return done
                        except Replaced as replaced:
                            latest = replaced.other
                    with reading.forgiven(latest):
                        latest = await self.journal.get(latest.id)
                    if now() >= deadline and latest.standing not in ("stored", "over"):
                        raise trouble.error or self._timeout_error(latest)
                    await asyncio.sleep(_WATCH_EVERY)
        except TimeoutError:
            raise self._timeout_error(self.running(latest.id) or latest) from None

    def running(self, task: str) -> Task | None:
        """A task as its job in this process knows it, which may be ahead of the journal."""
        return self._jobs[task][0].task if task in self._jobs else self._stopped.get(task)

    def runs(self, task: str) -> bool:
        """Whether a job of this process is working on a task."""
        return task in self._jobs

    def leave(self, task: str) -> None:
        """Stop the job of a task that has just been cancelled: whoever waits for it learns so."""
        if task not in self._jobs:
            return
        context, running = self._jobs[task]
        if not context.paying:
            context.left = True
            running.cancel()

    async def _attempt(
        self,
        task: Task,
        deadline: float,
        progress: Listener,
        order: Order | None,
        only_taken: bool,
    ) -> Task | None:
        """The wanted task; None while another process runs it. Raises the error that ended it."""
        if task.state == "stored" and (file := self.store.find(task.id, task.file)):
            return evolve(task, file=str(file))
        if only_taken and task.standing in _TAKEN:
            return task
        if task.standing == "over":
            raise _end_error(task)
        if task.id not in self._jobs:
            owned = await self.journal.take_over(task)
            if owned is None:
                return None
            context = await self._context(owned, deadline, order)
            if task.id not in self._jobs:  # Another caller may have started it meanwhile.
                self._start(context)
        return await self._join(task.id, deadline, progress, only_taken)

    async def _join(
        self, task: str, deadline: float, progress: Listener, only_taken: bool
    ) -> Task | None:
        """
        Wait for the task's job in this process; at the deadline, leave it running.

        None if it has ended before the video is stored, because nobody had wanted that.
        """
        context, running = self._jobs[task]
        context.deadline = max(context.deadline, deadline)
        context.wanted |= not only_taken
        context.listeners.append(progress)
        try:
            await _wait(context, running, deadline, only_taken)
        finally:
            context.listeners.remove(progress)
        if running.cancelled() and context.left:
            raise TakenOver  # The journal says how it has ended.
        if running.done():
            ended = running.result()
            return ended if only_taken or ended.state == "stored" else None
        if context.stored or (only_taken and context.taken.is_set()):
            return context.task
        if context.task.standing == "unsent":
            await context.check_owner()  # Another worker may have sent it while this one slept.
        raise self._timeout_error(context.task, context.unreadable)

    async def _context(self, task: Task, deadline: float, order: Order | None) -> JobContext:
        files = NO_FILES if order is None else order.request.files
        target, hurried = None if order is None else order.target_of(task), False
        target = target or self.resolver.target(task)
        if task.auto and task.standing == "unsent":
            task, target, hurried = await self._turn(task, target, files)
        owner = task.owner
        assert owner is not None
        context = JobContext(
            task=task,
            owner=owner,
            target=target,
            hurried=hurried,
            checker=self._checker,
            events=self.resolver.registry.events,
            prices=self.turns.prices,
            journal=self.journal,
            store=self.store,
            limiters=self._limiters,
            history=self._history,
            deadline=deadline,
            files=files,
            uploading=self._uploading,
            terms=FREELY if order is None else order.terms,
        )
        await context.learn()
        return context

    async def _turn(
        self, task: Task, target: Target, known: Mapping[ImageOption, ImageFile]
    ) -> tuple[Task, Target, bool]:
        """A task for any provider, its target, and whether there are others."""
        try:
            files = await load_pictures(self.store, task, known)
        except PictureMissing as missing:
            raise JournalError(str(missing)) from missing
        try:
            _ = target.client
        except MissingKey as error:
            task, target = await self.turns.next(task, error, files)
        return task, target, await self.turns.others(task, files)

    def _start(self, context: JobContext) -> None:
        if self._closing:
            raise StillRunning(f"The program ended before task {context.id} was done.")
        name = f"kling26 {context.id}"
        running = PayingTask(
            job.run(context, self.turns),
            lambda: context.paying,
            name=name,
            rehearsal=is_emulator(context.provider),
        )
        self._jobs[context.id] = context, running
        running.add_done_callback(lambda done: self._forget(context.id, done))
        if self._heartbeats is None:
            self._heartbeats = asyncio.create_task(self._send_heartbeats())

    def _forget(self, task: str, done: _Running) -> None:
        context, _ = self._jobs.pop(task)
        if done.cancelled():
            if not context.left:
                self._stopped[task] = context.task
            return
        if isinstance(done.exception(), Replaced | TakenOver):
            return  # Whoever waits for it watches the journal from now on.
        if (error := done.exception()) is not None:
            logger.info("Task %s: %s", task, error)

    def _timeout_error(self, task: Task, unreadable: str | None = None) -> Kling26Error:
        """The error for a task without a video at the deadline."""
        if task.standing == "over":  # That only remains to be written to the journal.
            return _end_error(task)
        kind = TryLater if task.standing == "unsent" else StillRunning
        happened, paid = _TIMEOUT_MESSAGES[task.standing]
        cause = ""
        if unreadable and task.standing == "at_provider":
            (happened, paid), cause = _UNREADABLE, f"{sentence(unreadable)} "
        maker = self.resolver.maker_of(task)
        return kind(f"{cause}{happened.format(title=maker.title)}{of_money(maker, paid)}.")

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            with suppress(JournalError):
                await self.journal.heartbeat()


class Elsewhere(Exception):
    """The task was for any provider, and is now with one that was not asked for."""


def _check_target(task: Task, order: Order | None) -> None:
    if order is not None and order.target_of(task) is None:
        raise Elsewhere


@define
class _Trouble:
    """How long the journal has been failing while a task was watched."""

    #: What it says.
    error: JournalError | None = field(default=None, init=False)
    _since: float | None = field(default=None, init=False)

    @contextmanager
    def forgiven(self, task: Task) -> Iterator[None]:
        """
        Forgive that another worker took the task over.

        Forgive the journal's errors, too, if the task may be paid for: but not for long, nor if
        the journal has been waited for already.
        """
        try:
            yield
        except TakenOver:
            return
        except (JournalError, UnknownTask) as error:
            since = self._since = now() if self._since is None else self._since
            self.error = error if isinstance(error, JournalError) else None
            may_pass = not isinstance(error, JournalBusy) and task.standing != "unsent"
            if not may_pass or now() - since >= _JOURNAL_PATIENCE:
                raise
        else:
            self._since = self.error = None


_PAID = ". It is already paid for"
_UNREADABLE = ("Time ran out before {title} said whether the video is finished", ". It is paid for")
_NOT_FETCHED = ("Time ran out before the finished video was fetched from {title}", _PAID)
#: What to say of a task at the deadline: what happened, and what follows for what is paid.
_TIMEOUT_MESSAGES: Mapping[Standing, tuple[str, str]] = {
    "unsent": ("Time ran out before the request was sent to {title}", ". Nothing was paid"),
    "unclear": (
        "Time ran out before {title} answered",
        ", so the video may have been paid for",
    ),
    "at_provider": ("Time ran out while {title} was still making the video", _PAID),
    "made": _NOT_FETCHED,
    "stored": _NOT_FETCHED,
}


async def _wait(
    context: JobContext, running: _Running, deadline: float, only_taken: bool = False
) -> None:
    """Wait for a job until the deadline, and a little longer if it is about to end."""
    if only_taken:
        taken = asyncio.ensure_future(context.taken.wait())
        try:
            await asyncio.wait(
                [running, taken],
                timeout=max(0.0, deadline - now()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            taken.cancel()
        if context.taken.is_set():
            return
    await asyncio.wait([running], timeout=max(0.0, deadline - now()))
    if not running.done() and context.task.state == "submitting":
        await asyncio.wait([running], timeout=_GRACE)
    if not running.done() and (context.stored or context.task.standing == "over"):
        # It has ended; only the journal remains to be written.
        await asyncio.wait([running], timeout=OVERRUN / 2)


def _end_error(task: Task) -> Kling26Error:
    """The error for a task that ended without a video in another process."""
    kind: type[Kling26Error] = _STATE_ERRORS.get(task.state, Refused)
    if kind is Refused and task.remedy is not None:
        kind = _REFUSALS.get(task.remedy.do, Refused)
    message = task.error or f"Task {task.id} is {task.state}."
    return kind(message, code=task.code, remedy=task.remedy)


_STATE_ERRORS: Mapping[TaskState, type[Kling26Error]] = {
    "failed": TaskFailed,
    "cancelled": TaskCancelled,
}
#: Refusals, by what helps against them.
_REFUSALS: Mapping[str, type[Kling26Error]] = {
    "set_key": KeyRejected,
    "top_up": OutOfCredit,
    "wait": TryLater,
}
