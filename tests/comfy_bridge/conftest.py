"""The node beside a stand-in for ComfyUI and for the runner: no network, no clock."""

import asyncio
import os
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, field
from kling26.comfy_bridge import board, running, takes
from kling26.core import Progress, VideoRequest
from kling26.core.journal.task import Task
from kling26.core.plugins import Registry, load_providers
from kling26.core.runner.cancel import Cancellation
from kling26.core.runner.results import Video


@pytest.fixture
def comfyui(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """ComfyUI's stand-in; what the node did to it is in `sent`, `bars` and `routes`."""
    path = Path(__file__).with_name("stand_in.py")
    spec = spec_from_file_location("kling26_stand_in", path)
    assert spec
    assert spec.loader
    stand_in = module_from_spec(spec)
    spec.loader.exec_module(stand_in)
    told = stand_in.Told()
    told.modules = stand_in.modules(told)
    for name, module in told.modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    told.stand_in, told.temp = stand_in, tmp_path / "temp"
    monkeypatch.setattr(os, "execv", os.execv)  # The node wraps it.
    return told


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The built-in providers."""
    return load_providers()


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KLING26_HOME", str(tmp_path / "home"))
    for name in ("KIE_API_KEY", "APIKLEY_API_KEY", "COMETAPI_KEY", "RUNCOMFY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("KLING26_SANDBOX", raising=False)


@pytest.fixture(autouse=True)
def _fresh_boards() -> Iterator[None]:
    yield
    board._boards.clear()
    takes.missed.clear()


@define
class Runner:
    """
    A runner that makes no videos: it reports `steps`, waits until `go`, and ends with `result`.

    A cancel of its task is answered with `answer`, and a look at it with `row`. `asked` and
    `cancelled` are what it was asked for. `results` are those of the seeds and prompts that it
    names, and `refusals` what it says of prompts when they are checked.
    """

    steps: list[Progress] = field(factory=list)
    result: Any = None
    go: bool = True
    when_asked: Any = None
    asked: list[tuple[VideoRequest, str, Any, Any]] = field(factory=list)
    cancelled: list[str] = field(factory=list)
    answer: Any = None
    row: Any = None
    results: dict[int | str, Any] = field(factory=dict)
    registry: Registry = field(factory=load_providers)
    refusals: dict[str, Exception] = field(factory=dict)

    async def check(self, request: Any, provider: str, options: Any, *, sandbox: Any) -> None:
        assert not self.asked, "something was sent before everything was checked"
        if request.prompt in self.refusals:
            raise self.refusals[request.prompt]

    async def generate(
        self, request: Any, provider: str, options: Any, *, sandbox: Any, progress: Any
    ) -> Any:
        self.asked.append((request, provider, options, sandbox))
        if self.when_asked is not None:
            self.when_asked()
        for step in self.steps:
            progress(step)
        while not self.go:
            await asyncio.sleep(0.01)
        result = self.results.get(request.prompt, self.results.get(request.seed, self.result))
        if isinstance(result, BaseException):
            raise result
        return result

    async def latest(self, _: str) -> Any:
        return self.row

    async def cancel(self, task: str) -> Any:
        self.cancelled.append(task)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def task(self, _: str) -> Any:
        return self.row

    async def tasks(self, *, limit: int) -> list[Any]:
        return [] if self.row is None else [self.row]


def row(state: str, **more: Any) -> Task:
    """A row of the journal, of a task in this state."""
    facts: dict[str, Any] = {
        "id": "k1", "provider": "kie", "realm": "live", "fingerprint": "", "state": state,
        "prompt": "A fox", "sound": False, "duration": 5, "aspect_ratio": "16:9", "seed": 0,
        "options": {}, "created": 0.0, "updated": 0.0,
    }  # fmt: skip
    return Task(**facts | more)


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    video = Video(
        task="k1",
        provider="kie",
        task_id="remote-1",
        url="https://example.org/v.mp4",
        file=tmp_path / "v.mp4",
        cost=55.0,
        cost_unit="credits",
        reused=False,
        paid=None,
    )
    goes_on = Cancellation(row("submitted"), False, "kie.ai cannot cancel.")
    runner = Runner(result=video, answer=goes_on)
    monkeypatch.setattr(running, "shared_runner", lambda _: runner)
    return runner


@pytest.fixture
def hidden() -> Any:
    """What ComfyUI hides from the user: the node's id and the prompt."""
    return SimpleNamespace(unique_id="7", prompt={"7": {"inputs": {"provider": "kie"}}})


@pytest.fixture
def values() -> dict[str, Any]:
    """The node's inputs as ComfyUI gives them."""
    return {
        "prompt": "A red fox",
        "image_url": "",
        "sound": False,
        "duration": 5,
        "aspect_ratio": "16:9",
        "seed": 0,
        "sandbox": False,
        "provider": {"provider": "kie"},
    }
