"""
A stage: the real runner against a provider's emulator, on a clock that no test has to wait for.

::

    from kling26.testing import Stage

    def test_a_lost_response_is_never_paid_twice(tmp_path):
        with Stage(tmp_path, Acme(), AcmeSandbox) as stage:
            stage.fault("reset_after_accept")
            with pytest.raises(OutcomeUnknown):
                stage.generate()

            assert stage.paid == 1

Only the network, the clock and the key are not real; the journal is in the folder given.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypedDict, TypeVar, Unpack

import httpx
from attrs import define, field

from ..core.http.pool import SandboxFactory
from ..core.images import ImageFile
from ..core.installed import discover
from ..core.journal.journal import Journal
from ..core.journal.task import Task
from ..core.journal.worker import Worker
from ..core.plugins import Registry, load_providers, load_sandboxes
from ..core.progress import Progress
from ..core.provider import Provider
from ..core.runner.results import Video
from ..core.runner.runner import Runner
from ..core.runner.video import VideoChecker
from ..core.settings import Settings
from ..sandbox import Conditions, Emulator, Fault, FaultName
from .clock import VirtualLoop
from .emulation import Emulation, SandboxLike, emulate
from .usual import PROMPT, usual_request

T = TypeVar("T")

#: When the clock starts, in seconds since the epoch.
EPOCH = 1_790_000_000.0


class RequestFields(TypedDict, total=False):
    """The fields of a `VideoRequest`, but for the prompt."""

    image: str | bytes | Path | ImageFile | None
    end_image: str | bytes | Path | ImageFile | None
    sound: bool
    duration: int
    aspect_ratio: str
    callback_url: str | None
    seed: int
    asks_for_shape: bool


@define
class Stage:
    """
    One provider, its emulator, one home folder, and any number of runners.

    A runner that is dropped without being closed has crashed; the next one counts as another
    process, and takes over what the first has left.
    """

    home: Path
    provider: Provider
    sandbox: SandboxLike
    #: The progress that was reported.
    progress: list[Progress] = field(factory=list, init=False)
    _emulation: Emulation = field(init=False, repr=False)
    _loop: asyncio.Runner = field(init=False, repr=False)
    _workers: int = field(default=0, init=False, repr=False)
    _reader: Journal = field(init=False, repr=False)
    _journals: list[Journal] = field(factory=list, init=False, repr=False)
    _aside: "_Aside" = field(factory=lambda: _Aside(), init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _keep_checking()
        self._loop = asyncio.Runner(loop_factory=VirtualLoop)
        conditions = Conditions(clock=self.clock, queued=20.0, running=40.0)
        self._emulation = emulate(self.provider, self.sandbox, conditions)
        self._reader = Journal(self._settings.journal, self.home)
        self._journals.append(self._reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop.close()
        self._aside.run(self._close_journals())
        self._aside.close()

    # -- the provider's side ---------------------------------------------------------------

    @property
    def emulator(self) -> Emulator:
        """The emulator, with the `requests` it has seen and the tasks it has `accepted`."""
        return self._emulation.emulator

    @property
    def conditions(self) -> Conditions:
        """The emulator's clock, speed, keys and faults."""
        return self._emulation.conditions

    def transport(self) -> httpx.AsyncBaseTransport:
        """A new transport to the emulator, at the provider's own URLs."""
        return self._emulation.transport()

    def fault(
        self,
        name: FaultName,
        *,
        times: int = 1,
        retry_after: float | None = None,
        seconds: float | None = None,
        status: int = 500,
    ) -> None:
        """Make the emulator misbehave, `times` in a row: see `kling26.sandbox.Fault`."""
        fault = Fault(name, times=times, retry_after=retry_after, seconds=seconds, status=status)
        self.conditions.faults.append(fault)

    @property
    def paid(self) -> int:
        """How many tasks the provider has accepted."""
        return len(self.emulator.accepted)

    # -- the user's side -------------------------------------------------------------------

    def run(self, work: Coroutine[object, None, T]) -> T:
        """Run something on the stage's clock, which continues from one run to the next."""
        return self._loop.run(work)

    def clock(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self._loop.get_loop().time()

    def runner(
        self,
        alive: bool = False,
        *,
        journal: Journal | None = None,
        sandbox: SandboxFactory | None = None,
    ) -> Runner:
        """
        A runner as if in a process of its own.

        To all other runners that process is dead, and its tasks are theirs, unless it is `alive`.
        `journal` and `sandbox` take the place of the stage's own.
        """
        settings, name = self._settings, self.provider.name
        runner = Runner(
            settings=settings,
            registry=Registry(
                MappingProxyType({name: self.provider}), MappingProxyType({name: "this test"})
            ),
            sandbox=sandbox or (lambda _: self.transport()),
            journal=journal or self._journal(alive),
        )
        self._journals.append(runner.journal)
        return runner

    async def make(
        self,
        runner: Runner,
        prompt: str = PROMPT,
        *,
        options: Mapping[str, object] | object | None = None,
        output: Path | None = None,
        timeout: float = 3600.0,
        **fields: Unpack[RequestFields],
    ) -> Video:
        """`Runner.generate` with this provider, for the request with these `fields`."""
        return await runner.generate(
            usual_request(self.provider, prompt, **fields),
            self.provider.name,
            options,
            output=output,
            sandbox=True,
            timeout=timeout,
            progress=self.progress.append,
        )

    def generate(
        self,
        prompt: str = PROMPT,
        *,
        options: Mapping[str, object] | object | None = None,
        output: Path | None = None,
        timeout: float = 3600.0,
        **fields: Unpack[RequestFields],
    ) -> Video:
        """`make`, by a runner that is closed properly."""

        async def work() -> Video:
            async with self.runner() as runner:
                return await self.make(
                    runner, prompt, options=options, output=output, timeout=timeout, **fields
                )

        return self.run(work())

    def tasks(self) -> list[Task]:
        """The rows of the journal, oldest first."""
        return self._aside.run(self._reader.tasks())

    def task(self) -> Task:
        """The only row of the journal; raises `ValueError` if there is not exactly one."""
        (task,) = self.tasks()
        return task

    async def _close_journals(self) -> None:
        for journal in self._journals:  # A crashed runner has left its connections open.
            await journal.close()

    @property
    def _settings(self) -> Settings:
        return Settings({"KLING26_HOME": str(self.home)})

    def _journal(self, alive: bool) -> Journal:
        journal = Journal(self._settings.journal, self.home, self.clock)
        self._workers += 1
        kind = Worker if alive else _DeadWorker
        journal.worker = kind(journal.worker.folder, self.clock, f"w-{self._workers}")
        return journal


class _DeadWorker(Worker):
    """A worker whose process is gone, to all others: nobody has its lock."""

    def take_lock(self) -> None:
        if self.folder is not None:
            self.folder.mkdir(mode=0o700, exist_ok=True)

    def place(self) -> str | None:
        return self.folder_id()


@cache
def _keep_checking() -> VideoChecker:
    """Keep the process that checks videos: to start it takes longer than most tests."""
    return VideoChecker()


@define
class _Aside:
    """An event loop on a thread of its own: it also runs something while the stage's runs."""

    _thread: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1), init=False)
    _loop: asyncio.Runner = field(factory=asyncio.Runner, init=False)

    def run(self, work: Coroutine[object, None, T]) -> T:
        return self._thread.submit(self._loop.run, work).result()

    def close(self) -> None:
        with self._thread:
            self._thread.submit(self._loop.close)


@define
class Stages:
    """Sets stages, each with a home of its own below `folder`: what the fixture `stage` gives."""

    folder: Path
    _set: list[Stage] = field(factory=list, init=False, repr=False)

    def __call__(self, provider: Provider | str, sandbox: SandboxLike | None = None) -> Stage:
        """
        A stage for a provider and its emulator, or for an installed provider by its name::

            stage(Acme(), AcmeSandbox)
            stage("acme")
        """
        if isinstance(provider, str):
            provider = load_providers(discover())[provider]
        if sandbox is None:
            sandbox = load_sandboxes(discover())[provider.name]
        self._set.append(Stage(self.folder / f"home-{len(self._set)}", provider, sandbox))
        return self._set[-1]

    def close(self) -> None:
        for stage in self._set:
            stage.close()
