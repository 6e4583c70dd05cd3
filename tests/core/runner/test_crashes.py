"""
Crashes: at every moment, between any two writes and requests.

A fuse counts each write to the journal, each request and each step of a receipt, before and after
it happens, and goes off at the n-th: from then on the process neither writes nor sends, as after a
SIGKILL.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
import sqlalchemy as sa
from attrs import define
from kling26.core.journal.database import Database
from kling26.core.journal.receipts import Receipts
from kling26.core.journal.task import Task
from kling26.core.runner.runner import Runner
from PIL import Image

from ..conftest import Stage

pytestmark = pytest.mark.no_cover


@pytest.fixture(params=["kie", "cometapi"])
def stage(request: pytest.FixtureRequest, brief: Callable[[str], Stage]) -> Stage:
    """A provider that cannot be asked for our id, and one that can: the runner sees no other."""
    return brief(request.param)


@pytest.fixture
def brief(stage_of: Callable[[str], Stage]) -> Callable[[str], Stage]:
    """A stage whose videos take seconds: a crash between two questions is like any other."""

    def build(name: str) -> Stage:
        stage = stage_of(name)
        stage.conditions.queued, stage.conditions.running = 1.0, 2.0
        return stage

    return build


T = TypeVar("T")


class Crash(BaseException):
    """The process is gone."""


@define
class Fuse:
    """Goes off at an event, and stays off."""

    at: int
    events: int = 0

    @property
    def gone(self) -> bool:
        return self.events >= self.at

    def burn(self) -> None:
        if not self.gone:
            self.events += 1
        if self.gone:
            raise Crash


class FusedDatabase(Database):
    fuse: Fuse

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        self.fuse.burn()
        done = await super().run(work)
        self.fuse.burn()
        return done


@define
class FusedTransport(httpx.AsyncBaseTransport):
    inner: httpx.AsyncBaseTransport
    fuse: Fuse

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.fuse.burn()
        reply = await self.inner.handle_async_request(request)
        self.fuse.burn()
        return reply


#: The fuse of the process that is running.
FUSE: ContextVar[Fuse | None] = ContextVar("FUSE", default=None)


@contextmanager
def process(fuse: Fuse) -> Iterator[None]:
    """What happens to receipts within is counted, too."""
    before = FUSE.set(fuse)
    try:
        yield
    finally:
        FUSE.reset(before)


@pytest.fixture(autouse=True)
def _fused_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted(step: Callable[..., T]) -> Callable[..., T]:
        def run(*args: object) -> T:
            fuse = FUSE.get()
            if fuse is None:
                return step(*args)
            fuse.burn()
            done = step(*args)
            fuse.burn()
            return done

        return run

    for name in ("reserve", "keep", "read", "discard"):
        monkeypatch.setattr(Receipts, name, counted(getattr(Receipts, name)))


def fused(stage: Stage, fuse: Fuse) -> Runner:
    """A runner that crashes when the fuse goes off."""
    runner = stage.runner(sandbox=lambda _: FusedTransport(stage.transport(), fuse))
    whole = runner.journal.database
    database = FusedDatabase(whole.address)
    database.fuse = fuse
    runner.journal.database = database
    return runner


async def crash(stage: Stage, fuse: Fuse, **wish: object) -> bool:
    """Ask for a video in a process that may crash; whether it did."""
    runner = fused(stage, fuse)
    try:
        with process(fuse):
            await stage.make(runner, **wish)
    except Crash:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return True
    return False


async def resume(stage: Stage, rows: Sequence[Task]) -> None:
    """Carry on the latest task: the others are over, or unknown and stay so."""
    async with stage.runner() as runner:
        for task in rows[-1:]:
            async for _ in runner.resume([task.id]):
                pass


def walk(stage: Stage, **wish: object) -> Iterator[int]:
    """A crash at each event in turn, each in the life of another request."""
    for event in range(1, 200):
        if not stage.run(crash(stage, Fuse(event), seed=event, **wish)):
            return
        yield event
    raise AssertionError("the walk does not end")


def test_a_resume_after_a_crash_at_any_moment_pays_once(stage: Stage) -> None:
    moments = answers = 0
    for _ in walk(stage):
        moments += 1
        before, known = stage.paid, stage.tasks()
        answered = was_answered(stage)
        stage.run(resume(stage, known))
        rows = stage.tasks()
        assert len(rows) == len(known)
        if rows:
            check(stage, rows[-1].state, answered)
        answers += answered and known[-1].task_id is None
        assert stage.paid - before <= 1
    assert moments > 20
    assert answers >= 2  # Kept and not read; read and not recorded.
    assert stage.paid <= len(stage.tasks())
    assert not list(stage.home.glob("videos/*.part"))


def was_answered(stage: Stage) -> bool:
    """Whether the answer to the latest paid request is on disk."""
    return any(
        path.read_bytes().strip(b"\0")
        for task in stage.tasks()[-1:]
        for path in stage.home.glob(f"receipts/{task.id}.*")
    )


def check(stage: Stage, state: str, answered: bool = False) -> None:
    """Everything ends stored; without own ids, an answer that never came leaves it unknown."""
    askable = stage.provider.name == "cometapi"
    assert state == "stored" or (state == "unknown" and not askable and not answered)


def test_the_same_run_again_after_a_crash_at_any_moment_pays_once(
    brief: Callable[[str], Stage],
) -> None:
    stage = brief("cometapi")
    for event in walk(stage):
        delivered, answered = True, was_answered(stage)
        try:
            stage.generate(seed=event)
        except Exception:  # noqa: BLE001 - what it may be is checked by the state.
            delivered = False
        state = stage.tasks()[-1].state
        assert delivered or state == "unknown"
        check(stage, state, answered)
        assert stage.paid <= event


@pytest.mark.parametrize("provider", ["kie"])
def test_a_crash_with_a_picture_loses_neither_picture_nor_money(
    brief: Callable[[str], Stage], tmp_path: Path, provider: str
) -> None:
    stage = brief(provider)
    picture = tmp_path / "first.png"
    Image.new("RGB", (320, 320), "teal").save(picture)
    picture_bytes = picture.read_bytes()
    picture.unlink()  # A picture of ComfyUI has no file, either.

    for _ in walk(stage, image=picture_bytes):
        answered = was_answered(stage)
        stage.run(resume(stage, stage.tasks()))
        for task in stage.tasks()[-1:]:
            check(stage, task.state, answered)
    assert stage.paid <= len(stage.tasks())


def test_a_crash_during_the_resume_is_resumed_too(stage: Stage) -> None:
    stage.run(crash(stage, Fuse(9)))

    for event in range(1, 60):
        runner = fused(stage, Fuse(event))

        async def resume_and_crash(runner: Runner = runner) -> None:
            try:
                with process(runner.journal.database.fuse):
                    async for _ in runner.resume():
                        pass
            except Crash:
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()

        stage.run(resume_and_crash())
    stage.run(resume(stage, stage.tasks()))

    check(stage, stage.task().state)
    assert stage.paid <= 1
