"""The jobs of one process: one per task, however many callers wait for it."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attrs import define, evolve, field

from ..errors import (
    JournalError,
    KeyRejected,
    Kling26Error,
    OutOfCredit,
    Refused,
    StillRunning,
    TaskCancelled,
    TaskFailed,
    TryLater,
)
from ..http.pacing import now
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import Task, TaskState
from ..progress import Listener
from ..status import Standing
from . import job
from .context import JobContext
from .order import Resolver, Target
from .submit import TakenOver

logger: logging.Logger = logging.getLogger("kling26")

#: How long a submission may take after the deadline, to learn whether anything was paid.
_GRACE = 2.0
#: How often to look at a task that another process runs, in seconds.
_WATCH_EVERY = 0.5
#: How often this worker records in the journal that it is alive, in seconds.
_HEARTBEAT = 15.0

_Running = asyncio.Task[Task]


@define
class JobPool:
    """The tasks that are running in this process."""

    resolver: Resolver
    journal: Journal
    store: Store
    _jobs: dict[str, tuple[JobContext, _Running]] = field(factory=dict, init=False)
    _heartbeats: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def paying(self) -> bool:
        """Whether a paid request is in flight, whose answer is worth waiting for."""
        return any(context.paying for context, _ in self._jobs.values())

    async def stop(self) -> None:
        """Stop all jobs; the journal has everything needed to resume them."""
        running: list[asyncio.Task[Task] | asyncio.Task[None]] = []
        running += [running for _, running in self._jobs.values()]
        running += [self._heartbeats] if self._heartbeats is not None else []
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def complete(
        self, task: Task, deadline: float, progress: Listener, target: Target | None = None
    ) -> Task:
        """
        Return the task once its video is stored, by this process or another.

        `target` saves looking it up again. Raises the error that ended the task, or, at the
        deadline, `StillRunning` or `TryLater`; the job itself keeps running.
        """
        while True:
            if task.state == "stored" and task.file and Path(task.file).exists():
                return task
            if task.standing == "over":
                raise _end_error(task)
            if task.id in self._jobs or await self.journal.take_over(task):
                with suppress(TakenOver):
                    return await self._join(task, deadline, progress, target)
            elif now() >= deadline:
                raise self._timeout_error(task)
            await asyncio.sleep(_WATCH_EVERY)
            task = await self.journal.get(task.id)

    async def _join(
        self, task: Task, deadline: float, progress: Listener, target: Target | None
    ) -> Task:
        """Start the task's job in this process, or join it; at the deadline, leave it running."""
        if task.id not in self._jobs:
            context = await self._context(task, deadline, target)
            if task.id not in self._jobs:  # Another caller may have started it meanwhile.
                self._start(context)
        context, running = self._jobs[task.id]
        context.deadline = max(context.deadline, deadline)
        context.listeners.append(progress)
        try:
            await _wait(context, running, deadline)
        finally:
            context.listeners.remove(progress)
        if not running.done():
            raise self._timeout_error(context.task)
        return running.result()

    async def _context(self, task: Task, deadline: float, target: Target | None) -> JobContext:
        target = target or self.resolver.target(task)
        if task.state == "stored":  # The file is gone, but paid for: fetch it again.
            task = evolve(task, state="succeeded", url=None)
            await self.journal.update(task.id, "succeeded", among=("stored",), url=None)
        provider, realm, clients = target.provider, target.realm, target.clients
        return JobContext(
            task=task,
            provider=provider,
            options=target.options,
            client=target.client,
            downloads=clients.downloads(realm),
            limiter=clients.limiter(realm, provider),
            journal=self.journal,
            store=self.store,
            deadline=deadline,
            usual_time=await self.journal.usual_time(provider.name, realm, task.duration),
        )

    def _start(self, context: JobContext) -> None:
        running = asyncio.create_task(job.run(context), name=f"kling26 {context.id}")
        self._jobs[context.id] = context, running
        running.add_done_callback(lambda done: self._forget(context.id, done))
        if self._heartbeats is None:
            self._heartbeats = asyncio.create_task(self._send_heartbeats())

    def _forget(self, task: str, done: _Running) -> None:
        self._jobs.pop(task, None)
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.info("Task %s: %s", task, error)

    def _timeout_error(self, task: Task) -> Kling26Error:
        """The error for a task that is still running at the deadline."""
        title = self.resolver.registry[task.provider].title
        kind = TryLater if task.standing == "unsent" else StillRunning
        return kind(_TIMEOUT_MESSAGES[task.standing].format(title=title))

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            with suppress(JournalError):
                await self.journal.heartbeat()


_NOT_FETCHED = (
    "Time ran out before the finished video was fetched from {title}. It is already paid for."
)
#: What to say of a task at the deadline.
_TIMEOUT_MESSAGES: Mapping[Standing, str] = {
    "unsent": "Time ran out before the request was sent to {title}. Nothing was paid.",
    "unclear": "Time ran out before {title} answered, so the video may have been paid for.",
    "at_provider": "Time ran out while {title} was still making the video. It is already paid for.",
    "made": _NOT_FETCHED,
    "stored": _NOT_FETCHED,
}


async def _wait(context: JobContext, running: _Running, deadline: float) -> None:
    """Wait for a job until the deadline, and a little longer if it is about to end."""
    await asyncio.wait([running], timeout=max(0.0, deadline - now()))
    if not running.done() and context.task.state == "submitting":
        await asyncio.wait([running], timeout=_GRACE)
    if context.task.state not in ("submitting", "submitted", "succeeded"):
        await asyncio.wait([running])  # It has ended; only the journal remains to be written.


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
