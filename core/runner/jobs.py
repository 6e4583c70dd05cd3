"""
The jobs of one process: each carries a task to its end, and callers join and leave it.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from ..errors import (
    JournalError,
    Kling26Error,
    Refused,
    SettingsError,
    StillRunning,
    TaskCancelled,
    TaskFailed,
    TryLater,
)
from ..http.pacing import now
from ..http.pool import ClientPool
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import Task
from ..options import build_options
from ..plugins import Registry
from ..progress import Listener
from ..provider import Provider
from ..settings import Settings
from .job import Bench, InThread, Job
from .order import realm_of
from .submit import TakenOver

logger = logging.getLogger("kling26")

#: How long after the deadline a submission may take to settle whether anything was paid.
_LAST_WORD = 2.0
#: How often a task in another process's hands is looked at, in seconds.
_WATCH_EVERY = 0.5
#: How often other machines that share the journal are shown that this worker is alive.
_HEARTBEAT = 15.0


@define
class Jobs:
    """What is being carried on in this process."""

    settings: Settings
    registry: Registry
    journal: Journal
    connections: ClientPool
    #: Calls the journal, off the event loop.
    in_thread: InThread
    _running: dict[str, tuple[Job, "asyncio.Task[Task]"]] = field(factory=dict, init=False)
    _heart: "asyncio.Task[None] | None" = field(default=None, init=False)

    @property
    def paying(self) -> bool:
        """Whether a paid request is in flight, whose answer is worth waiting for."""
        return any(job.paying for job, _ in self._running.values())

    async def stop(self) -> None:
        """Let go of all of them; what they know is in the journal."""
        tasks: list[asyncio.Task[Any]] = [task for _, task in self._running.values()]
        tasks += [self._heart] if self._heart is not None else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def provider(self, name: str, sandbox: bool) -> Provider:
        """A provider at the address that is set; in the sandbox, where it really would be."""
        provider = self.registry[name]
        return provider if sandbox else self.settings.settle(provider)

    def provider_of(self, task: Task) -> Provider:
        """The provider of a task, where the task is."""
        provider = self.provider(task.provider, task.realm == "sandbox")
        if task.realm != realm_of(provider, task.realm == "sandbox"):
            where = "itself" if task.realm == "live" else "at an address on this machine"
            raise SettingsError(
                f"Task {task.id} was given to {provider.title} {where}, and {provider.base_url} "
                "is set now; change the base address back.",
                provider=provider.name,
            )
        return provider

    async def carry(self, task: Task, deadline: float, progress: Listener) -> Task:
        """The task once its video is stored, by this process or by another."""
        while True:
            if task.state == "stored" and task.file and Path(task.file).exists():
                return task
            if task.state in ("refused", "failed", "cancelled"):
                raise _ended(task)
            if task.id in self._running or await self.in_thread(self.journal.adopt, task):
                with suppress(TakenOver):
                    return await self._work(task, deadline, progress)
            elif now() >= deadline:
                raise self._late(task)
            await asyncio.sleep(_WATCH_EVERY)
            task = await self.in_thread(self.journal.get, task.id)

    async def _work(self, task: Task, deadline: float, progress: Listener) -> Task:
        """Join the task's job in this process, or begin it; when time is up, it goes on alone."""
        if task.id not in self._running:
            job = await self._make_job(task, deadline)
            if task.id not in self._running:  # Nobody was quicker while the journal was asked.
                self._begin(job)
        job, running = self._running[task.id]
        job.deadline = max(job.deadline, deadline)
        job.listeners.append(progress)
        try:
            await asyncio.wait([running], timeout=max(0.0, deadline - now()))
            if not running.done() and job.task.state == "submitting":
                await asyncio.wait([running], timeout=_LAST_WORD)
            if job.task.state not in ("submitting", "submitted", "succeeded"):
                await asyncio.wait([running])  # It has ended; only the journal is to know.
        finally:
            job.listeners.remove(progress)
        if not running.done():
            raise self._late(job.task)
        return running.result()

    async def _make_job(self, task: Task, deadline: float) -> Job:
        provider = self.provider_of(task)
        if task.state == "stored":  # The file is gone, and paid for: fetch it again.
            task = evolve(task, state="succeeded", url=None)
            await self.in_thread(
                self.journal.update, task.id, "succeeded", among=("stored",), url=None
            )
        duration = int(str(task.wishes()["duration"]))
        return Job(
            task=task,
            provider=provider,
            options=build_options(
                provider.Options, task.read_options(), provider.title, provider.name
            ),
            courier=self.connections.courier(task.realm, provider),
            bench=Bench(
                self.journal,
                Store(self.settings.home),
                self.connections.downloads(task.realm),
                self.in_thread,
            ),
            gate=self.connections.gate(task.realm, provider),
            deadline=deadline,
            usual_time=await self.in_thread(
                self.journal.usual_time, provider.name, task.realm, duration
            ),
        )

    def _begin(self, job: Job) -> None:
        running = asyncio.create_task(job.run(), name=f"kling26 {job.id}")
        self._running[job.id] = job, running
        running.add_done_callback(lambda done: self._forget(job.id, done))
        if self._heart is None:
            self._heart = asyncio.create_task(self._beat())

    def _forget(self, task: str, done: "asyncio.Task[Task]") -> None:
        self._running.pop(task, None)
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.info("Task %s: %s", task, error)

    def _late(self, task: Task) -> Kling26Error:
        """The error of a task that goes on when the time is up."""
        title = self.registry[task.provider].title
        if task.state == "submitting" and task.sending is None:
            return TryLater(f"The time was up before {title} could be asked. Nothing was paid.")
        if task.state in ("succeeded", "stored"):
            done = f"The video is done at {title}, and was not here yet when the time was up."
        else:
            done = f"{title} was not done with the video when the time was up. It goes on."
        return StillRunning(f"{done} It is paid for once; fetch it with: kling26 resume {task.id}")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            with suppress(JournalError):
                await self.in_thread(self.journal.beat)


def _ended(task: Task) -> Kling26Error:
    """The error of a task that another process saw end without a video."""
    kinds = {"failed": TaskFailed, "cancelled": TaskCancelled}
    message = task.error or f"Task {task.id} is {task.state}."
    return kinds.get(task.state, Refused)(message, code=task.code)
