"""
What waits to be written: transactions that wait together share one commit.

SQLite has one writer, and each commit waits for the disk. Where a server has many connections, and
transactions lock what they need in an order of their own, those that are joined could wait for each
other for ever.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from attrs import define, field

T = TypeVar("T")

#: How many transactions share a commit at most: other processes wait for the lock meanwhile.
MAX_GROUP = 50

#: Turns an error of the database into one for people.
_Translating = Callable[[], AbstractContextManager[None]]


@define(eq=False)
class GroupCommit(Executor):
    """
    The transactions that wait for `thread`, in the order in which they came.

    `begin` gives a connection in a transaction, which is committed when the block ends. Up to
    `max_group` of them share it: one that raises is undone alone, and nobody is told of a success
    before the commit. If that fails, all of them have failed. As an executor, it calls what is
    submitted with the connection.
    """

    thread: Executor
    begin: Callable[[], AbstractContextManager[sa.Connection]]
    translating: _Translating
    max_group: int
    #: Whether the thread hangs and was given up: what it does is void.
    left: bool = field(default=False, init=False)
    _waiting: "deque[_Waiting[Any]]" = field(factory=deque, init=False)

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> "Future[T]":
        waiting = _Waiting(partial(fn, *args, **kwargs))
        self._waiting.append(waiting)
        self.thread.submit(self._go_on)  # Once for each, so that none is left.
        return waiting.told

    def _go_on(self) -> None:
        """Do what waits, unless an earlier call has done it."""
        first = self._next()
        if first is None:
            return
        begun = [first]
        try:
            self._do(begun)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told.
            for each in begun:
                each.error = each.error or error
        for each in begun:
            each.tell(self.translating)

    def _do(self, begun: "list[_Waiting[Any]]") -> None:
        """Do the first one and, up to the limit, those that wait; they are added to it."""
        (first,) = begun
        try:
            self._share(begun)
        except sa.exc.DBAPIError as error:
            # A server ends the transaction of a process that was stopped in the middle of it.
            if first.done or self.left or not error.connection_invalidated:
                raise
            self._share(begun)

    def _share(self, begun: "list[_Waiting[Any]]") -> None:
        with self.begin() as connection:
            begun[0].do(connection)
            while len(begun) < self.max_group and (each := self._next()) is not None:
                begun.append(each)
                each.do_apart(connection)

    def _next(self) -> "_Waiting[Any] | None":
        """The next one that has not been cancelled, which now cannot be any more."""
        while self._waiting:
            each = self._waiting.popleft()
            if each.told.set_running_or_notify_cancel():
                return each
        return None


@define(eq=False)
class _Waiting(Generic[T]):
    """A transaction, and who is told how it ended."""

    work: Callable[[sa.Connection], T]
    told: "Future[T]" = field(factory=Future, init=False)
    error: BaseException | None = field(default=None, init=False)
    _results: list[T] = field(factory=list, init=False)

    @property
    def done(self) -> bool:
        """Whether all but the commit is done."""
        return bool(self._results)

    def do(self, connection: sa.Connection) -> None:
        """Do it; what it raises ends the whole transaction."""
        self._results.append(self.work(connection))

    def do_apart(self, connection: sa.Connection) -> None:
        """Do it so that it can be undone alone; raises only if that cannot be."""
        part = connection.begin_nested()
        try:
            self.do(connection)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told.
            self.error = error
            part.rollback()  # Fails if SQLite has undone everything, as on a full disk.
        else:
            part.commit()

    def tell(self, translating: _Translating) -> None:
        """Tell whoever waits; an error of all is told to each in an exception of its own."""
        try:
            with translating():
                if self.error is not None:
                    raise self.error
        except BaseException as error:  # noqa: BLE001
            self.told.set_exception(error)
        else:
            self.told.set_result(self._results[0])
