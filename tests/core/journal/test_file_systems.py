"""SQLite and locks on file systems that can do less: 9p, virtiofs, SMB."""

import errno
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import filelock
import pytest
from kling26.core.errors import JournalError
from kling26.core.journal import engine, trouble
from kling26.core.journal.address import Address
from kling26.core.journal.journal import Journal
from kling26.core.journal.trouble import journal_error

from ..conftest import Stage


class Unmapped(sqlite3.Connection):
    """A connection where memory cannot be shared: the log can be chosen, and then not be used."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if "journal_mode" not in sql and super().execute("PRAGMA journal_mode").fetchone() == (
            "wal",
        ):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


class Unlocked(sqlite3.Connection):
    """A connection where files cannot be locked."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        raise sqlite3.OperationalError("locking protocol")


def use(monkeypatch: pytest.MonkeyPatch, kind: type[sqlite3.Connection]) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(
        engine.sqlite3, "connect", lambda *at, **options: connect(*at, factory=kind, **options)
    )


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def mode(stage: Stage) -> str:
    with closing(sqlite3.connect(stage.home / "journal.sqlite3")) as journal:
        return str(journal.execute("PRAGMA journal_mode").fetchone()[0])


def test_a_journal_has_a_log_where_memory_can_be_shared(kie: Stage) -> None:
    kie.generate()

    assert mode(kie) == "wal"
    assert engine.shares_memory(kie.home)


def test_a_journal_does_without_where_it_cannot(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        use(patch, Unmapped)
        video = kie.generate()

    assert video.file.exists()
    assert (mode(kie), kie.paid) == ("delete", 1)


@pytest.mark.skipif(not hasattr(errno, "ENOTSUP"), reason="SQLite has these for POSIX only")
def test_a_system_that_knows_no_log_is_not_asked_for_ever(kie: Stage, tmp_path: Path) -> None:
    url = f"sqlite:///file:{tmp_path / 'j.sqlite3'}?vfs=unix-dotfile&uri=true"

    async def work() -> None:
        async with kie.runner(journal=Journal(url, kie.home, kie.clock)) as runner:
            await kie.make(runner)

    kie.run(work())

    assert kie.paid == 1


def test_a_reader_waits_for_a_writer_there(kie: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        use(patch, Unmapped)
        kie.generate()
        other = sqlite3.connect(
            kie.home / "journal.sqlite3", isolation_level=None, check_same_thread=False
        )
        other.execute("BEGIN EXCLUSIVE")
        freed = threading.Timer(0.2, lambda: other.execute("COMMIT"))
        freed.start()

        assert kie.generate().reused

    freed.join()
    other.close()


@pytest.mark.parametrize("kind", [Unmapped, Unlocked])
def test_a_journal_with_a_log_that_cannot_be_used_there_names_what_to_set(
    kie: Stage, monkeypatch: pytest.MonkeyPatch, kind: type[sqlite3.Connection]
) -> None:
    kie.generate(seed=1)
    connect = sqlite3.dbapi2.connect
    monkeypatch.setattr(
        sqlite3.dbapi2, "connect", lambda *at, **options: connect(*at, factory=kind, **options)
    )

    with pytest.raises(JournalError) as caught:
        kie.generate(seed=2)

    assert str(caught.value).endswith(
        "cannot be used on that file system. Set KLING26_JOURNAL to a file on a local disk, or to "
        "a PostgreSQL database. Nothing was sent."
    )


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_worker_without_locks_goes_by_the_count(
    kie: Stage, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def acquire(*_: object, **__: object) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(filelock.FileLock, "_acquire", acquire)

    assert kie.generate().file.exists()
    assert kie.paid == 1


def test_a_disk_without_room_for_a_log_is_said_to_be_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite then says what it says of a file system that cannot share memory."""
    found = sqlite3.OperationalError("disk I/O error")
    monkeypatch.setattr(trouble.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))

    said = str(journal_error(Address(tmp_path / "journal.sqlite3"), found, 30.0))

    assert "cannot be written, because the disk is full. Make room on that disk" in said
