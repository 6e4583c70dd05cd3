"""
The runner: from a request to a stored video, paid once.

One per event loop. It keeps the journal, the connections and the jobs; callers may come and go,
be cancelled or time out, without touching what has been paid for.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from attrs import define, field

from ..errors import (
    JournalError,
    Kling26Error,
    NotDelivered,
    OutcomeUnknown,
    ProviderError,
    UnknownTask,
    UsageError,
)
from ..http.pacing import now
from ..http.pool import ClientPool, SandboxFactory
from ..journal.files import Store, copy_video
from ..journal.journal import Journal
from ..journal.task import OPEN, Task
from ..plugins import Registry, discover, load_providers
from ..progress import Listener, Progress, ignore_progress
from ..provider import Provider
from ..request import ImageFile, VideoRequest
from ..settings import Settings
from ..text import sentence
from .jobs import Jobs
from .order import Wish, make_wish, realm_of
from .results import Outcome, Video, cost_unit
from .submit import ask_patiently

T = TypeVar("T")

logger = logging.getLogger("kling26")

TIMEOUT = 3600.0
#: How long a paid request in flight is waited for when the runner closes, in seconds.
_LAST_ANSWER = 10.0
#: How long a provider that is in trouble is asked to cancel, in seconds.
_CANCEL_PATIENCE = 30.0


@define
class Runner:
    """
    Makes videos.

    ::

        async with Runner() as runner:
            video = await runner.generate(VideoRequest("A red fox"), provider="kie")

    The arguments after `settings` are for tests: the providers, what takes the place of the
    network, what takes the place of the built-in emulators, and the journal.
    """

    settings: Settings = field(factory=Settings)
    registry: Registry = field()
    transport: httpx.AsyncBaseTransport | None = None
    sandbox: SandboxFactory | None = None
    journal: Journal = field()
    _connections: ClientPool = field(init=False)
    _jobs: Jobs = field(init=False)
    # One thread: SQLite takes one writer at a time, and the order of events is kept.
    _thread: ThreadPoolExecutor = field(init=False, repr=False)

    @registry.default
    def _default_registry(self) -> Registry:
        return load_providers(discover(self.settings.load_plugins))

    @journal.default
    def _default_journal(self) -> Journal:
        return Journal(self.settings.journal)

    def __attrs_post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kling26-journal")
        self._connections = ClientPool(self.settings, self.registry, self.transport, self.sandbox)
        self._jobs = Jobs(
            self.settings, self.registry, self.journal, self._connections, self._in_thread
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def paying(self) -> bool:
        """Whether a paid request is in flight, whose answer is worth waiting for."""
        return self._jobs.paying

    async def aclose(self, patience: float = _LAST_ANSWER) -> None:
        """
        Stop; open tasks stay in the journal for whoever continues them.

        A paid request in flight is given `patience` seconds for its answer.
        """
        end = now() + patience
        while self.paying and now() < end:
            await asyncio.sleep(0.05)
        await self._jobs.stop()
        await self._connections.aclose()
        with suppress(JournalError):
            await self._in_thread(self.journal.release)
        await self._in_thread(self.journal.close)
        self._thread.shutdown(wait=False)

    # -- what users ask for ----------------------------------------------------------------

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
        The video of a request: made, joined while it is being made, or given from the store.

        `options` are the provider's own, by name or as an instance of its options class; `output`
        is where the video is written besides the store; `timeout` is in seconds. Raises
        `Kling26Error`: see `kling26.core.errors` for what each kind means for the money.
        """
        deadline = now() + timeout
        rehearsal = self.settings.sandbox if sandbox is None else sandbox
        chosen = self._jobs.provider(provider or self.settings.provider, rehearsal)
        wish = make_wish(request, chosen, options, output, rehearsal)
        task, reused = await self._row(wish)
        if reused:
            progress(_known(task))
        return await self._finish(task, deadline, progress, wish.output, reused)

    async def resume(
        self,
        tasks: Sequence[str] = (),
        *,
        timeout: float = TIMEOUT,
        progress: Listener = ignore_progress,
    ) -> AsyncIterator[Outcome]:
        """Carry these tasks to their end, or all open ones; yields each as it ends."""
        if tasks:
            found = [await self.task(name) for name in tasks]
        else:
            found = await self.tasks(only_open=True)
        deadline = now() + timeout
        running = [asyncio.create_task(self._outcome(task, deadline, progress)) for task in found]
        try:
            for outcome in asyncio.as_completed(running):
                yield await outcome
        finally:
            for each in running:
                each.cancel()

    async def resubmit(
        self, name: str, *, timeout: float = TIMEOUT, progress: Listener = ignore_progress
    ) -> Outcome:
        """
        Submit an unknown task again, knowingly, and carry it to its end.

        Where the provider can be asked whether it has the task, that comes first.
        """
        deadline = now() + timeout
        task = await self.task(name)
        if task.state != "unknown":
            raise UnknownTask(
                f"Task {task.id} is {task.state}; only an unknown task is submitted again.",
                task=task.id,
            )
        if self._jobs.provider_of(task).can("find"):
            outcome = await self._outcome(task, deadline, progress)
            if not isinstance(outcome.error, OutcomeUnknown):
                return outcome
        if not await self._in_thread(self.journal.reopen, task.id):
            raise UnknownTask("Another process is carrying this task on.", task=task.id)
        return await self._outcome(await self.task(task.id), deadline, progress)

    async def cancel(self, name: str) -> tuple[Task, bool, str]:
        """
        Cancel a task where that is possible and free.

        Returns its row, whether it is cancelled, and a sentence on what really happened.
        """
        task = await self.task(name)
        if task.state == "cancelled":
            return task, True, f"Task {task.id} is cancelled already."
        if not task.open:
            raise UnknownTask(f"Task {task.id} is {task.state} already.", task=task.id)
        cancelled, sentence = await self._cancel(task, self._jobs.provider_of(task))
        return await self.task(task.id), cancelled, sentence

    async def _cancel(self, task: Task, provider: Provider) -> tuple[bool, str]:
        if await self._in_thread(self.journal.withdraw, task.id):
            return True, "Nothing had been sent: the task is cancelled and cost nothing."
        go_on = f"go on with: kling26 resume {task.id}"
        ticket = task.read_ticket()
        if ticket is None or task.state != "submitted":
            return False, f"Task {task.id} is {task.state}, so there is nothing to cancel; {go_on}"
        if not provider.can("cancel"):
            return False, f"{provider.title} cannot cancel: the paid video is being made; {go_on}"
        courier, end = self._connections.courier(task.realm, provider), now() + _CANCEL_PATIENCE
        try:
            asked = await ask_patiently(courier, lambda: provider.cancel(ticket), lambda: end)
        except ProviderError as error:
            return False, f"{sentence(error)} So the task goes on; {go_on}"
        if not asked:
            return False, f"{provider.title} is already making the video; {go_on}"
        finished = self.journal.clock()
        await self._in_thread(self.journal.update, task.id, "cancelled", finished=finished)
        return True, f"{provider.title} cancelled the task."

    async def tasks(self, only_open: bool = False) -> list[Task]:
        """The journal's tasks, oldest first."""
        return await self._in_thread(self.journal.tasks, OPEN if only_open else None)

    async def task(self, name: str) -> Task:
        """A task by its id or the beginning of it."""
        return await self._in_thread(self.journal.get, name)

    async def balance(
        self, provider: str | None = None, *, sandbox: bool | None = None
    ) -> tuple[float, str]:
        """What is left on the account at a provider, and the unit that it counts."""
        rehearsal = self.settings.sandbox if sandbox is None else sandbox
        chosen = self._jobs.provider(provider or self.settings.provider, rehearsal)
        if not chosen.can("balance"):
            page = f"; see {chosen.tasks_page}" if chosen.tasks_page else ""
            raise UsageError(
                f"{chosen.title} cannot be asked what is left on the account{page}.",
                provider=chosen.name,
            )
        courier = self._connections.courier(realm_of(chosen, rehearsal), chosen)
        return await courier.ask(chosen.balance()), chosen.cost_unit

    async def prune(self, older_than: float) -> list[Task]:
        """
        Forget tasks that ended more than `older_than` seconds ago, and remove their stored videos.

        Open tasks stay, and so does every video that was written elsewhere.
        """
        before = self.journal.clock() - older_than
        gone = await self._in_thread(self.journal.prune, before)
        store = Store(self.settings.home)
        for task in gone:
            await asyncio.to_thread(store.drop_video, task.id)
        return gone

    # -- one task to its end ---------------------------------------------------------------

    async def _row(self, wish: Wish) -> tuple[Task, bool]:
        """The journal's row for a wish, and whether an equal one was there before."""
        output = None if wish.output is None else str(wish.output)
        equal = await self._in_thread(self.journal.equal, wish.fingerprint)
        if equal is not None:
            await self._in_thread(self.journal.want, equal.id, output)
            return equal, True
        self._connections.courier(wish.realm, wish.provider)  # No key, no row.
        name, image = None, wish.request.image
        if isinstance(image, ImageFile):
            name = await asyncio.to_thread(Store(self.settings.home).keep_image, image)
        draft = wish.draft(name, self.journal.worker.id, self.journal.clock)
        task, new = await self._in_thread(self.journal.claim, draft, output)
        return task, not new

    async def _outcome(self, task: Task, deadline: float, progress: Listener) -> Outcome:
        video, error = None, None
        try:
            video = await self._finish(task, deadline, progress)
        except Kling26Error as reason:
            error = reason
        return Outcome(await self.task(task.id), video, error)

    async def _finish(
        self,
        task: Task,
        deadline: float,
        progress: Listener,
        output: Path | None = None,
        reused: bool = False,
    ) -> Video:
        try:
            task = await self._jobs.carry(task, deadline, progress)
            file = await self._hand_over(task, output)
        except Kling26Error as error:
            raise error.about(
                task=task.id, provider=task.provider, task_id=task.task_id
            ) from error.__cause__
        return Video(
            task=task.id,
            provider=task.provider,
            task_id=task.task_id,
            url=task.url,
            file=file,
            cost=task.cost,
            cost_unit=cost_unit(task, self.registry.providers),
            reused=reused,
            paid=task.submitted,
        )

    async def _hand_over(self, task: Task, output: Path | None) -> Path:
        """Write the video wherever it is wanted; returns where this caller finds it."""
        stored = written = Path(str(task.file))
        wanted = [] if output is None else [str(output)]
        with suppress(JournalError):  # The video is here; that is no reason to keep it back.
            wanted += await self._in_thread(self.journal.wanted, task.id)
        for path in map(Path, dict.fromkeys(wanted)):
            try:
                await asyncio.to_thread(copy_video, stored, path)
            except OSError as error:
                if output not in (None, path):
                    continue  # Somebody else's wish, and still open.
                raise NotDelivered(
                    f"The video is stored as {stored}, but could not be written to {path}: "
                    f"{error.strerror}."
                ) from error
            written = path
            with suppress(JournalError):
                await self._in_thread(self.journal.written, task.id, str(path))
        return output or written

    # -- shared means ----------------------------------------------------------------------

    async def _in_thread(self, function: Callable[..., T], *args: Any, **values: Any) -> T:
        """Call the journal, off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **values))


def _known(task: Task) -> Progress:
    """Says that an equal request was made before, and how to get another video."""
    when = datetime.fromtimestamp(task.submitted or task.created).astimezone()
    if task.state == "stored":
        did = "Rehearsed" if task.realm == "sandbox" else "Paid"
        what = f"{did} on {when:%Y-%m-%d %H:%M} as {task.id}, so this costs nothing"
    else:
        what = f"The same video is under way since {when:%Y-%m-%d %H:%M} as {task.id}; joining it"
    message = f"{what}; another --seed makes a new one."
    return Progress(task.id, task.provider, "note", message=message)
