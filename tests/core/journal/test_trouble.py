"""A journal that cannot be kept: nothing is sent without it, and nothing paid is lost with it."""

import asyncio
import errno
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from kling26.cli.exits import exit_status
from kling26.core import atomic
from kling26.core.errors import (
    JournalBusy,
    JournalError,
    NotDelivered,
    OutOfCredit,
    ProviderError,
    Remedy,
    ResultUnavailable,
    StillRunning,
)
from kling26.core.journal import database, engine
from kling26.core.journal import journal as journal_module
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Task
from kling26.core.runner.results import Outcome

from ..conftest import Stage
from .test_worker import draft


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def make_journal(url: str) -> None:
    async def make() -> None:
        journal = Journal(url)
        await journal.heartbeat()
        await journal.close()

    asyncio.run(make())


def refusal(stage: Stage, url: str) -> str:
    """What a user reads when the journal at `url` is of no use."""

    async def work() -> None:
        async with stage.runner(journal=Journal(url, clock=stage.clock)) as runner:
            await stage.make(runner)

    with pytest.raises(JournalError) as caught:
        stage.run(work())
    assert stage.emulator.requests == []
    assert exit_status(caught.value) == (3 if isinstance(caught.value, JournalBusy) else 2)
    return str(caught.value)


def test_a_read_only_journal_sends_nothing(kie: Stage, tmp_path: Path) -> None:
    make_journal(f"sqlite:///{tmp_path / 'j.sqlite3'}")

    words = refusal(kie, f"sqlite:///file:{tmp_path / 'j.sqlite3'}?mode=ro&uri=true")

    assert "is read-only. Check KLING26_JOURNAL. Nothing was sent." in words


def test_a_locked_journal_sends_nothing(
    kie: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (database, engine):
        monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    path = tmp_path / "j.sqlite3"
    make_journal(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    words = refusal(kie, f"sqlite:///{path}")

    other.close()
    assert "is busy: other processes kept it locked" in words


def test_a_damaged_journal_sends_nothing(kie: Stage, tmp_path: Path) -> None:
    (tmp_path / "j.sqlite3").write_bytes(b"This is a letter, not a database. " * 100)

    words = refusal(kie, f"sqlite:///{tmp_path / 'j.sqlite3'}")

    assert "is damaged, or is not a journal. Check KLING26_JOURNAL. Nothing was sent." in words


def test_a_journal_of_a_newer_version_sends_nothing(kie: Stage, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'j.sqlite3'}"
    make_journal(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE meta SET value = '999'"))
    engine.dispose()

    assert "newer version" in refusal(kie, url)


def test_a_journal_that_cannot_be_read_ends_no_wait(kie: Stage) -> None:
    class Unreadable(Journal):
        async def get(self, task: str) -> Task:
            raise JournalError("The journal is locked by another process.")

    kie.fault("poll_no_such_task")

    async def work() -> None:
        journal = Unreadable(f"sqlite:///{kie.home / 'journal.sqlite3'}", clock=kie.clock)
        async with kie.runner(journal=journal) as runner:
            await kie.make(runner)

    kie.run(work())

    assert (kie.paid, kie.task().state) == (1, "stored")


def test_a_full_disk_sends_nothing(kie: Stage) -> None:
    async def work() -> None:
        async with kie.runner() as runner:
            await runner.journal.heartbeat()
            await shrink(runner.journal)
            for seed in range(1000):
                await kie.make(runner, prompt="A heron " * 300, seed=seed)

    with pytest.raises(
        JournalError, match=r"disk is full\. Make room .*\. Nothing was (sent|paid)\."
    ) as error:
        kie.run(work())

    assert error.value.task is None
    assert kie.paid == len(list(kie.home.glob("videos/*.mp4")))


async def shrink(journal: Journal) -> None:
    """Let the database take not one page more: SQLite then says that the disk is full."""
    await journal.database.run(
        lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1")
    )


def test_a_journal_that_fails_after_the_payment_does_not_keep_the_video_back(
    stage: Stage, tmp_path: Path
) -> None:
    class Failing(Journal):
        broken = False

        async def update(self, *args: object, **values: object) -> bool:
            if self.broken:
                raise JournalError("The journal is locked by another process.")
            return await super().update(*args, **values)

    runner = stage.runner()
    journal = Failing(runner.journal.url, clock=stage.clock)
    journal.broken = True

    async def work() -> None:
        async with stage.runner(journal=journal) as runner:
            await stage.make(runner, output=tmp_path / "heron.mp4")

    stage.run(work())

    assert (tmp_path / "heron.mp4").exists()
    assert stage.paid == 1
    notes = [step.message for step in stage.progress if step.phase == "note"]
    assert notes
    assert stage.emulator.accepted[0].id in str(notes[0])


@pytest.mark.parametrize("timeout", [10.0, 3600.0])
def test_a_journal_that_can_only_be_read_is_said_to_be_full_soon(
    kie: Stage, timeout: float
) -> None:
    """Not that the provider is still making the video, once the time is up."""

    class Full(Journal):
        async def take_over(self, task: Task) -> Task | None:
            raise JournalError("The journal cannot be written, because the disk is full.")

    with pytest.raises(StillRunning):
        kie.generate(timeout=5)
    began = kie.clock()

    async def work() -> list[Outcome]:
        journal = Full(kie.runner().journal.url, clock=kie.clock)
        async with kie.runner(journal=journal) as runner:
            return [outcome async for outcome in runner.resume(timeout=timeout)]

    (outcome,) = kie.run(work())

    assert isinstance(outcome.error, NotDelivered)
    assert "because the disk is full. The video is paid for." in str(outcome.error)
    assert kie.clock() - began < 40.0
    assert kie.paid == 1


def test_a_journal_that_comes_back_receives_everything_that_was_learned(stage: Stage) -> None:
    class Hiccup(Journal):
        failures = 8

        async def update(self, *args: object, **values: object) -> bool:
            if self.failures:
                self.failures -= 1
                raise JournalError("The journal is locked by another process.")
            return await super().update(*args, **values)

    async def work() -> None:
        journal = Hiccup(stage.runner().journal.url, clock=stage.clock)
        async with stage.runner(journal=journal) as runner:
            await stage.make(runner)

    stage.run(work())

    assert stage.task().state == "stored"
    assert stage.task().task_id == stage.emulator.accepted[0].id


def test_a_disk_that_is_full_during_the_download_leaves_the_task_to_be_resumed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """The system, with room for nothing that is put in place whole."""

        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

        def fsync(self, _: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "os", Full())
        with pytest.raises(ResultUnavailable, match="No space left on device"):
            stage.generate()

    assert stage.task().state == "succeeded"
    stage.generate()
    assert stage.task().state == "stored"
    assert stage.paid == 1
    assert not list(stage.home.glob("videos/*.part"))


def test_a_busy_journal_is_waited_for_at_least_two_minutes() -> None:
    assert engine.BUSY_TIMEOUT >= 120


def test_a_journal_that_is_busy_for_a_moment_is_waited_for(kie: Stage) -> None:
    kie.generate(seed=1)
    other = sqlite3.connect(
        kie.home / "journal.sqlite3", isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    freed = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    freed.start()

    video = kie.generate(seed=2)

    freed.join()
    other.close()
    assert (video.reused, kie.paid) == (False, 2)


def test_a_busy_journal_is_said_to_be_busy_and_to_be_tried_later(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (database, engine):
        monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    kie.generate(seed=1)
    other = sqlite3.connect(kie.home / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(JournalBusy, match="busy: other processes kept it locked") as caught:
        kie.generate(seed=2)

    other.close()
    assert caught.value.remedy == Remedy("wait")
    assert str(caught.value).endswith("Nothing was sent.")
    assert kie.paid == 1


def test_a_stored_video_is_given_while_others_write(kie: Stage) -> None:
    kie.generate()
    other = sqlite3.connect(kie.home / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert kie.generate().reused

    other.close()


def test_a_stored_video_is_written_to_an_output_while_others_write(
    kie: Stage, tmp_path: Path
) -> None:
    kie.generate()
    other = sqlite3.connect(kie.home / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    video = kie.generate(output=tmp_path / "heron.mp4")

    other.close()
    assert (video.file, video.reused) == (tmp_path / "heron.mp4", True)
    assert video.file.exists()


def test_a_paid_task_of_a_busy_journal_is_still_owed(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (database, engine):
        monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    with pytest.raises(StillRunning):
        kie.generate(timeout=5)
    other = sqlite3.connect(kie.home / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(NotDelivered, match="The video is paid for") as caught:
        kie.generate()

    other.close()
    assert exit_status(caught.value) == 5
    assert caught.value.remedy == Remedy("resume")
    assert caught.value.task_id == kie.emulator.accepted[0].id
    kie.generate()
    assert kie.paid == 1


class DeafToUnsent(Journal):
    """Cannot be told that a request had no effect."""

    async def mark_unsent(self, task: str) -> None:
        raise JournalError("The journal is busy.")


def test_a_journal_that_fails_does_not_hide_why_the_provider_refused(kie: Stage) -> None:
    kie.fault("no_credit")

    async def work() -> None:
        journal = DeafToUnsent(f"sqlite:///{kie.home / 'journal.sqlite3'}", clock=kie.clock)
        async with kie.runner(journal=journal) as runner:
            await kie.make(runner)

    with pytest.raises(OutOfCredit):
        kie.run(work())

    assert (kie.task().state, kie.task().sending) == ("refused", None)


def test_a_wait_that_could_not_be_recorded_is_no_lost_answer(kie: Stage) -> None:
    kie.fault("rate_limit", times=3)

    async def work() -> None:
        journal = DeafToUnsent(f"sqlite:///{kie.home / 'journal.sqlite3'}", clock=kie.clock)
        async with kie.runner(journal=journal) as runner:
            await kie.make(runner)

    kie.run(work())

    assert (kie.task().state, kie.paid) == ("stored", 1)


def test_a_closed_journal_leaves_no_threads_behind(kie: Stage) -> None:
    async def work() -> None:
        for _ in range(20):
            journal = Journal(f"sqlite:///{kie.home / 'journal.sqlite3'}")
            await journal.heartbeat()
            await journal.tasks()
            await journal.close()

    before = set(threading.enumerate())
    kie.run(work())
    left = [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith(("kling26-read", "kling26-write"))
    ]
    for thread in left:
        thread.join(10)  # They have been told to end.

    assert not any(thread.is_alive() for thread in left)


class Deaf(DeafToUnsent):
    """Cannot be told anything of what became of a request."""

    async def update(self, *_: object, **__: object) -> bool:
        raise JournalError("The journal is busy.")

    async def give_up(self, *_: object) -> bool:
        raise JournalError("The journal is busy.")


class Unreachable(httpx.AsyncBaseTransport):
    """Nothing can be sent."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)


def test_what_never_left_is_sent_by_the_next_run_although_the_journal_could_not_say_so(
    kie: Stage,
) -> None:
    """The row says that it was sent, and what is on disk knows better."""

    async def work() -> None:
        journal = Deaf(f"sqlite:///{kie.home / 'journal.sqlite3'}", clock=kie.clock)
        async with kie.runner(journal=journal, sandbox=lambda _: Unreachable()) as runner:
            with pytest.raises(ProviderError):
                await kie.make(runner, timeout=2.0)

    kie.run(work())
    assert kie.task().standing == "unclear"

    kie.generate()

    assert (kie.task().state, kie.paid) == ("stored", 1)


def test_a_refusal_that_no_run_could_record_is_still_known_to_the_next_one(kie: Stage) -> None:
    """Until the journal has it, only what was kept of the answer says that nothing was paid."""
    kie.fault("no_credit")

    async def work(journal: Journal) -> None:
        async with kie.runner(journal=journal) as runner:
            with pytest.raises(OutOfCredit):
                await kie.make(runner)

    for _ in range(2):
        kie.run(work(Deaf(f"sqlite:///{kie.home / 'journal.sqlite3'}", clock=kie.clock)))
        assert kie.task().standing == "unclear"

    with pytest.raises(OutOfCredit):
        kie.generate()

    assert (kie.task().state, kie.paid, kie.submits()) == ("refused", 0, 1)


def test_a_row_that_another_worker_has_inserted_at_the_same_moment_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, insert, tried = Journal(tmp_path / "j.sqlite3"), journal_module.insert, []

    def late(*row: Any) -> None:
        tried.append(row)
        if len(tried) == 1:
            raise sa.exc.IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
        insert(*row)

    monkeypatch.setattr(journal_module, "insert", late)

    async def claimed() -> tuple[Task, bool]:
        try:
            return await journal.claim(draft("A heron"), None)
        finally:
            await journal.close()

    task, new = asyncio.run(claimed())

    assert (new, len(tried)) == (True, 2)
    assert journal.claimed == [task.id]
