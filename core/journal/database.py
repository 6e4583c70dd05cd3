"""
The database of a journal: SQLite in WAL mode, or any other that SQLAlchemy knows.

It is used from threads of its own: one that writes, for SQLite takes one writer at a time and the
order of events is kept, and one that reads, which therefore never waits for a writer.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.pool import StaticPool

from ..errors import JournalBusy, JournalError
from ..text import reason, sanitize
from .schema import is_current, migrate

T = TypeVar("T")

#: How long a writer waits for other processes, in seconds. Forty commands that begin at once on a
#: slow processor get by with a few.
BUSY_TIMEOUT = 30.0


@define(eq=False)
class Database:
    """
    The database at an SQLAlchemy URL, opened when it is first needed.

    Whatever cannot be done raises `JournalError`, or `JournalBusy` if it may be possible later.
    """

    url: str = field(repr=False)
    _engine: sa.Engine | None = field(default=None, init=False, repr=False)
    _opening: threading.Lock = field(factory=threading.Lock, init=False, repr=False)
    _writer: ThreadPoolExecutor = field(init=False, repr=False)
    _reader: ThreadPoolExecutor = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="kling26-journal")
        # A database in memory is one connection, which one thread must have to itself.
        shared = self._writer if _in_memory(self.url) else None
        self._reader = shared or ThreadPoolExecutor(1, thread_name_prefix="kling26-reader")

    @property
    def opened(self) -> bool:
        return self._engine is not None

    @property
    def missing(self) -> bool:
        """Whether there is no file yet; a question alone need not make one."""
        if self.opened or not self.url.startswith("sqlite:"):
            return False
        with self._translating_errors():
            path = sa.make_url(self.url).database
            return bool(path and not path.startswith("file:") and not os.path.exists(path))

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns, in a transaction that may write, committed at the end."""
        return await self._in_thread(self._writer, lambda: self._run_now(work))

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns, in a transaction that only reads and waits for no writer."""
        return await self._in_thread(self._reader, lambda: self._read_now(work))

    async def close(self) -> None:
        """Let go of the connections; it opens again when it is needed."""
        await self._in_thread(self._writer, self._close_now)

    def _run_now(self, work: Callable[[sa.Connection], T]) -> T:
        with self._translating_errors(), self._open().begin() as connection:
            return work(connection)

    def _read_now(self, work: Callable[[sa.Connection], T]) -> T:
        with self._translating_errors(), self._open().connect() as connection:
            return work(connection.execution_options(**_READING))

    def _close_now(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    async def _in_thread(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    def _open(self) -> sa.Engine:
        with self._opening:
            if self._engine is None:
                self._engine = _migrated(_make_engine(self.url))
            return self._engine

    @contextmanager
    def _translating_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            raise _journal_error(self.url, error) from error


# -- engines -----------------------------------------------------------------------------------

#: What marks a connection that only reads.
_READING = {"kling26_reading": True}


def _in_memory(url: str) -> bool:
    return url in ("sqlite://", "sqlite:///", "sqlite:///:memory:")


def _migrated(engine: sa.Engine) -> sa.Engine:
    """The engine, once the journal's tables are there as they are now."""
    try:
        with engine.connect() as connection:
            ready = is_current(connection.execution_options(**_READING))
        if not ready:
            with engine.begin() as connection:
                migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _make_engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True)
    if parsed.database in (None, "", ":memory:"):
        engine = sa.create_engine(
            parsed, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        if not parsed.database.startswith("file:"):  # SQLite's own URLs name what is there.
            folder = os.path.dirname(os.path.abspath(parsed.database))
            os.makedirs(folder, mode=0o700, exist_ok=True)
        engine = sa.create_engine(
            parsed, connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False}
        )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver must not open transactions by itself, or BEGIN IMMEDIATE below comes too late.
    connection.isolation_level = None
    try:
        _use_wal(connection)
        # A commit survives a power cut: what is paid for must be on disk.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()  # SQLAlchemy does not know it yet.
        raise


def _use_wal(connection: sqlite3.Connection) -> None:
    # The driver's own patience does not reach this: while another process makes the same file, it
    # is "locked" at once.
    end = time.monotonic() + BUSY_TIMEOUT
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= end:
                raise
            time.sleep(0.05)


def _begin(connection: sa.Connection) -> None:
    # A transaction that reads first and then writes would fail, not wait, when another process
    # wrote in between; one that only reads needs no lock at all.
    reading = connection.get_execution_options().get("kling26_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


# -- complaints --------------------------------------------------------------------------------


def _journal_error(url: str, error: Exception) -> JournalError:
    """What is wrong with the journal, for the person who has to fix it."""
    where = sa.make_url(url).render_as_string(hide_password=True) if "://" in url else url
    cause = reason(getattr(error, "orig", None) or error).lower()
    if "locked" in cause:
        return JournalBusy(
            f"The journal {sanitize(where)} is busy: other processes kept it locked for "
            f"{BUSY_TIMEOUT:.0f} seconds."
        )
    known = (words for sign, words in _CAUSES.items() if sign in cause)
    words = next(known, f"cannot be used ({sanitize(cause, 160)})")
    return JournalError(f"The journal {sanitize(where)} {words}.")


_CAUSES = {
    "readonly": "is read-only",
    "read-only": "is read-only",
    "permission denied": "may not be opened by this user",
    "unable to open": "cannot be opened",
    "is full": "cannot be written, because the disk is full",
    "no space left": "cannot be written, because the disk is full",
    "not a database": "is damaged, or is not a journal",
    "malformed": "is damaged",
    "could not parse": "is not a valid database URL",
    "no module named": "needs a database driver that is not installed",
}
