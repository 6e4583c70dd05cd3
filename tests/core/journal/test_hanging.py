"""A database that hangs: nobody waits for it for ever, and what was given up is never committed."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from kling26.core.errors import JournalBusy, JournalError
from kling26.core.journal import database
from kling26.core.journal.database import Database


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.0)
    monkeypatch.setattr(database, "SPARE", 0.2)


@pytest.mark.usefixtures("impatient")
def test_a_transaction_that_hangs_is_given_up_and_the_next_one_works(tmp_path) -> None:
    end = threading.Event()
    shared = Database(f"sqlite:///{tmp_path / 'journal.sqlite3'}")

    async def work() -> object:
        await shared.read(lambda at: at.scalar(sa.text("SELECT 1")))
        with pytest.raises(JournalBusy, match="did not answer"):
            await shared.read(lambda _: end.wait())
        return await shared.read(lambda at: at.scalar(sa.text("SELECT 2")))

    assert asyncio.run(work()) == 2
    end.set()


@pytest.mark.usefixtures("impatient")
def test_a_queue_that_moves_does_not_count_as_hanging(tmp_path) -> None:
    """A thousand tasks of one process may all have something to write."""
    shared = Database(f"sqlite:///{tmp_path / 'journal.sqlite3'}")

    async def work() -> list[None]:
        slowly = [shared.run(lambda _: time.sleep(0.05)) for _ in range(10)]
        return await asyncio.gather(*slowly)

    assert asyncio.run(work()) == [None] * 10


@pytest.mark.usefixtures("impatient")
def test_whoever_waits_behind_what_hangs_is_told_so_and_what_they_wanted_is_never_done(
    tmp_path,
) -> None:
    """A thousand tasks of one process wait for the same thread."""
    end = threading.Event()
    done: list[int] = []
    shared = Database(f"sqlite:///{tmp_path / 'journal.sqlite3'}")

    async def work() -> list[object]:
        await shared.run(lambda at: at.scalar(sa.text("SELECT 1")))
        waiting = [shared.run(lambda _, number=number: done.append(number)) for number in range(3)]
        ends = await asyncio.gather(
            shared.run(lambda _: end.wait()), *waiting, return_exceptions=True
        )
        end.set()
        await shared.run(lambda _: done.append(99))
        return ends

    assert [type(each) for each in asyncio.run(work())] == [JournalBusy] * 4
    assert done == [99]


@pytest.mark.usefixtures("impatient")
def test_a_journal_that_was_moved_is_not_made_anew_in_its_old_place(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    shared = Database(f"sqlite:///{file}")

    async def work() -> None:
        await shared.run(lambda at: at.scalar(sa.text("SELECT 1")))
        await shared.close()
        file.rename(tmp_path / "moved.sqlite3")
        with pytest.raises(JournalError, match="has been moved or deleted meanwhile"):
            await shared.run(lambda at: at.scalar(sa.text("SELECT 1")))

    asyncio.run(work())
    assert not file.exists()
