"""
The database of a journal: SQLite in WAL mode, or any other that SQLAlchemy supports.

It is used from two threads of its own. One writes: SQLite allows a single writer, and changes stay
in order. The other reads, so that reading never waits for a writer.
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
from .migrations import is_current, migrate

T = TypeVar("T")

#: How long a writer waits for other processes, in seconds. Forty commands started at once on a slow
#: processor need only a few.
BUSY_TIMEOUT = 30.0


@define(eq=False)
class Database:
    """
    The database at an SQLAlchemy URL, opened on first use.

    Every failure raises `JournalError`, or `JournalBusy` if trying again may help.
    """

    url: str = field(repr=False)
    _engine: sa.Engine | None = field(default=None, init=False, repr=False)
    _opening: threading.Lock = field(factory=threading.Lock, init=False, repr=False)
    #: By what they do, "write" or "read".
    _threads: dict[str, ThreadPoolExecutor] = field(factory=dict, init=False, repr=False)

    @property
    def opened(self) -> bool:
        return self._engine is not None

    @property
    def missing(self) -> bool:
        """Whether there is no file yet; reading need not create one."""
        if self.opened or not self.url.startswith("sqlite:"):
            return False
        with self._translating_errors():
            path = sa.make_url(self.url).database
            return bool(path and not path.startswith("file:") and not os.path.exists(path))

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction that may write, commit it, and return the result."""
        return await self._in_thread("write", lambda: self._run_now(work))

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction that only reads, without waiting for writers."""
        # An in-memory database is a single connection, which only one thread may use.
        thread = "write" if _in_memory(self.url) else "read"
        return await self._in_thread(thread, lambda: self._read_now(work))

    async def close(self) -> None:
        """Close the connections and end the threads; the next use opens the database again."""
        if self.opened:
            await self._in_thread("write", self._close_now)
        for thread in self._threads.values():
            thread.shutdown(wait=False)
        self._threads.clear()

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

    async def _in_thread(self, name: str, work: Callable[[], T]) -> T:
        if name not in self._threads:
            self._threads[name] = ThreadPoolExecutor(1, thread_name_prefix=f"kling26-{name}")
        return await asyncio.get_running_loop().run_in_executor(self._threads[name], work)

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

#: The execution options that mark a connection as read-only.
_READING = {"kling26_reading": True}


def _in_memory(url: str) -> bool:
    return url in ("sqlite://", "sqlite:///", "sqlite:///:memory:")


def _migrated(engine: sa.Engine) -> sa.Engine:
    """The engine, once the journal's tables are in their current version."""
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
        if not parsed.database.startswith("file:"):  # SQLite's own URLs must name an existing file.
            folder = os.path.dirname(os.path.abspath(parsed.database))
            os.makedirs(folder, mode=0o700, exist_ok=True)
        engine = sa.create_engine(
            parsed, connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False}
        )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver must not open transactions itself, or BEGIN IMMEDIATE below comes too late.
    connection.isolation_level = None
    try:
        _use_wal(connection)
        # A commit survives a power cut: the record of a payment must be on disk.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()  # SQLAlchemy does not know about it yet.
        raise


def _use_wal(connection: sqlite3.Connection) -> None:
    # The driver's time-out does not apply here: while another process creates the same file, this
    # fails as "locked" at once.
    end = time.monotonic() + BUSY_TIMEOUT
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= end:
                raise
            time.sleep(0.05)


def _begin(connection: sa.Connection) -> None:
    # A transaction that reads and then writes would fail, instead of waiting, if another process
    # wrote in between; one that only reads needs no lock.
    reading = connection.get_execution_options().get("kling26_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


# -- errors ------------------------------------------------------------------------------------


def _journal_error(url: str, error: Exception) -> JournalError:
    """The error that says what is wrong with the journal, for whoever has to fix it."""
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
    "permission denied": "cannot be opened by this user",
    "unable to open": "cannot be opened",
    "is full": "cannot be written, because the disk is full",
    "no space left": "cannot be written, because the disk is full",
    "not a database": "is damaged, or is not a journal",
    "malformed": "is damaged",
    "could not parse": "is not a valid database URL",
    "no module named": "needs a database driver that is not installed",
}
