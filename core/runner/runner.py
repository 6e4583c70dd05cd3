"""
The runner: from a request to a stored video, paid once.

One per event loop. It owns the journal, the clients and the jobs. Callers may come and go, be
cancelled or time out without affecting a paid task.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Self

from attrs import define, field

from ..errors import JournalError, NotApplicable, OutcomeUnknown, SettingsError
from ..http.pacing import now
from ..journal.task import Task
from ..progress import Listener, ignore_progress
from ..request import VideoRequest
from ..settings import TIMEOUT
from .cancel import Cancellation, cancel
from .costs import ask_for_late_costs
from .ending import GRACE, tell
from .execution import LAST_WORDS, Execution
from .forget import delete_files, forget
from .many import (
    Many,
    Row,
    RowListener,
    RowOutcome,
    allowance,
    checked_rows,
    ignore_row_progress,
)
from .reader import RunnerReader
from .results import Outcome, Video
from .terms import JOBS, RunLimits, Terms
from .unclear import adopt, check_unknown, reopen


@define
class Runner(RunnerReader):
    """
    Makes videos.

    ::

        async with Runner() as runner:
            video = await runner.generate(VideoRequest("A red fox"), provider="kie")

    The arguments after `settings` are for tests: the providers, replacements for the network and
    for the installed emulators, and the journal.
    """

    _execution: Execution = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._execution = Execution(
            self.settings,
            self.registry,
            self.journal,
            self._store,
            self._resolver,
            self._prices,
            self._jobs,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.paying:
            tell(GRACE)
        await self.aclose()

    @property
    def paying(self) -> bool:
        """Whether a paid request is in flight, whose answer is worth waiting for."""
        return self._jobs.paying

    async def aclose(self, grace: float = GRACE) -> None:
        """
        Stop; open tasks stay in the journal and can be resumed.

        If a paid request is in flight, wait up to `grace` seconds for its answer.
        """
        await self._jobs.finish(grace)
        await self._clients.aclose()
        with suppress(JournalError, TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self.journal.release()
        await self.journal.close()

    # -- making videos ---------------------------------------------------------------------

    async def generate(
        self,
        request: VideoRequest,
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        output: str | Path | None = None,
        sandbox: bool | None = None,
        timeout: float = TIMEOUT,
        progress: Listener = ignore_progress,
    ) -> Video:
        """
        Return the video for a request: a new one, one that is being made, or a stored one.

        `options` are the provider's own, by name or as an instance of its options class; `output`
        is where the video is written, in addition to the store; `timeout` is in seconds. Raises
        `Kling26Error`; `kling26.core.errors` says which kinds may mean that you paid.
        """
        deadline = now() + timeout
        order = await self._order(request, provider, options, output, sandbox)
        return await self._execution.carry_out(order, deadline, progress, self._execution.finish)

    async def submit(
        self,
        request: VideoRequest,
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        output: str | Path | None = None,
        sandbox: bool | None = None,
        timeout: float = TIMEOUT,
        progress: Listener = ignore_progress,
    ) -> Task:
        """
        Return the task for a request once its provider has taken it, or had before.

        Its video is left to whoever resumes it, here or in another process, and is then written to
        `output`, too; only one that is stored already is written there at once. Takes and raises
        what `generate` does.
        """
        deadline = now() + timeout
        order = await self._order(request, provider, options, output, sandbox)
        return await self._execution.carry_out(order, deadline, progress, self._execution.hand_in)

    async def generate_many(
        self,
        rows: Iterable[Row | VideoRequest],
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        jobs: int = JOBS,
        sandbox: bool | None = None,
        timeout: float = TIMEOUT,
        wait: bool = True,
        max_cost: float | None = None,
        max_tasks: int | None = None,
        progress: RowListener = ignore_row_progress,
    ) -> AsyncGenerator[RowOutcome]:
        """
        Make many videos; yields how each row ended, as it does.

        Up to `jobs` rows are under way at once, in their order. `provider` and `options` count for
        the rows that have none of their own; `timeout`, in seconds, is for all of them. Unless it
        is to `wait`, a row ends once its provider has taken it, as with `submit`. `max_cost`, in
        USD, and `max_tasks` limit what these rows may be paid for, now and in earlier calls, also
        of other processes; what is here or under way is given all the same. With either, all rows
        are read and checked at first, which raises `UsageError`.

        An error ends its own row only. If a provider refuses the key, or has no credit for it,
        nothing more is sent there, and the rows left have the error `NotSent`.
        """
        RunLimits(jobs, max_cost, max_tasks, timeout).check()
        deadline = now() + timeout
        end = self._execution.finish if wait else self._execution.hand_in
        check = self._row_check(provider, options, sandbox)
        limits = None
        if max_cost is not None or max_tasks is not None:
            rows = checked = await checked_rows(rows, check)
            limits = allowance(checked, max_cost, max_tasks)
        many = Many(
            check,
            lambda order, listen: self._execution.carry_out(order, deadline, listen, end),
            self.latest,
            jobs,
            Terms(limits, deadline),
            progress,
        )
        async with aclosing(many.outcomes(rows)) as outcomes:
            async for outcome in outcomes:
                yield outcome

    async def resume(
        self,
        tasks: Sequence[str] = (),
        *,
        timeout: float = TIMEOUT,
        progress: Listener = ignore_progress,
    ) -> AsyncIterator[Outcome]:
        """
        Finish these tasks, or all open ones; yields the outcome of each as it ends.

        Costs that come late are asked for then, too.
        """
        if tasks:
            found = [await self.task(name) for name in tasks]
        else:
            found = await self.tasks(only_open=True)
        deadline = now() + timeout
        running = [
            asyncio.create_task(self._execution.outcome(task, deadline, progress)) for task in found
        ]
        try:
            for outcome in asyncio.as_completed(running):
                yield await outcome
            await ask_for_late_costs(self.journal, self._resolver)
        finally:
            for each in running:
                each.cancel()

    async def resubmit(
        self, name: str, *, timeout: float = TIMEOUT, progress: Listener = ignore_progress
    ) -> Outcome:
        """
        Submit an unknown task again, which may be charged twice, and finish it.

        If the provider can look the task up, it is asked first.
        """
        deadline = now() + timeout
        task = await self.task(name)
        check_unknown(task)
        self._execution.check_rehearsal(task)
        if self._execution.target(task).provider.can("find"):
            outcome = await self._execution.outcome(task, deadline, progress)
            if not isinstance(outcome.error, OutcomeUnknown):
                return outcome
            task = outcome.task
        await reopen(self.journal, task)
        return await self._execution.outcome(await self.task(task.id), deadline, progress)

    async def adopt(
        self,
        name: str,
        task_id: str,
        *,
        timeout: float = TIMEOUT,
        progress: Listener = ignore_progress,
    ) -> Outcome:
        """
        Give an unclear task the provider's id that the user has found, and finish it.

        Raises `NoSuchTask` if the provider does not know the id, or another `ProviderError` if it
        cannot say: the task stays as it is. Raises `NotApplicable` if the task is not unclear, or
        the id is another task's.
        """
        deadline = now() + timeout
        task = await self.task(name)
        try:
            await adopt(self.journal, task, self._execution.target(task), task_id, deadline)
        except SettingsError as error:
            raise self._execution.told(task, error) from error
        return await self._execution.outcome(await self.task(task.id), deadline, progress)

    async def cancel(self, name: str) -> Cancellation:
        """Cancel a task if that is possible and free."""
        task = await self.task(name)
        done = await cancel(self.journal, self.registry.events, task, self._execution.target(task))
        if done.cancelled:
            self._jobs.leave(task.id)
        return done

    # -- what it is doing ------------------------------------------------------------------

    async def latest(self, name: str) -> Task | None:
        """
        A task as this process knows it if it runs it, or else as the journal has it.

        None if the journal does not answer.
        """
        return await self._execution.latest(name)

    @property
    def claimed(self) -> Sequence[str]:
        """The ids of the tasks that this runner has recorded, the latest last."""
        return self.journal.claimed

    def running(self, name: str) -> Task | None:
        """A task as this process knows it, if it runs it, or did until it was closed."""
        return self._jobs.running(name)

    # -- forgetting ------------------------------------------------------------------------

    async def prune(self, older_than: float) -> list[Task]:
        """
        Forget the tasks that ended more than `older_than` seconds ago, and delete their videos.

        Open tasks stay, and so do videos that were written outside the store.
        """
        forgotten = await self.journal.prune(older_than)
        for task in forgotten:
            await delete_files(self.journal, self._store, task)
        return forgotten

    async def forget(self, name: str) -> Task:
        """
        Forget a task, and delete its video from the store; returns what it was.

        Raises `NotApplicable` if it is at the provider, made there, or being run.
        """
        task = await self.task(name)
        if self._jobs.runs(task.id):
            raise NotApplicable(f"Task {task.id} is under way.", task=task.id)
        await forget(self.journal, self._store, task)
        return task
