"""
A stage: runners over a provider's emulator, on a clock that no test has to wait for.

::

    from kling26.testing.stage import Stage

    def test_a_lost_answer_never_pays_twice(tmp_path):
        with Stage(tmp_path, Acme(), AcmeSandbox) as stage:
            stage.fault("reset_after_accept")
            with pytest.raises(OutcomeUnknown):
                stage.generate()

            assert stage.paid == 1

The runner is the real one, with its journal in the folder that it is given; only the network, the
clock and the key are not.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar

import httpx
from attrs import define, evolve, field

from ..core.hookspecs import Sandbox
from ..core.journal.journal import Journal
from ..core.journal.task import Task
from ..core.journal.worker import Worker
from ..core.plugins import Registry
from ..core.progress import Progress
from ..core.provider import Provider
from ..core.request import VideoRequest
from ..core.runner.results import Video
from ..core.runner.runner import Runner
from ..core.settings import Settings, address_variables
from .clock import VirtualLoop

T = TypeVar("T")

#: An emulator as an author has it: its class, or what the hook `kling26_sandboxes` returns.
Emulation = Sandbox | Callable[..., Any]

#: When the clock begins, in seconds since the epoch.
EPOCH = 1_790_000_000.0
#: Where `serve` serves.
SITE = "https://sandbox.example"
#: No process has such a number: a worker that has it is dead for every other one.
_NO_PROCESS = 2**22


def emulate(
    provider: Provider, sandbox: Emulation, conditions: Any
) -> tuple[Any, Callable[[], httpx.AsyncBaseTransport]]:
    """The emulator under these conditions, and what makes a transport to it."""
    offer = sandbox if isinstance(sandbox, Sandbox) else Sandbox(provider.name, build=sandbox)
    emulator = offer.build(conditions)
    addresses = [provider.base_url, provider.upload_url, *offer.hosts]
    apps = {str(address): emulator for address in addresses if address}
    return emulator, lambda: of_sandbox("SandboxTransport")(apps)


def serve(
    provider: Provider, sandbox: Emulation, conditions: Any
) -> tuple[Provider, Any, Any, httpx.AsyncBaseTransport]:
    """
    The same as `kling26 sandbox serve` has it: under a path of its own, beside others.

    Returns the provider at that address, the emulator, its own conditions, and a transport.
    """
    offer = sandbox if isinstance(sandbox, Sandbox) else Sandbox(provider.name, build=sandbox)
    site = of_sandbox("build_site")([offer], conditions)
    served = of_sandbox("environment")(offer, SITE)
    moved = provider.at(
        {
            attribute: served[variable]
            for attribute, variable in address_variables(provider).items()
            if variable in served
        }
    )
    app, own = site.apps[offer.provider], site.conditions[offer.provider]
    return moved, app, own, of_sandbox("SandboxTransport")({SITE: site})


def of_sandbox(name: str) -> Any:
    """Something of `kling26.sandbox`, by name: the core stands below it."""
    return getattr(import_module("kling26.sandbox"), name)


def _now(work: Coroutine[Any, Any, T]) -> T:
    """What a question to a journal returns, also while the stage's own loop is running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@define
class Stage:
    """
    One provider and its emulator, one home folder, and any number of runners.

    A runner that is left without being closed has crashed; the next one is another process, and
    takes up what the first has left.
    """

    home: Path
    provider: Provider
    sandbox: Emulation
    #: Clock, speed and faults of the emulator (`kling26.sandbox.Conditions`).
    conditions: Any = field(init=False)
    #: The emulator itself, with the `requests` that it saw and the tasks that it `accepted`.
    emulator: Any = field(init=False)
    #: The progress that was told.
    heard: list[Progress] = field(factory=list, init=False)
    #: Makes a transport to the emulator, at the addresses of the provider.
    transport: Callable[[], httpx.AsyncBaseTransport] = field(init=False, repr=False)
    _loop: asyncio.Runner = field(init=False, repr=False)
    _workers: int = field(default=0, init=False)
    _reader: Journal = field(init=False, repr=False)
    _journals: list[Journal] = field(factory=list, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._loop = asyncio.Runner(loop_factory=VirtualLoop)
        self.conditions = of_sandbox("Conditions")(clock=self.clock, queued=20.0, running=40.0)
        self.emulator, self.transport = emulate(self.provider, self.sandbox, self.conditions)
        self._reader = Journal(self._settings.journal)
        self._journals.append(self._reader)

    @property
    def _settings(self) -> Settings:
        return Settings({"KLING26_HOME": str(self.home)})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop.close()
        for journal in self._journals:  # One that crashed has left its connections open.
            _now(journal.close())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the stage's clock, which goes on from one run to the next."""
        return self._loop.run(work)

    def clock(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self._loop.get_loop().time()

    def fault(self, name: str, **how: Any) -> None:
        """Let the emulator misbehave: a name out of `kling26.sandbox.FAULTS`."""
        self.conditions.faults.append(of_sandbox("Fault")(name, **how))

    def runner(self, alive: bool = False, **changes: Any) -> Runner:
        """
        A runner as of a process of its own.

        For all others that process is gone, and its tasks are theirs, unless it is `alive`. The
        `changes` are arguments of `Runner`.
        """
        self._workers += 1
        worker = evolve(Worker.here(), id=f"w-{self._workers}")
        if not alive:
            worker = evolve(worker, pid=_NO_PROCESS + self._workers)
        settings, name = self._settings, self.provider.name
        options: dict[str, Any] = {
            "settings": settings,
            "registry": Registry(
                MappingProxyType({name: self.provider}), MappingProxyType({name: "this test"})
            ),
            "sandbox": lambda _: self.transport(),
            "journal": Journal(settings.journal, clock=self.clock, worker=worker),
        }
        runner = Runner(**(options | changes))
        self._journals.append(runner.journal)
        return runner

    async def make(
        self, runner: Runner, prompt: str = "A heron lands on a pond", **more: Any
    ) -> Video:
        """A video; shared options of the request go beside the arguments of `Runner.generate`."""
        names = ("image", "sound", "duration", "aspect_ratio", "callback_url", "seed")
        wishes = {name: more.pop(name) for name in names if name in more}
        more.setdefault("progress", self.heard.append)
        return await runner.generate(
            VideoRequest(prompt, **wishes), self.provider.name, sandbox=True, **more
        )

    def generate(self, *args: Any, **more: Any) -> Video:
        """One video by one runner that is closed properly."""

        async def work() -> Video:
            async with self.runner() as runner:
                return await self.make(runner, *args, **more)

        return self.run(work())

    def tasks(self) -> list[Task]:
        """The rows of the journal, oldest first."""
        return _now(self._reader.tasks())

    def task(self) -> Task:
        """The only row of the journal."""
        (task,) = self.tasks()
        return task

    @property
    def paid(self) -> int:
        """How many tasks the provider took."""
        return len(self.emulator.accepted)
