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
    `max_group` of them share it, and nobody is told of a success before the commit. If one raises,
    all are undone, and done again one by one; if the commit fails, all have failed. As an executor,
    it calls what is submitted with the connection.
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
        group = [first]
        try:
            self._commit(group, self.max_group)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told.
            self._settle(group, error)
        for each in group:
            each.tell(self.translating)

    def _commit(self, group: "list[_Waiting[Any]]", most: int) -> None:
        """Do a group in one transaction, and those that wait, up to so many, which are added."""
        with self.begin() as connection:
            for each in group:
                each.do(connection)
            while len(group) < most and (another := self._next()) is not None:
                group.append(another)
                another.do(connection)

    def _settle(self, group: "list[_Waiting[Any]]", error: BaseException) -> None:
        """Once one of a group has failed, do each in its own transaction, if that may help."""
        uncertain = all(each.done for each in group)  # The commit failed, for whatever reason.
        if uncertain or self.left or (len(group) == 1 and not _is_lost(error)):
            for each in group:
                each.error = error
            return
        for each in group:
            try:
                self._commit([each], 1)
            except BaseException as own:  # noqa: BLE001 - whoever waits is told.
                each.error = own

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
        """Do it, perhaps again; what it raises ends the whole transaction."""
        self._results.clear()
        self._results.append(self.work(connection))

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


def _is_lost(error: BaseException) -> bool:
    """Whether the connection is: a server ends the transaction of a process that was stopped."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
