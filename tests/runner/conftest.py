"""A stage: runners over the emulators, on a clock that no test has to wait for."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from attrs import define, evolve, field
from kling26.core.journal import Journal, Worker
from kling26.core.progress import Progress
from kling26.core.registry import Registry, load_providers, load_sandboxes
from kling26.core.request import VideoRequest
from kling26.core.results import Video
from kling26.core.runner import Runner
from kling26.core.settings import Settings
from kling26.core.task import Task
from kling26.core.testing.clock import VirtualLoop
from kling26.sandbox import Conditions, Emulator, Fault, SandboxTransport

PROVIDERS = ("kie", "apikley", "cometapi", "runcomfy")
KEYS = {
    "KIE_API_KEY": "key-of-kie",
    "APIKLEY_API_KEY": "key-of-apikley",
    "COMETAPI_KEY": "key-of-cometapi",
    "RUNCOMFY_TOKEN": "key-of-runcomfy",
}
EPOCH = 1_790_000_000.0

T = TypeVar("T")


@define
class Stage:
    """
    One provider's emulator, one home folder, and any number of runners.

    A runner that is left without being closed has crashed: `crash` gives the next one another
    worker, whose forerunner's process is gone.
    """

    home: Path
    provider: str
    conditions: Conditions = field(init=False)
    emulator: Emulator = field(init=False)
    heard: list[Progress] = field(factory=list)
    _workers: int = 0
    _reader: Journal | None = field(default=None, init=False)
    _providers: Registry = field(factory=load_providers, init=False)
    _loop: asyncio.Runner = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._loop = asyncio.Runner(loop_factory=VirtualLoop)
        self.conditions = Conditions(clock=self.clock, queued=20.0, running=40.0)
        app = load_sandboxes()[self.provider].build(self.conditions)
        assert isinstance(app, Emulator)
        self.emulator = app

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the stage's clock, which goes on from one run to the next."""
        return self._loop.run(work)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._loop.close()

    def clock(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self._loop.get_loop().time()

    def fault(self, name: Any, **how: Any) -> None:
        self.conditions.faults.append(Fault(name, **how))

    def runner(self, alive: bool = False, **changes: Any) -> Runner:
        """A runner of a process of its own, which is gone for all the others unless `alive`."""
        self._workers += 1
        worker = evolve(Worker.here(), id=f"w-{self._workers}")
        if not alive:
            worker = evolve(worker, pid=2**22 + self._workers)  # No process has this number.
        settings = Settings({"KLING26_HOME": str(self.home)})
        options: dict[str, Any] = {
            "settings": settings,
            "registry": self._providers,
            "sandbox": lambda _: self.transport(),
            "journal": Journal(settings.journal, clock=self.clock, worker=worker),
        }
        return Runner(**(options | changes))

    def transport(self) -> httpx.AsyncBaseTransport:
        provider = self._providers[self.provider]
        hosts = {provider.base_url, provider.upload_url} - {None}
        return SandboxTransport({str(host): self.emulator for host in hosts})

    def options(self, sound: bool = False) -> dict[str, object]:
        return {"mode": "pro"} if sound and self.provider == "cometapi" else {}

    async def make(
        self, runner: Runner, prompt: str = "A heron lands on a pond", **more: Any
    ) -> Video:
        names = ("image", "sound", "duration", "aspect_ratio", "seed")
        wishes = {name: more.pop(name) for name in names if name in more}
        more.setdefault("progress", self.heard.append)
        return await runner.generate(
            VideoRequest(prompt, **wishes), self.provider, sandbox=True, **more
        )

    def generate(self, *args: Any, **more: Any) -> Video:
        """One video by one runner that is closed properly."""

        async def work() -> Video:
            async with self.runner() as runner:
                return await self.make(runner, *args, **more)

        return self.run(work())

    def tasks(self) -> list[Task]:
        if self._reader is None:
            self._reader = Journal(Settings({"KLING26_HOME": str(self.home)}).journal)
        return self._reader.tasks()

    def task(self) -> Task:
        (task,) = self.tasks()
        return task

    @property
    def paid(self) -> int:
        """How many tasks the provider took."""
        return len(self.emulator.accepted)

    def submits(self) -> int:
        """How often the paid request arrived at the provider."""
        paths = ("createTask", "text2video", "image2video", "-video")
        return sum(
            seen.method == "POST" and seen.path.endswith(paths) for seen in self.emulator.requests
        )


@pytest.fixture(params=PROVIDERS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Each provider in turn."""
    stage = Stage(tmp_path / "home", request.param)
    yield stage
    stage.close()


@pytest.fixture
def stage_of(tmp_path: Path) -> Iterator[Callable[[str], Stage]]:
    """One provider by name."""
    stages: list[Stage] = []

    def build(provider: str) -> Stage:
        stages.append(Stage(tmp_path / "home", provider))
        return stages[-1]

    yield build
    for stage in stages:
        stage.close()
