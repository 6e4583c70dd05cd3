"""
The runner: from a request to a stored video, paid once.

One per event loop. It keeps the journal, the HTTP clients and the jobs; callers may come and go,
be cancelled or time out, without touching what has been paid for.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from attrs import define, field, frozen

from . import checks
from .errors import (
    JournalError,
    Kling26Error,
    NotDelivered,
    OutcomeUnknown,
    SettingsError,
    StillRunning,
    TaskCancelled,
    TaskFailed,
    UnknownTask,
)
from .http import Courier, make_client
from .job import Bench, Job
from .journal import Journal, new_task_id
from .keys import Key, Keys
from .options import build_options
from .pacing import Gate, now
from .progress import Listener, Progress, silence
from .provider import Provider
from .registry import Registry, load_providers, load_sandboxes, plugins
from .request import ImageFile, VideoRequest
from .settings import Settings, is_loopback
from .store import Store, check_output, copy_video
from .submission import TakenOver
from .task import OPEN, Realm, Task, fingerprint, write_options, write_request

T = TypeVar("T")

logger = logging.getLogger("kling26")

TIMEOUT = 3600.0
#: The key that sandboxed requests are signed with.
_SANDBOX_KEY = Key("sandbox-key", "sandbox")
#: How long a paid request in flight is waited for when the runner closes, in seconds.
_LAST_ANSWER = 10.0
#: How often a task in another process's hands is looked at, in seconds.
_WATCH_EVERY = 0.5
_HEARTBEAT = 15.0

#: Builds the transport of the emulators for these providers (`kling26.sandbox`).
SandboxFactory = Callable[[Mapping[str, Provider]], httpx.AsyncBaseTransport]


@frozen
class Video:
    """
    A video that is here.

    `file` is where it was written; `cost` counts the provider's `cost_unit`, where told.
    `reused` says that it had been paid for before, at `paid` (seconds since the epoch).
    """

    task: str
    provider: str
    task_id: str | None
    url: str | None
    file: Path
    cost: float | None
    reused: bool
    paid: float | None


@frozen
class Outcome:
    """How one of several tasks ended: its row, and the video or the error."""

    task: Task
    video: Video | None
    error: Kling26Error | None


@define
class Runner:
    """
    Makes videos.

    ::

        async with Runner(Settings()) as runner:
            video = await runner.generate(VideoRequest("A red fox"), provider="kie")

    `transport`, `worker` and `journal` are for tests.
    """

    settings: Settings = field(factory=Settings)
    registry: Registry | None = None
    transport: httpx.AsyncBaseTransport | None = None
    sandbox_transport: SandboxFactory | None = None
    journal: Journal | None = None
    _jobs: dict[str, tuple[Job, "asyncio.Task[Task]"]] = field(factory=dict, init=False)
    _gates: dict[str, Gate] = field(factory=dict, init=False)
    _clients: dict[str, httpx.AsyncClient] = field(factory=dict, init=False)
    _heart: "asyncio.Task[None] | None" = field(default=None, init=False)
    # One thread: SQLite takes one writer at a time, and the order of events is kept.
    _thread: ThreadPoolExecutor = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kling26-journal")
        if self.registry is None:
            self.registry = load_providers(plugins(self.settings.load_plugins))
        if self.journal is None:
            self.journal = Journal(self.settings.journal)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop; open tasks stay in the journal, and a paid request in flight gets its answer."""
        await self._last_answers()
        running = [task for _, task in self._jobs.values()]
        if self._heart is not None:
            running.append(self._heart)  # type: ignore[arg-type]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()
        with suppress(JournalError):
            await self.in_thread(self._journal.release)
        await self.in_thread(self._journal.close)
        self._thread.shutdown(wait=False)

    async def _last_answers(self) -> None:
        """Wait a little while paid requests are in flight: their answers are worth money."""
        end = now() + _LAST_ANSWER
        while any(job.paying for job, _ in self._jobs.values()) and now() < end:
            await asyncio.sleep(0.05)

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
        progress: Listener = silence,
    ) -> Video:
        """
        The video of a request: made, joined while it is being made, or given from the store.

        `options` are the provider's own, by name or as an instance of its options class; `output`
        is where the video is written besides the store; `timeout` is in seconds. Raises
        `Kling26Error`: see `kling26.core.errors` for what each kind means for the money.
        """
        deadline = now() + timeout
        wish = self._wish(request, provider, options, output, sandbox)
        task = await self.in_thread(self._journal.equal, wish.fingerprint)
        known = task is not None
        if task is None:
            wish.key = wish.key or Keys(self.settings).need(wish.provider)
            task, new = await self._claim(wish)
            known = not new
        elif wish.output is not None:
            await self.in_thread(self._journal.want, task.id, str(wish.output))
        if known:
            progress(_known(task, wish.provider))
        return await self._finish(task, deadline, progress, wish, reused=known)

    async def resume(
        self,
        tasks: Sequence[str] = (),
        *,
        timeout: float = TIMEOUT,
        progress: Listener = silence,
    ) -> AsyncIterator[Outcome]:
        """Carry these tasks to their end, or all open ones; yields each as it ends."""
        if tasks:
            found = [await self.in_thread(self._journal.get, name) for name in tasks]
        else:
            found = await self.in_thread(self._journal.tasks, OPEN)
        deadline = now() + timeout
        running = [asyncio.create_task(self._outcome(task, deadline, progress)) for task in found]
        try:
            for outcome in asyncio.as_completed(running):
                yield await outcome
        finally:
            for each in running:
                each.cancel()

    async def resubmit(
        self, name: str, *, timeout: float = TIMEOUT, progress: Listener = silence
    ) -> Outcome:
        """
        Submit an unknown task again, knowingly, and carry it to its end.

        Where the provider can be asked whether it has the task, that comes first.
        """
        deadline = now() + timeout
        task = await self.in_thread(self._journal.get, name)
        if task.state != "unknown":
            raise UnknownTask(
                f"Task {task.id} is {task.state}; only an unknown task is submitted again.",
                task=task.id,
            )
        provider = self._provider_of(task)
        if provider.can("find"):
            outcome = await self._outcome(task, deadline, progress)
            if not isinstance(outcome.error, OutcomeUnknown):
                return outcome
        if not await self.in_thread(self._journal.reopen, task.id):
            raise UnknownTask("Another process is carrying this task on.", task=task.id)
        task = await self.in_thread(self._journal.get, task.id)
        return await self._outcome(task, deadline, progress)

    async def cancel(self, name: str) -> tuple[Task, bool, str]:
        """
        Cancel a task where that is possible and free.

        Returns its row, whether it is cancelled, and a sentence on what really happened.
        """
        task = await self.in_thread(self._journal.get, name)
        if task.state == "cancelled":
            return task, True, f"Task {task.id} was cancelled before."
        if not task.open:
            raise UnknownTask(f"Task {task.id} is {task.state} already.", task=task.id)
        provider = self._provider_of(task)
        cancelled, sentence = await self._cancel(task, provider)
        return await self.in_thread(self._journal.get, task.id), cancelled, sentence

    async def _cancel(self, task: Task, provider: Provider) -> tuple[bool, str]:
        ticket = task.read_ticket()
        if await self.in_thread(self._journal.withdraw, task.id):
            return True, "Nothing had been sent; the task is cancelled and cost nothing."
        if ticket is None or task.state != "submitted":
            return False, f"Task {task.id} is {task.state}; there is nothing to cancel."
        if not provider.can("cancel"):
            return False, (
                f"{provider.title} cannot cancel a task, so the paid video is being finished; "
                f"fetch it with: kling26 resume {task.id}"
            )
        if await self._courier(task, provider).ask(provider.cancel(ticket)):
            await self.in_thread(
                self._journal.update, task.id, "cancelled", finished=self._journal.clock()
            )
            return True, f"{provider.title} cancelled the task."
        return False, (
            f"{provider.title} cancels queued tasks only, and this one is being made; fetch it "
            f"with: kling26 resume {task.id}"
        )

    async def tasks(self, only_open: bool = False) -> list[Task]:
        """The journal's tasks, oldest first."""
        return await self.in_thread(self._journal.tasks, OPEN if only_open else None)

    async def task(self, name: str) -> Task:
        """A task by its id or the beginning of it."""
        return await self.in_thread(self._journal.get, name)

    # -- one task to its end ---------------------------------------------------------------

    async def _outcome(self, task: Task, deadline: float, progress: Listener) -> Outcome:
        video, error = None, None
        try:
            video = await self._finish(task, deadline, progress)
        except Kling26Error as reason:
            error = reason
        return Outcome(await self.in_thread(self._journal.get, task.id), video, error)

    async def _finish(
        self,
        task: Task,
        deadline: float,
        progress: Listener,
        wish: "_Wish | None" = None,
        reused: bool = False,
    ) -> Video:
        try:
            task = await self._stored(task, deadline, progress, wish)
            return await self._hand_over(task, wish, reused)
        except Kling26Error as error:
            raise error.about(
                task=task.id, provider=task.provider, task_id=task.task_id
            ) from error.__cause__

    async def _stored(
        self, task: Task, deadline: float, progress: Listener, wish: "_Wish | None"
    ) -> Task:
        """The row of the task once its video is stored: by this process, or by another."""
        while True:
            if task.state == "stored" and task.file and Path(task.file).exists():
                return task
            if task.state in ("refused", "failed", "cancelled"):
                raise _ended(task)
            if task.id in self._jobs or await self.in_thread(self._journal.adopt, task):
                try:
                    return await self._work(task, deadline, progress, wish)
                except TakenOver:
                    pass
            elif now() >= deadline:
                raise self._still_running(task)
            await asyncio.sleep(_WATCH_EVERY)
            task = await self.in_thread(self._journal.get, task.id)

    async def _work(
        self, task: Task, deadline: float, progress: Listener, wish: "_Wish | None"
    ) -> Task:
        """Join the task's job in this process, or begin it; when time is up, it goes on alone."""
        if task.id not in self._jobs:
            await self._begin(task, deadline, wish)
        job, running = self._jobs[task.id]
        job.deadline = max(job.deadline, deadline)
        job.listeners.append(progress)
        try:
            await asyncio.wait([running], timeout=max(0.0, deadline - now()))
            if not running.done() and job.task.submitted is None:
                # It is about to settle whether anything was paid: that answer is worth a moment.
                await asyncio.wait([running], timeout=2.0)
        finally:
            job.listeners.remove(progress)
        if not running.done():
            raise self._still_running(job.task)
        return running.result()

    async def _begin(self, task: Task, deadline: float, wish: "_Wish | None") -> None:
        provider = wish.provider if wish else self._provider_of(task)
        courier = self._courier(task, provider, wish.key if wish else None)
        options = wish.options if wish else build_options(
            provider.Options, task.read_options(), provider.title, provider.name
        )  # fmt: skip
        if task.state == "stored":  # The file is gone: fetch it again, it is paid for.
            await self.in_thread(
                self._journal.update, task.id, "succeeded", among=("stored",), url=None
            )
        task = await self.in_thread(self._journal.get, task.id)
        duration = int(str(task.wishes()["duration"]))
        job = Job(
            task=task,
            provider=provider,
            options=options,
            courier=courier,
            bench=Bench(
                self._journal, Store(self.settings.home), self._downloads(task), self.in_thread
            ),
            gate=self._gates.setdefault(f"{task.realm}:{provider.name}", Gate(provider.limits)),
            deadline=deadline,
            usual_time=await self.in_thread(
                self._journal.usual_time, provider.name, task.realm, duration
            ),
        )
        if task.id in self._jobs:  # Another caller was quicker while the journal was asked.
            return
        running = asyncio.create_task(job.run(), name=f"kling26 {task.id}")
        self._jobs[task.id] = job, running
        running.add_done_callback(lambda done: self._forget(task.id, done))
        self._start_heart()

    def _forget(self, task: str, done: "asyncio.Task[Task]") -> None:
        self._jobs.pop(task, None)
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.info("Task %s: %s", task, error)

    async def _hand_over(self, task: Task, wish: "_Wish | None", reused: bool) -> Video:
        """Write the video wherever it is wanted."""
        file = stored = Path(str(task.file))
        for path in await self.in_thread(self._journal.wanted, task.id):
            try:
                await self.in_thread(copy_video, stored, Path(path))
            except OSError as error:
                raise NotDelivered(
                    f"The video is stored as {stored}, but could not be written to {path}: "
                    f"{error.strerror}."
                ) from error
            await self.in_thread(self._journal.written, task.id, path)
            file = Path(path)
        if wish is not None and wish.output is not None:
            file = wish.output
        return Video(
            task.id, task.provider, task.task_id, task.url, file, task.cost, reused, task.submitted
        )

    def _still_running(self, task: Task) -> StillRunning:
        title = self._registry.providers[task.provider].title
        return StillRunning(
            f"{title} was not done with the video when the time was up. It goes on, and is paid "
            f"for once; fetch it with: kling26 resume {task.id}"
        )

    # -- preparing -------------------------------------------------------------------------

    def _wish(
        self,
        request: VideoRequest,
        name: str | None,
        options: Mapping[str, object] | object | None,
        output: str | Path | None,
        sandbox: bool | None,
    ) -> "_Wish":
        """A request that has passed every check that can be made without asking anyone."""
        sandbox = self.settings.sandbox if sandbox is None else sandbox
        provider = self._provider(name or self.settings.provider, sandbox)
        chosen = checks.check(provider, request, options)
        path = None if output is None else check_output(Path(output))
        realm = _realm(provider, sandbox)
        return _Wish(
            request,
            provider,
            chosen,
            realm,
            fingerprint(provider.name, realm, request, chosen),
            path,
            _SANDBOX_KEY if sandbox else None,
        )

    async def _claim(self, wish: "_Wish") -> tuple[Task, bool]:
        """The journal's row for a wish: a new one, or an equal one that came in between."""
        image, name = wish.request.image, None
        if isinstance(image, ImageFile):
            name = await self.in_thread(Store(self.settings.home).keep_image, image)
        moment = self._journal.clock()
        draft = Task(
            id=new_task_id(),
            provider=wish.provider.name,
            realm=wish.realm,
            fingerprint=wish.fingerprint,
            state="submitting",
            request=write_request(wish.request),
            options=write_options(wish.options),
            image=name,
            created=moment,
            updated=moment,
            worker=self._journal.worker.id,
        )
        output = None if wish.output is None else str(wish.output)
        return await self.in_thread(self._journal.claim, draft, output)

    def _provider_of(self, task: Task) -> Provider:
        """The provider of a task, where the task is."""
        rehearsal = task.realm == "sandbox"
        provider = self._provider(task.provider, rehearsal)
        if task.realm != _realm(provider, rehearsal):
            raise SettingsError(
                f"Task {task.id} was given to {provider.title} "
                + ("itself" if task.realm == "live" else "at an address on this machine")
                + f", and {provider.base_url} is set now; change the base address back."
            )
        return provider

    def _provider(self, name: str, sandbox: bool) -> Provider:
        """A provider at the address that is set; in the sandbox, where it really would be."""
        provider = self._registry[name]
        return provider if sandbox else self.settings.settle(provider)

    # -- shared means ----------------------------------------------------------------------

    @property
    def _registry(self) -> Registry:
        assert self.registry is not None
        return self.registry

    @property
    def _journal(self) -> Journal:
        assert self.journal is not None
        return self.journal

    async def in_thread(self, function: Callable[..., T], *args: Any, **values: Any) -> T:
        """Call something that waits for a disk or a database, off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **values))

    def _courier(self, task: Task, provider: Provider, key: Key | None = None) -> Courier:
        if task.realm == "sandbox":
            client = self._client("sandbox")
            return Courier(provider, _SANDBOX_KEY, client, client)
        key = key or Keys(self.settings).need(provider)
        return Courier(provider, key, self._client("free"), self._client("paid"))

    def _downloads(self, task: Task) -> httpx.AsyncClient:
        return self._client("sandbox" if task.realm == "sandbox" else "downloads")

    def _client(self, use: str) -> httpx.AsyncClient:
        if use not in self._clients:
            transport = self._sandbox() if use == "sandbox" else self.transport
            self._clients[use] = make_client(transport, keep_alive=use != "paid")
        return self._clients[use]

    def _sandbox(self) -> httpx.AsyncBaseTransport:
        if self.sandbox_transport is not None:
            return self.sandbox_transport(self._registry.providers)
        from importlib import import_module

        # By name: the core stands below the sandbox, and most runs never need it.
        rehearsal = import_module("kling26.sandbox").rehearsal
        emulators = load_sandboxes(plugins(self.settings.load_plugins))
        transport: httpx.AsyncBaseTransport = rehearsal(
            self._registry.providers, emulators, self.settings
        )
        return transport

    def _start_heart(self) -> None:
        if self._heart is None:
            self._heart = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        """Show other machines that share the journal that this worker is alive."""
        while True:
            await asyncio.sleep(_HEARTBEAT)
            with suppress(JournalError):
                await self.in_thread(self._journal.beat)


@define
class _Wish:
    """A checked request: what, of whom, and where to."""

    request: VideoRequest
    provider: Provider
    options: object
    realm: Realm
    fingerprint: str
    output: Path | None
    key: Key | None


def _realm(provider: Provider, sandbox: bool) -> Realm:
    if sandbox:
        return "sandbox"
    return "loopback" if is_loopback(httpx.URL(provider.base_url).host) else "live"


def _known(task: Task, provider: Provider) -> Progress:
    """Says that an equal request was made before, and how to get another video."""
    from datetime import datetime

    day = datetime.fromtimestamp(task.submitted or task.created).astimezone()
    when = f"{day:%Y-%m-%d %H:%M}"
    if task.state == "stored":
        message = f"Paid on {when} as {task.id}, so this costs nothing"
    else:
        message = f"The same video is under way since {when} as {task.id}; joining it"
    return Progress(
        task.id, provider.name, "note", message=f"{message}; another --seed makes a new one."
    )


def _ended(task: Task) -> Kling26Error:
    """The error of a task that another process saw end without a video."""
    from .errors import Refused

    message = task.error or f"Task {task.id} is {task.state}."
    kinds = {"failed": TaskFailed, "cancelled": TaskCancelled}
    return kinds.get(task.state, Refused)(message, code=task.code)
