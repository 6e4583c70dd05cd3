"""
The database of a journal: SQLite in WAL mode, or any other that SQLAlchemy supports.

It is used from two threads of its own. One writes: SQLite allows a single writer, and changes stay
in order. The other reads, so that reading never waits for a writer. If the database hangs, the
thread is left behind with its connection, and the next use gets another one.
"""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from attrs import define, field

from ..errors import JournalBusy, JournalError
from ..threads import DaemonThreads
from .address import Address, BadAddress, address_of, is_sqlites_own
from .engine import BUSY_TIMEOUT, READING, SILENCE, make_engine
from .group_commit import MAX_GROUP, GroupCommit
from .migrations import is_current, migrate
from .trouble import journal_error

T = TypeVar("T")

#: How long a transaction may take beyond the waits of the engine's own before the database counts
#: as hanging, in seconds.
SPARE = 5.0
#: How long closing may take, in seconds.
_CLOSING = 1.0


@define(eq=False)
class Database:
    """
    The database at an SQLAlchemy URL or a path, opened on first use.

    Every failure raises `JournalError`, or `JournalBusy` if trying again may help.
    """

    address: Address = field(converter=address_of)
    _engine: sa.Engine | None = field(default=None, init=False, repr=False)
    #: Whether the database was there once.
    _found: bool = field(default=False, init=False, repr=False)
    _opening: threading.Lock = field(factory=threading.Lock, init=False, repr=False)
    #: By what they do, "write" or "read".
    _threads: dict[str, DaemonThreads] = field(factory=dict, init=False, repr=False)
    #: What waits to be written, by the thread that does it.
    _commits: dict[DaemonThreads, GroupCommit] = field(factory=dict, init=False, repr=False)
    #: The connections in use, by thread.
    _busy: dict[DaemonThreads, sa.Connection] = field(factory=dict, init=False, repr=False)
    #: How many transactions have ended, successfully or not.
    _finished: int = field(default=0, init=False, repr=False)
    #: A forked child has neither the threads nor connections that it may use.
    _process: int = field(factory=os.getpid, init=False, repr=False)

    @property
    def opened(self) -> bool:
        return self._engine is not None

    @property
    def has_clock(self) -> bool:
        """Whether the database has a clock that all machines share."""
        with suppress(BadAddress):
            return self.address.url().get_backend_name() == "postgresql"
        return False

    @property
    def _has_one_writer(self) -> bool:
        with suppress(BadAddress):
            return self.address.url().get_backend_name() == "sqlite"
        return False

    @property
    def missing(self) -> bool:
        """Whether there is no file yet; reading need not create one."""
        if self.opened:
            return False
        with self._translating_errors():
            file = None if is_sqlites_own(self.address.url()) else self.address.file()
            return file is not None and not file.exists()

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction that may write, commit it, and return the result."""
        counted = partial(self._counted, work)
        return await self._in_thread("write", lambda at: (self._commit(at), counted))

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction that only reads, without waiting for writers."""
        return await self._in_thread("read", lambda at: (at, partial(self._read_now, work, at)))

    async def close(self) -> None:
        """Close the connections and end the threads; the next use opens the database again."""
        if self.opened:
            with suppress(JournalBusy):
                await self._in_thread("write", lambda at: (at, self._close_now), _CLOSING)
        for thread in self._threads.values():
            thread.shutdown(wait=False)
        self._threads.clear()
        self._commits.clear()

    def _commit(self, thread: DaemonThreads) -> GroupCommit:
        """What waits for a thread that writes."""
        if thread not in self._commits:
            max_group = MAX_GROUP if self._has_one_writer else 1
            begin = partial(self._writing, thread)
            self._commits[thread] = GroupCommit(thread, begin, self._translating_errors, max_group)
        return self._commits[thread]

    @contextmanager
    def _writing(self, thread: DaemonThreads) -> Iterator[sa.Connection]:
        with self._open().begin() as connection, self._watched(connection, thread):
            yield connection

    def _read_now(self, work: Callable[[sa.Connection], T], thread: DaemonThreads) -> T:
        with self._translating_errors():
            try:
                return self._read_once(work, thread)
            except sa.exc.DBAPIError as error:
                # A server ends the transaction of a process that was stopped in the middle of it.
                if not error.connection_invalidated or thread not in self._threads.values():
                    raise
                return self._read_once(work, thread)

    def _read_once(self, work: Callable[[sa.Connection], T], thread: DaemonThreads) -> T:
        with self._open().connect() as connection, self._watched(connection, thread):
            return self._counted(work, connection.execution_options(**READING))

    @contextmanager
    def _watched(self, connection: sa.Connection, thread: DaemonThreads) -> Iterator[None]:
        self._busy[thread] = connection
        try:
            yield
        finally:
            self._busy.pop(thread, None)

    def _counted(self, work: Callable[[sa.Connection], T], connection: sa.Connection) -> T:
        try:
            return work(connection)
        finally:
            self._finished += 1

    def _close_now(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    async def _in_thread(
        self,
        name: str,
        what: Callable[[DaemonThreads], tuple[Executor, Callable[..., T]]],
        limit: float | None = None,
    ) -> T:
        if self._process != os.getpid():
            raise JournalError(
                "The journal was opened before this process was forked from another one, so it "
                "cannot be used here; open it anew, with a new runner."
            )
        for each in {"write", "read"} - set(self._threads):
            # Both, because none can be started any more while the interpreter exits.
            self._threads[each] = DaemonThreads(1, f"kling26-{each}")
        thread = self._threads[name]
        running = asyncio.get_running_loop().run_in_executor(*what(thread))
        if limit is None:
            limit = SPARE + (BUSY_TIMEOUT if self._has_one_writer else SILENCE)
        finished = -1
        try:
            # The limit is for what the thread is doing now: much may be waiting before this.
            while not running.done() and finished != self._finished:
                finished = self._finished
                await asyncio.wait([running], timeout=limit)
        except asyncio.CancelledError:
            running.cancel()  # If it has not begun yet, it never will.
            raise
        if running.done():
            return running.result()
        running.add_done_callback(_ignore_result)
        running.cancel()  # Others may wait for the same thread, and what has not begun never will.
        self._leave_behind(name, thread)
        raise JournalBusy(f"The journal {self.address} did not answer in {limit:.0f} seconds.")

    def _leave_behind(self, name: str, thread: DaemonThreads) -> None:
        """Give up a thread that hangs; what it was doing must not be committed any more."""
        if self._threads.get(name) is not thread:
            return  # Whoever has waited for longer has done it.
        del self._threads[name]
        if (commit := self._commits.pop(thread, None)) is not None:
            commit.left = True
        thread.shutdown(wait=False)
        if (connection := self._busy.get(thread)) is not None:
            _break_connection(connection)
        self._engine = None  # Its other connections may hang as well.

    def _open(self) -> sa.Engine:
        with self._opening:
            if self._engine is None:
                engine = make_engine(self.address)
                sa.event.listen(engine, "do_connect", self._check_file)
                self._engine = _migrated(engine)
                self._found = True
            return self._engine

    def _check_file(self, *_: object) -> None:
        """Never make another journal in the place of one that was moved with its home."""
        file = self.address.file()
        if self._found and file is not None and not file.exists():
            raise OSError(errno.ESTALE, "it has been moved or deleted meanwhile")

    @contextmanager
    def _translating_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError, ImportError, BadAddress) as error:
            found = journal_error(self.address, error, BUSY_TIMEOUT)
            raise found from found.__cause__


def _ignore_result(done: "asyncio.Future[T]") -> None:
    """Take note of an error that nobody waits for any more, so that asyncio does not report it."""
    if not done.cancelled():
        done.exception()


def _break_connection(connection: sa.Connection) -> None:
    """Break the connection to a server, so that the thread that waits for its answer ends."""
    driver: Any = connection.connection.driver_connection
    with suppress(Exception):  # A driver of another kind, or one that has given up by itself.
        copy = socket.socket(fileno=os.dup(driver.fileno()))
        with copy:
            copy.shutdown(socket.SHUT_RDWR)


def _migrated(engine: sa.Engine) -> sa.Engine:
    """The engine, once the journal's tables are in their current version."""
    try:
        with engine.connect() as connection:
            ready = is_current(connection.execution_options(**READING))
        if not ready:
            with engine.begin() as connection:
                migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine
