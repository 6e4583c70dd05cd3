"""Who is alive: by locks and heartbeats, whatever the clocks say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import define
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Task, new_task_id
from kling26.testing.clock import run

pytestmark = pytest.mark.no_cover

HOUR = 3600.0


@define
class Clock:
    """A clock that a test sets; no time passes by itself."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def journal(folder: Path, clock: Clock, home: str = "home") -> Journal:
    """The journal as a process on one of the machines that share `folder` has it open."""
    return Journal(f"sqlite:///{folder / 'journal.sqlite3'}", folder / home, clock)


def draft(prompt: str) -> Task:
    return Task(
        id=new_task_id(), provider="kie", realm="sandbox", fingerprint=prompt, state="submitting",
        prompt=prompt, sound=False, duration=5, aspect_ratio="16:9", seed=0, options={},
        created=0.0, updated=0.0,
    )  # fmt: skip


async def watch(watcher: Journal, task: Task, clock: Clock, seconds: float) -> Task | None:
    """What a worker gets that tries to take a task over, twice a second for some time."""
    for _ in range(int(2 * seconds)):
        if (taken := await watcher.take_over(task)) is not None:
            return taken
        clock.now += 0.5
    return None


def unlocked(one: Journal) -> Journal:
    """The same worker on another machine, whose locks are not seen from here."""
    one.worker.folder = None
    return one


@pytest.mark.parametrize("skew", [-HOUR, 0.0, HOUR], ids=["behind", "equal", "ahead"])
@pytest.mark.parametrize("machine", ["this machine", "another machine"])
def test_a_worker_that_says_it_is_alive_keeps_its_task_whatever_its_clock_says(
    tmp_path: Path, skew: float, machine: str
) -> None:
    async def work() -> Task | None:
        here, there = Clock(), Clock(Clock().now + skew)
        owner, other = journal(tmp_path, there), journal(tmp_path, here)
        if machine == "another machine":
            unlocked(owner)
        task, _ = await owner.claim(draft("A heron"), None)
        for _ in range(60):
            if (taken := await watch(other, task, here, 10.0)) is not None:
                return taken
            there.now += 10.0
            await owner.heartbeat()
        return None

    assert run(work()) is None


@pytest.mark.parametrize("step", [-HOUR, HOUR, 366 * 24 * HOUR], ids=["back", "on", "a year on"])
def test_a_clock_that_is_set_makes_nobody_dead(tmp_path: Path, step: float) -> None:
    async def work() -> Task | None:
        clock = Clock()
        owner, other = unlocked(journal(tmp_path, clock)), journal(tmp_path, clock)
        task, _ = await owner.claim(draft("A heron"), None)
        clock.now += step
        if (taken := await watch(other, task, clock, 9.0)) is not None:
            return taken
        await owner.heartbeat()
        return await watch(other, task, clock, 9.0)

    assert run(work()) is None


@pytest.mark.parametrize("skew", [-HOUR, 0.0, HOUR], ids=["behind", "equal", "ahead"])
def test_a_worker_that_falls_silent_is_replaced_after_a_minute(tmp_path: Path, skew: float) -> None:
    async def work() -> tuple[Task | None, Task | None]:
        here, there = Clock(), Clock(Clock().now + skew)
        owner, other = unlocked(journal(tmp_path, there)), journal(tmp_path, here)
        task, _ = await owner.claim(draft("A heron"), None)
        early = await watch(other, task, here, 14.0)
        return early, await watch(other, task, here, 61.0)

    early, late = run(work())

    assert early is None
    assert late is not None
    assert late.generation == 2


def test_a_watcher_that_slept_itself_has_not_watched(tmp_path: Path) -> None:
    """After a night in which both machines were off, the other one gets time to say so."""

    async def work() -> Task | None:
        clock = Clock()
        owner, other = unlocked(journal(tmp_path, clock)), journal(tmp_path, clock)
        task, _ = await owner.claim(draft("A heron"), None)
        await other.take_over(task)
        clock.now += 8 * HOUR
        return await other.take_over(task)

    assert run(work()) is None


KILLED = """
import asyncio, os, sys
from pathlib import Path
from kling26.core.journal.journal import Journal
from tests.core.journal.test_worker import draft

async def main():
    journal = Journal(sys.argv[1], Path(sys.argv[2]))
    task, _ = await journal.claim(draft("A heron"), None)
    print(task.id, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_a_killed_worker_is_replaced_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )

    async def work() -> Task | None:
        other = Journal(url, tmp_path)
        (task,) = await other.tasks()
        return await other.take_over(task)

    taken = run(work())

    assert killed.returncode == -9, killed.stderr
    assert taken is not None
    assert (taken.id, taken.generation) == (killed.stdout.strip(), 2)


def test_nobody_that_lives_is_forgotten_by_housekeeping(tmp_path: Path) -> None:
    async def work() -> Task | None:
        clock = Clock()
        owner, other = journal(tmp_path, clock), journal(tmp_path, clock)
        task, _ = await owner.claim(draft("A heron"), None)
        clock.now += 1.0
        await other.prune(0.0)
        return await other.take_over(task)

    assert run(work()) is None


def test_the_rows_and_locks_of_the_dead_go_with_housekeeping(tmp_path: Path) -> None:
    async def work() -> list[str]:
        clock = Clock()
        dead, other = journal(tmp_path, clock), journal(tmp_path, clock)
        await dead.heartbeat()
        assert dead.worker.folder is not None
        dead.worker.unlock()
        (dead.worker.folder / f"{dead.worker.id}.lock").touch()
        await other.prune(HOUR)
        return [file.stem for file in dead.worker.folder.iterdir()]

    assert len(run(work())) == 1
