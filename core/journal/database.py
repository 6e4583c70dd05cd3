"""
The database that a journal is in: SQLite in WAL mode, or any other that SQLAlchemy knows.

Its complaints are told in words, to the person who has to mend it.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
import stamina
from attrs import define, field
from sqlalchemy.pool import StaticPool

from ..errors import JournalError
from ..text import reason, sanitize

#: How long a locked SQLite file is waited for, in seconds.
_PATIENCE = 5.0


@define
class Database:
    """
    The database at an SQLAlchemy URL, opened when it is first needed.

    `prepare` is called once it is open, in a transaction before all others. Whatever cannot be
    done raises `JournalError`.
    """

    url: str
    prepare: Callable[[sa.Connection], None] = field(repr=False)
    _engine: sa.Engine | None = field(default=None, init=False, repr=False)

    @property
    def opened(self) -> bool:
        return self._engine is not None

    @property
    def absent(self) -> bool:
        """Whether there is no file yet; a question alone need not make one."""
        if self.opened or not self.url.startswith("sqlite:"):
            return False
        with self._worded():
            path = sa.make_url(self.url).database
            return bool(path and not path.startswith("file:") and not os.path.exists(path))

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction, committed at the end."""
        with self._worded(), self._open().begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self._worded(), self._open().connect() as connection:
            yield connection

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _open(self) -> sa.Engine:
        if self._engine is None:
            engine = _make_engine(self.url)
            try:
                with engine.begin() as connection:
                    self.prepare(connection)
            except BaseException:
                engine.dispose()
                raise
            self._engine = engine
        return self._engine

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            raise JournalError(_complaint(self.url, error)) from error


# -- engines -----------------------------------------------------------------------------------


def _make_engine(url: str) -> sa.Engine:
    address = sa.make_url(url)
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(address, pool_pre_ping=True)
    if address.database in (None, "", ":memory:"):
        engine = sa.create_engine(
            address, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        if not address.database.startswith("file:"):  # SQLite's own addresses name what is there.
            folder = os.path.dirname(os.path.abspath(address.database))
            os.makedirs(folder, mode=0o700, exist_ok=True)
        engine = sa.create_engine(
            address, connect_args={"timeout": _PATIENCE, "check_same_thread": False}
        )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_at_once)
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


@stamina.retry(on=sqlite3.OperationalError, attempts=None, timeout=_PATIENCE, wait_max=0.5)
def _use_wal(connection: sqlite3.Connection) -> None:
    # The driver's own patience does not reach this: while another process makes the same file, it
    # is "locked" at once.
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")


def _begin_at_once(connection: sa.Connection) -> None:
    # A transaction that reads first and then writes would fail, not wait, when another process
    # wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


# -- complaints --------------------------------------------------------------------------------


def _complaint(url: str, error: Exception) -> str:
    """What is wrong with the journal, for the person who has to mend it."""
    where = sa.make_url(url).render_as_string(hide_password=True) if "://" in url else url
    cause = reason(getattr(error, "orig", None) or error).lower()
    known = (words for sign, words in _COMPLAINTS.items() if sign in cause)
    words = next(known, f"cannot be used ({sanitize(cause, 160)})")
    return f"The journal {sanitize(where)} {words}; without it nothing is sent."


_COMPLAINTS = {
    "locked": "is locked by another process",
    "readonly": "is read-only",
    "read-only": "is read-only",
    "permission denied": "may not be opened by this user",
    "unable to open": "cannot be opened",
    "is full": "cannot be written, because the disk is full",
    "no space left": "cannot be written, because the disk is full",
    "not a database": "is damaged or no journal at all",
    "malformed": "is damaged",
    "could not parse": "is no address of a database",
    "no module named": "needs a database driver that is not installed",
}
