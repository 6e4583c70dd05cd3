"""Connections to the database of a journal, set up so that a payment's record is safe there."""

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from ..home import make_private
from ..text import sanitize
from .address import Address, BadAddress, is_sqlites_own

#: How long a writer of SQLite waits for other processes, in seconds: they are not served in turn.
#: Forty commands started at once need a few, and with a disk that takes 0.1 s for a commit, up to a
#: minute.
BUSY_TIMEOUT = 120.0
#: How long a server may say nothing, in seconds.
SILENCE = 30.0
#: How long a server that accepts no connections is waited for, in seconds: a restart takes a few.
RESTART = 10.0
#: How long PostgreSQL waits for a process in the middle of a transaction, in seconds. One that was
#: stopped there would keep its locks from everybody else until it goes on.
IDLE_TIMEOUT = 10.0
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


def make_engine(address: Address) -> sa.Engine:
    """The engine for a journal; raises `BadAddress`, and whatever SQLAlchemy and drivers raise."""
    url = address.url()
    try:
        if (file := address.file()) is not None:
            return _sqlite_engine(url, file)
        return _server_engine(address, url)
    except BadAddress:
        raise
    except (TypeError, ValueError) as error:
        raise BadAddress(f"has an option with a wrong value ({sanitize(error, 80)})") from error


def _sqlite_engine(url: sa.URL, file: Path) -> sa.Engine:
    if file.is_dir():
        raise BadAddress("is a folder, and has to be a file in it")
    if not is_sqlites_own(url):  # Those must name an existing file.
        make_private(file.parent)
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False}
    )
    if engine.dialect.is_async:
        raise BadAddress(_asynchronous(engine.dialect))
    sa.event.listen(engine, "connect", partial(_prepare_sqlite, file))
    sa.event.listen(engine, "begin", _begin)
    return engine


def _asynchronous(dialect: sa.Dialect) -> str:
    return f'has the driver "{dialect.driver}", which only works with asyncio'


def _server_engine(address: Address, url: sa.URL) -> sa.Engine:
    # Passwords among the options are kept out of the engine's URL, because its repr shows them. How
    # other drivers take their options is up to SQLAlchemy.
    hidden = address.hidden() if url.get_driver_name() == "psycopg" else {}
    arguments: dict[str, object] = dict(hidden)
    if url.get_driver_name() == "psycopg" and "connect_timeout" not in url.query:
        # A server that accepts connections and then says nothing must not hang the thread for ever.
        arguments["connect_timeout"] = int(SILENCE)
    if url.get_driver_name() == "psycopg":
        # Where the database has SQL_ASCII, text would come as bytes.
        arguments["client_encoding"] = "utf8"
    engine = sa.create_engine(
        url.difference_update_query(hidden), pool_pre_ping=True, connect_args=arguments
    )
    if engine.dialect.is_async:
        raise BadAddress(_asynchronous(engine.dialect))
    sa.event.listen(engine, "do_connect", _connect_patiently)
    if engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _end_idle_transactions)
    return engine


def _end_idle_transactions(connection: Any, _: object) -> None:
    """Let the server undo what a process has begun that says nothing more."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TIMEOUT * 1000:.0f}ms'")
    cursor.close()
    connection.commit()


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


def _prepare_sqlite(file: Path, connection: Any, _: object) -> None:
    # The driver must not open transactions itself, or BEGIN IMMEDIATE below comes too late.
    connection.isolation_level = None
    try:
        _use_wal(connection, file)
        # A commit survives a power cut: the record of a payment must be on disk.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()  # SQLAlchemy does not know about it yet.
        raise


def _use_wal(connection: sqlite3.Connection, file: Path) -> None:
    """
    Let readers go on while somebody writes, where the file system can do that.

    It takes memory that processes share, which 9p, virtiofs and SMB may not have. Without it a
    reader waits for the writer, as long as a writer waits for another one.
    """
    # The driver's time-out does not apply here: while another process creates the same file, this
    # fails as "locked" at once.
    end = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            if _mode(connection) != "wal" and shares_memory(file.parent):
                _mode(connection, "= WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= end:
                raise
            time.sleep(0.05)


def _mode(connection: sqlite3.Connection, change: str = "") -> str:
    (mode,) = connection.execute(f"PRAGMA journal_mode {change}").fetchone()
    return str(mode)


def shares_memory(folder: Path) -> bool:
    """
    Whether processes can share memory through files in a folder, as SQLite finds when it tries.

    Not tried with the journal itself: meanwhile, other processes could not use it.
    """
    try:
        with (
            TemporaryDirectory(dir=folder, prefix=".k26-") as scratch,
            closing(sqlite3.connect(Path(scratch, "x"), isolation_level=None)) as connection,
        ):
            _mode(connection, "= WAL")
            connection.execute("SELECT * FROM sqlite_master").fetchall()
    except (OSError, sqlite3.OperationalError):
        return False
    return True


def _begin(connection: sa.Connection) -> None:
    # A transaction that reads and then writes would fail, instead of waiting, if another process
    # wrote in between; one that only reads needs no lock.
    reading = connection.get_execution_options().get("kling26_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
