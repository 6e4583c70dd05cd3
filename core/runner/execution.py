"""From an order to its end: the row in the journal, the job, and the video for the caller."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from attrs import define

from ..errors import (
    JournalBusy,
    JournalError,
    Kling26Error,
    NotApplicable,
    SettingsError,
    UnknownTask,
)
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import Task
from ..plugins import Registry
from ..progress import Listener
from ..settings import Settings
from ..text import sentence
from .auto import Choice
from .claim import chosen, claim, found, unlimited, unused_callback
from .job import unexpected
from .jobs import OVERRUN, Elsewhere, JobPool
from .order import Order, Resolver, Target
from .outputs import write_outputs
from .prices import Prices
from .results import Outcome, Video, of_paid

T = TypeVar("T")

#: How long the journal may take to say how a task stands, in seconds.
LAST_WORDS = 2.0


@define
class Execution:
    """Carries out orders, and finishes tasks."""

    settings: Settings
    registry: Registry
    journal: Journal
    store: Store
    resolver: Resolver
    prices: Prices
    jobs: JobPool

    async def carry_out(
        self,
        order: Order,
        deadline: float,
        progress: Listener,
        end: Callable[[Task, float, Listener, Order, bool], Awaitable[T]],
    ) -> T:
        """Find or make the row for an order, and run its task to this `end`."""
        while True:
            task, choice = await self._claim(order, deadline)
            reused = choice is None
            if choice is None:
                with suppress(JournalError):  # What was never sent is paid for now.
                    reused = not await self.journal.is_left(task)
                progress(found(task))
                if order.request.callback_url not in (None, task.callback_url):
                    progress(unused_callback(task))
            elif order.auto:
                progress(chosen(task, choice))
            if choice is not None and (warning := await unlimited(task, self.journal, order.terms)):
                progress(warning)
            with suppress(Elsewhere):  # The task was for any provider, and this order is not.
                return await end(task, deadline, progress, order, reused)

    async def _claim(self, order: Order, deadline: float) -> tuple[Task, Choice | None]:
        try:
            async with asyncio.timeout_at(deadline + OVERRUN):
                return await claim(order, self.journal, self.store, self.prices)
        except TimeoutError as error:
            raise JournalBusy("The journal did not answer in time. Nothing was sent.") from error
        except JournalError as error:
            error.message = f"{sentence(error, 1000)} Nothing was sent."
            raise

    async def outcome(self, task: Task, deadline: float, progress: Listener) -> Outcome:
        """Finish a task; returns how it has ended, whatever that is."""
        video, error = None, None
        try:
            self.check_rehearsal(task)
            video = await self.finish(task, deadline, progress)
        except Kling26Error as raised:
            error = raised
        except Exception as bug:  # noqa: BLE001 - it must not end the other tasks.
            error = self.told(task, unexpected(bug, task.id)).about(
                task=task.id, provider=task.provider
            )
        return Outcome(await self.latest(task.id) or task, video, error)

    async def finish(
        self,
        task: Task,
        deadline: float,
        progress: Listener,
        order: Order | None = None,
        reused: bool = False,
    ) -> Video:
        """The video of a task; `reused` means that it was requested before."""
        claimed = task.id
        task, file = await self._run(task, deadline, progress, order)
        assert file is not None
        provider = self.registry.providers.get(task.provider)
        return Video.of(task, file, reused or task.id != claimed, provider)

    async def hand_in(
        self, task: Task, deadline: float, progress: Listener, order: Order, _: bool
    ) -> Task:
        """The task, once its provider has taken it."""
        task, _file = await self._run(task, deadline, progress, order, only_taken=True)
        return task

    async def _run(
        self,
        task: Task,
        deadline: float,
        progress: Listener,
        order: Order | None,
        only_taken: bool = False,
    ) -> tuple[Task, Path | None]:
        """The task, and where its video is for this caller: it is stored, or else taken."""
        output = None if order is None else order.output
        try:
            recorded = task.standing != "stored"
            task = await self.jobs.complete(task, deadline, progress, order, only_taken)
            if task.state != "stored":
                return task, None
            return task, await write_outputs(self.journal, task, output, recorded)
        except Kling26Error as error:
            task = self.jobs.running(task.id) or task
            told = self.told(task, error)
            if told.task is None:  # The job has said more: the provider may have changed since.
                told.about(task=task.id, provider=task.provider, task_id=task.task_id)
            raise told from error.__cause__

    async def latest(self, name: str) -> Task | None:
        """
        A task as this process knows it if it runs it, or else as the journal has it.

        None if the journal does not answer.
        """
        if (task := self.jobs.running(name)) is not None:
            return task  # The journal may be behind.
        with suppress(JournalError, UnknownTask, TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                return await self.journal.get(name)
        return None

    def told(self, task: Task, error: Kling26Error) -> Kling26Error:
        """The error, which also says what is paid for."""
        return of_paid(task, error, self.resolver.rehearses(task.sandbox))

    def target(self, task: Task) -> Target:
        """The target of an existing task; raises `NotDelivered` if only a setting is wrong."""
        try:
            return self.resolver.target(task)
        except SettingsError as error:
            raise self.told(task, error) from error

    def check_rehearsal(self, task: Task) -> None:
        """Raise `NotApplicable` if a task would be paid for where everything is a rehearsal."""
        if self.settings.sandbox and not task.sandbox and task.standing in ("unsent", "unclear"):
            raise NotApplicable(
                f"Task {task.id} is not a rehearsal, so it is not sent while "
                f"{self.settings.where('KLING26_SANDBOX')} is set.",
                task=task.id,
                provider=task.provider,
            )
