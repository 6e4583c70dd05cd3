"""Connections to the database of a journal, set up so that a payment's record is safe there."""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

#: How long a writer waits for other processes, in seconds. Forty commands started at once on a slow
#: processor need only a few.
BUSY_TIMEOUT = 30.0
#: How long a server that accepts no connections is waited for, in seconds: a restart takes a few.
RESTART = 10.0
#: What PostgreSQL and its driver say meanwhile.
_RESTARTING = (
    "refused",
    "No such file",
    "starting up",
    "shutting down",
    "recovery",
    "closed the connection unexpectedly",
)
#: The execution options that mark a connection as read-only.
READING = {"kling26_reading": True}


def in_memory(url: str) -> bool:
    return url in ("sqlite://", "sqlite:///", "sqlite:///:memory:")


def file_of(url: str) -> Path | None:
    """The file of an SQLite database; None if it is in memory or on a server."""
    parsed = sa.make_url(url)
    name = parsed.database or ":memory:"
    if parsed.get_backend_name() != "sqlite" or name == ":memory:":
        return None
    return Path(name.removeprefix("file:").partition("?")[0]).absolute()


def make_engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args=_connect_args(parsed))
        sa.event.listen(engine, "do_connect", _connect_patiently)
        return engine
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


def _connect_args(url: sa.URL) -> dict[str, object]:
    """A server that accepts connections and then says nothing must not hang the thread for ever."""
    known = url.get_driver_name() == "psycopg" and "connect_timeout" not in url.query
    return {"connect_timeout": int(BUSY_TIMEOUT)} if known else {}


def _connect_patiently(
    dialect: sa.Dialect, _: object, arguments: tuple[Any, ...], named: dict[str, Any]
) -> sa.engine.interfaces.DBAPIConnection:
    """Connect to a server, and wait for one that is just being restarted."""
    end = time.monotonic() + RESTART
    while True:
        try:
            return dialect.connect(*arguments, **named)
        except dialect.loaded_dbapi.Error as error:
            if time.monotonic() >= end or not any(sign in str(error) for sign in _RESTARTING):
                raise
            time.sleep(0.1)


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
