"""
The runner: from a request to a stored video, paid once.

One per event loop. It owns the journal, the clients and the jobs. Callers may come and go, be
cancelled or time out without affecting a paid task.
"""

import asyncio
import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Self, TypeVar

import httpx
from attrs import Factory, define, evolve, field

from ..errors import (
    JournalBusy,
    JournalError,
    Kling26Error,
    NotApplicable,
    OptionRefused,
    OutcomeUnknown,
    SettingsError,
    UnknownTask,
    UsageError,
)
from ..http.pacing import now
from ..http.pool import ClientPool, SandboxFactory
from ..installed import discover
from ..isolation import occupy
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.reading import furthest
from ..journal.task import Task
from ..keys import Keys
from ..money import Balance
from ..plugins import Registry, load_providers
from ..progress import Listener, ignore_progress
from ..request import VideoRequest
from ..settings import TIMEOUT, Settings
from ..text import sentence
from ..threads import in_thread
from .auto import Choice, Turns
from .cancel import Cancellation, cancel
from .claim import chosen, claim, found, unlimited, unused_callback
from .costs import ask_for_late_costs
from .ending import GRACE, tell
from .forget import delete_files, forget
from .job import unexpected
from .jobs import OVERRUN, Elsewhere, JobPool
from .key_check import KeyCheck, check_key
from .many import (
    JOBS,
    CheckedRow,
    Many,
    Row,
    RowListener,
    RowOutcome,
    allowance,
    as_row,
    check_rows,
    checked_rows,
    ignore_row_progress,
)
from .order import Order, Resolver, Target, realm_of
from .outputs import write_outputs
from .preview import Preview, balance_of, preview
from .preview_many import ManyPreview, preview_many
from .prices import Prices
from .results import Outcome, Video, of_paid
from .terms import Terms
from .unclear import adopt, check_unknown, reopen

logger: logging.Logger = logging.getLogger("kling26")

T = TypeVar("T")

#: How long the journal may take when the runner closes, in seconds.
_LAST_WORDS = 2.0


def _registry(runner: "Runner") -> Registry:
    return load_providers(discover(runner.settings.load_plugins))


def _journal(runner: "Runner") -> Journal:
    settings = runner.settings
    return Journal(
        settings.journal,
        settings.home,
        source=settings.journal_source,
        budget=lambda: settings.budget,
    )


@define
class Runner:
    """
    Makes videos.

    ::

        async with Runner() as runner:
            video = await runner.generate(VideoRequest("A red fox"), provider="kie")

    The arguments after `settings` are for tests: the providers, replacements for the network and
    for the installed emulators, and the journal.
    """

    settings: Settings = field(factory=Settings)
    # A `Factory` instead of a decorated method, which pyright does not understand.
    registry: Registry = field(default=Factory(_registry, takes_self=True))
    transport: httpx.AsyncBaseTransport | None = None
    sandbox: SandboxFactory | None = None
    journal: Journal = field(default=Factory(_journal, takes_self=True))
    _clients: ClientPool = field(init=False)
    _resolver: Resolver = field(init=False)
    _jobs: JobPool = field(init=False)
    _prices: Prices = field(init=False)
    _store: Store = field(init=False)

    def __attrs_pre_init__(self) -> None:
        occupy()

    def __attrs_post_init__(self) -> None:
        self._store = Store(self.settings.home)
        self._clients = ClientPool(self.settings, self.registry, self.transport, self.sandbox)
        self._resolver = Resolver(self.settings, self.registry, self._clients)
        self._prices = Prices(self.journal)
        turns = Turns(self._resolver, self._prices, self.journal)
        self._jobs = JobPool(self._resolver, self.journal, self._store, turns)

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
            async with asyncio.timeout(_LAST_WORDS):
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
        return await self._carry_out(order, deadline, progress, self._finish)

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
        return await self._carry_out(order, deadline, progress, self._hand_in)

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
        if jobs < 1:
            raise OptionRefused(f"jobs must be at least 1; got {jobs}.", option="jobs")
        deadline = now() + timeout
        end = self._finish if wait else self._hand_in
        check = self._row_check(provider, options, sandbox)
        limits = None
        if max_cost is not None or max_tasks is not None:
            rows = checked = await checked_rows([as_row(each) for each in rows], check)
            limits = allowance(checked, max_cost, max_tasks)
        many = Many(
            check,
            lambda order, listen: self._carry_out(order, deadline, listen, end),
            self.latest,
            jobs,
            Terms(limits, deadline),
            progress,
        )
        async with aclosing(many.outcomes(rows)) as outcomes:
            async for outcome in outcomes:
                yield outcome

    async def check_rows(
        self,
        rows: Sequence[Row],
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        sandbox: bool | None = None,
    ) -> list[CheckedRow | Kling26Error]:
        """
        Check rows as `generate_many` does, which takes the checked ones as they are.

        Returns each as a checked one, or else what is wrong with it. Needs no network. Outputs are
        left out: whoever wants them checks them, and adds them to the orders.
        """
        check = self._row_check(provider, options, sandbox)
        return await check_rows(rows, lambda row: check(evolve(row, output=None)))

    async def equal_tasks(self, rows: Sequence[CheckedRow]) -> list[Task | None]:
        """For each row, the task that it would join, or whose video it would get, if any."""
        names = {name for row in rows for name in row.order.fingerprints}
        tasks = await self.journal.find_all_equal(names)
        return [
            furthest([tasks[name] for name in row.order.fingerprints if name in tasks])
            for row in rows
        ]

    async def preview_many(self, rows: Sequence[CheckedRow], sandbox: bool) -> ManyPreview:
        """What `generate_many` would do with checked rows: nothing is paid, and nothing written."""
        equal = await self.equal_tasks(rows)
        return await preview_many(
            rows, equal, self.journal, Prices(self.journal, kept=False), sandbox
        )

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
        running = [asyncio.create_task(self._outcome(task, deadline, progress)) for task in found]
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
        self._check_rehearsal(task)
        if self._target(task).provider.can("find"):
            outcome = await self._outcome(task, deadline, progress)
            if not isinstance(outcome.error, OutcomeUnknown):
                return outcome
            task = outcome.task
        await reopen(self.journal, task)
        return await self._outcome(await self.task(task.id), deadline, progress)

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
            await adopt(self.journal, task, self._target(task), task_id, deadline)
        except SettingsError as error:
            raise self._told(task, error) from error
        return await self._outcome(await self.task(task.id), deadline, progress)

    async def cancel(self, name: str) -> Cancellation:
        """Cancel a task if that is possible and free."""
        task = await self.task(name)
        done = await cancel(self.journal, self.registry.events, task, self._target(task))
        if done.cancelled:
            self._jobs.leave(task.id)
        return done

    # -- queries ---------------------------------------------------------------------------

    async def tasks(self, only_open: bool = False, limit: int | None = None) -> list[Task]:
        """The journal's tasks, oldest first; at most `limit`, the open ones and the newest."""
        self._resolver.check_settings()  # A misspelt "journal" would be another journal.
        return await self.journal.tasks(only_open, limit)

    async def task(self, name: str) -> Task:
        """A task by its id, the beginning of that, or the provider's; raises `UnknownTask`."""
        return await self.journal.get(name.strip())

    async def latest(self, name: str) -> Task | None:
        """
        A task as this process knows it if it runs it, or else as the journal has it.

        None if the journal does not answer.
        """
        if (task := self.running(name)) is not None:
            return task  # The journal may be behind.
        with suppress(JournalError, UnknownTask, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                return await self.task(name)
        return None

    @property
    def claimed(self) -> Sequence[str]:
        """The ids of the tasks that this runner has recorded, the latest last."""
        return self.journal.claimed

    def running(self, name: str) -> Task | None:
        """A task as this process knows it, if it runs it, or did until it was closed."""
        return self._jobs.running(name)

    async def balance(self, provider: str | None = None, *, sandbox: bool | None = None) -> Balance:
        """What is left on the account with a provider."""
        rehearsal = self._in_sandbox(sandbox)
        chosen = self._resolver.provider(provider, rehearsal)
        chosen = self._resolver.maker(chosen, rehearsal)
        if not chosen.can("balance"):
            page = f"; see {chosen.tasks_page}" if chosen.tasks_page else ""
            raise UsageError(
                f"{chosen.title} has no API for account balances{page}.",
                provider=chosen.name,
            )
        client = self._clients.client(realm_of(chosen, rehearsal), chosen)
        return await balance_of(chosen, client)

    async def check_key(self, provider: str, key: str | None = None) -> KeyCheck:
        """
        Whether a provider accepts a key, as it was pasted, or else the one that is kept.

        Raises `MissingKey` if there is none, and `SettingsError` for what cannot be one.
        """
        chosen = self._resolver.provider(provider, sandbox=False)
        keys, realm = Keys(self.settings), realm_of(chosen, sandbox=False)
        judged = keys.need(chosen) if key is None else keys.read(chosen, key)[0]
        if self.settings.sandbox:  # Nothing leaves this machine.
            return KeyCheck(None)
        return await check_key(chosen, lambda: self._clients.client(realm, chosen, judged))

    async def check(
        self,
        request: VideoRequest,
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        sandbox: bool | None = None,
    ) -> None:
        """
        Raise what `generate` would raise for the same arguments, whatever was paid before.

        Needs no network: prices, balances and the budget are not looked at.
        """
        await self._order(request, provider, options, None, sandbox)

    async def preview(
        self,
        request: VideoRequest,
        provider: str | None = None,
        options: Mapping[str, object] | object | None = None,
        *,
        output: str | Path | None = None,
        sandbox: bool | None = None,
        timeout: float = TIMEOUT,
    ) -> Preview:
        """
        What `generate` would do with the same arguments: nothing is paid, and nothing written.

        Raises what that would raise before anything is sent.
        """
        deadline = now() + timeout
        rehearsal = self._in_sandbox(sandbox)
        order = await self._order(request, provider, options, output, rehearsal)
        prices = Prices(self.journal, kept=False)
        return await preview(order, self.journal, prices, self.registry, rehearsal, deadline)

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

    # -- running a task --------------------------------------------------------------------

    def _target(self, task: Task) -> Target:
        """The target of an existing task; raises `NotDelivered` if only a setting is wrong."""
        try:
            return self._resolver.target(task)
        except SettingsError as error:
            raise self._told(task, error) from error

    def _check_rehearsal(self, task: Task) -> None:
        """Raise `NotApplicable` if a task would be paid for where everything is a rehearsal."""
        if self.settings.sandbox and not task.sandbox and task.standing in ("unsent", "unclear"):
            raise NotApplicable(
                f"Task {task.id} is not a rehearsal, so it is not sent while "
                f"{self.settings.where('KLING26_SANDBOX')} is set.",
                task=task.id,
                provider=task.provider,
            )

    async def _order(
        self,
        request: VideoRequest,
        provider: str | None,
        options: Mapping[str, object] | object | None,
        output: str | Path | None,
        sandbox: bool | None,
    ) -> Order:
        rehearsal = self._in_sandbox(sandbox)
        # In a thread: a large picture takes a second to decode.
        return await in_thread(self._resolver.order, request, provider, options, output, rehearsal)

    def _row_check(
        self,
        provider: str | None,
        options: Mapping[str, object] | object | None,
        sandbox: bool | None,
    ) -> Callable[[Row], Order]:
        """Makes an order of a row, which may be checked already; raises `UsageError`."""
        rehearsal, resolver = self._in_sandbox(sandbox), self._resolver

        def check(row: Row) -> Order:
            if isinstance(row, CheckedRow):
                return row.order
            own = options if row.options is None else row.options
            name = row.provider or provider
            return resolver.order(row.request, name, own, row.output, rehearsal)

        return check

    async def _carry_out(
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
                return await claim(order, self.journal, self._store, self._prices)
        except TimeoutError as error:
            raise JournalBusy("The journal did not answer in time. Nothing was sent.") from error
        except JournalError as error:
            error.message = f"{sentence(error, 1000)} Nothing was sent."
            raise

    def _in_sandbox(self, sandbox: bool | None) -> bool:
        return self.settings.sandbox if sandbox is None else sandbox

    async def _outcome(self, task: Task, deadline: float, progress: Listener) -> Outcome:
        video, error = None, None
        try:
            self._check_rehearsal(task)
            video = await self._finish(task, deadline, progress)
        except Kling26Error as raised:
            error = raised
        except Exception as bug:  # noqa: BLE001 - it must not end the other tasks.
            error = self._told(task, unexpected(bug, task.id)).about(
                task=task.id, provider=task.provider
            )
        return Outcome(await self.latest(task.id) or task, video, error)

    async def _finish(
        self,
        task: Task,
        deadline: float,
        progress: Listener,
        order: Order | None = None,
        reused: bool = False,
    ) -> Video:
        claimed = task.id
        task, file = await self._run(task, deadline, progress, order)
        assert file is not None
        provider = self.registry.providers.get(task.provider)
        return Video.of(task, file, reused or task.id != claimed, provider)

    async def _hand_in(
        self, task: Task, deadline: float, progress: Listener, order: Order, _: bool
    ) -> Task:
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
            task = await self._jobs.complete(task, deadline, progress, order, only_taken)
            if task.state != "stored":
                return task, None
            return task, await write_outputs(self.journal, task, output, recorded)
        except Kling26Error as error:
            task = self._jobs.running(task.id) or task
            told = self._told(task, error)
            if told.task is None:  # The job has said more: the provider may have changed since.
                told.about(task=task.id, provider=task.provider, task_id=task.task_id)
            raise told from error.__cause__

    def _told(self, task: Task, error: Kling26Error) -> Kling26Error:
        return of_paid(task, error, self._resolver.rehearses(task.sandbox))
