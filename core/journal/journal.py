"""
The journal: one row per task, committed before the paid request is sent.

Its tables are in `schema`, the connections in `database`, and the processes that share it in
`worker`. A row is changed by its `Owner` only: a change by anybody else changes nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, Unpack

import sqlalchemy as sa
from attrs import define, evolve, field

from ..errors import BudgetExceeded, JournalError
from ..spending import Allowance, Budget, check_allowance
from ..spending import check as check_budget
from ..status import Ticket
from .address import Address, BadAddress
from .outputs import Output
from .pace import Departures
from .reading import JournalReader, equal_tasks, furthest
from .rows import (
    IS_OWED,
    Changes,
    columns_of,
    hand_over_outputs,
    has_ticket_alone,
    in_states,
    insert,
    lock_request,
    lock_ticket,
    mark_written,
    owe_output,
    owned_by,
    replaced_by,
    request_output,
    select_tasks,
    state_columns,
    task_of,
    turned,
    unchanged,
)
from .schema import OUTPUTS, QUOTES, TASKS
from .spent import (
    counted_from,
    find_ahead,
    keep_spent,
    lock_spent,
    read_locked,
    read_spent_on,
    reopened,
)
from .task import OPEN, Owner, Task, TaskState
from .worker import Worker

T = TypeVar("T")

#: The states from which a task may move to each state. What is paid for is never "refused", and a
#: video that is here is never given up.
_BEFORE: Mapping[TaskState, tuple[TaskState, ...]] = {
    "submitted": ("submitting", "submitted", "unknown"),
    "succeeded": ("submitting", "submitted", "succeeded", "unknown"),
    "stored": ("submitting", "submitted", "succeeded", "unknown", "stored"),
    "refused": ("submitting",),
    "failed": ("submitting", "submitted", "succeeded", "unknown"),
    "cancelled": ("submitting", "submitted", "succeeded", "unknown"),
    "unknown": ("submitting", "submitted", "unknown"),
}


@define(eq=False)
class Journal(JournalReader):
    """
    The record of paid tasks, in the database at an SQLAlchemy URL, or in a file.

    `source` is what sets the URL, to be named in messages, and `budget` tells what may be spent, as
    it is set now. `home` is the folder that the names of videos are relative to. `clock` is only
    for tests: the time is the database's, where machines share one.

    Every method raises `JournalError` if the record cannot be read or written.
    """

    budget: Callable[[], Budget] = field(default=Budget, kw_only=True, repr=False)
    worker: Worker = field()
    _registered: bool = field(default=False, init=False, repr=False)
    #: The ids of the tasks that this process has recorded, also if nobody waited for that.
    claimed: list[str] = field(factory=list, init=False, repr=False)

    @worker.default
    def _this_process(self) -> Worker:
        return Worker(_lock_folder(self.url, self.home), self._clock or time.monotonic)

    # -- new tasks, and their outputs ------------------------------------------------------

    async def claim(
        self,
        draft: Task,
        output: Output | None,
        fingerprints: Sequence[str] = (),
        allowance: Allowance | None = None,
    ) -> tuple[Task, bool]:
        """
        Record a new task and return it with True, or an active equal one with False.

        A new task is this worker's. `output` is where the video is to be written; `fingerprints`
        are those of equal tasks, if there are others than the draft's own. Raises `BudgetExceeded`
        if there is no equal one, and a new one must not be paid for: by the budget, or by the
        `allowance` that it has to share; and `SettingsError` if there is none, and what may be
        spent is set wrongly.
        """
        draft = evolve(draft, worker=self.worker.id, generation=1)

        def work(connection: sa.Connection) -> Task:
            lock_request(connection, draft)
            rows = connection.execute(equal_tasks([draft.fingerprint, *fingerprints]))
            task = furthest([self._task(row) for row in rows])
            if task is None:
                self._check_budget(connection, draft, allowance=allowance)
                insert(connection, draft, self._now())
                self.claimed.append(draft.id)
                task = draft
            if output is not None:
                request_output(connection, task.id, output)
            return task

        while True:
            try:
                task = await self._run(work)
            except JournalError as error:
                # On PostgreSQL, another worker may insert an equal task after the select.
                if not isinstance(error.__cause__, sa.exc.IntegrityError):
                    raise
            else:
                return task, task.id == draft.id

    async def request_output(self, task: str, output: Output) -> None:
        """Record that a task's video is to be written to `output` too, and no other one's."""
        await self._run(lambda connection: request_output(connection, task, output))

    async def owe_output(self, task: str, output: Output) -> None:
        """Record that a task's video could not be written to `output` yet."""
        await self._run(lambda connection: owe_output(connection, task, output))

    async def mark_written(self, task: str, output: Output) -> None:
        """Record that a task's video has been written: it is what `output` has found there."""
        await self._run(lambda connection: mark_written(connection, task, output, self._now()))

    async def keep_quote(self, question: str, usd: float) -> None:
        """Record the price in USD that a provider has told, for everybody."""

        def work(connection: sa.Connection) -> None:
            connection.execute(QUOTES.delete().where(QUOTES.c.question == question))
            new = QUOTES.insert().values(question=question, usd=usd, told=self._now())
            connection.execute(new)

        await self._run(work)

    def departures(self, pace: str) -> Departures:
        """The departures of paid requests that share a pace."""
        return Departures(self.database, self._now, pace)

    # -- changes by a task's owner; each returns False if it has lost the task -------------

    async def mark_sent(self, owner: Owner, allowance: Allowance | None = None) -> bool:
        """
        Record that the paid request is about to be sent; False if this worker must not send it.

        Two workers never both get True. Raises `BudgetExceeded` if it must not be paid for now: it
        may have been recorded long ago; and `SettingsError` if what may be spent is set wrongly.
        """
        unsent = TASKS.c.sending.is_(None)
        is_unsent = in_states(("submitting",)) & unsent
        check = self._budget_check(owner, is_unsent, allowance=allowance)
        return await self._mark_sent(owner, unsent, check)

    async def turn_to(self, owner: Owner, target: Task) -> Task | None:
        """
        Let another provider make a task that is unsent: the one that `target`, a changed copy, has.

        Returns the equal task that the provider makes already, if there is one: then this one is
        over, and what it owes is owed by that one. Returns None if this worker has lost the task.
        """

        def work(connection: sa.Connection) -> Task | None:
            lock_request(connection, target)
            is_mine = owned_by(owner) & in_states(("submitting",)) & TASKS.c.sending.is_(None)
            rows = connection.execute(equal_tasks([target.fingerprint])).all()
            other = furthest([each for row in rows if (each := self._task(row)).id != target.id])
            changes = turned(target) if other is None else replaced_by(other)
            update = TASKS.update().where(is_mine).values(**changes, updated=self._now())
            if not connection.execute(update).rowcount:
                return None
            if other is not None:
                hand_over_outputs(connection, target.id, other.id)
                return other
            return target

        return await self._run(work)

    async def mark_sent_again(self, owner: Owner) -> bool:
        """Record that a request whose answer was lost is sent again, under the same id of ours."""
        return await self._mark_sent(owner, sa.true())

    async def _mark_sent(
        self,
        owner: Owner,
        condition: sa.ColumnElement[bool],
        check: Callable[[sa.Connection], None] | None = None,
    ) -> bool:
        now = self._now()
        changes = {"sending": now, "attempts": TASKS.c.attempts + 1, **counted_from(now)}
        return await self._change(owner, in_states(("submitting",)) & condition, changes, check)

    async def mark_unsent(self, owner: Owner) -> bool:
        """Record that the paid request certainly had no effect."""
        return await self._change(owner, in_states(("submitting",)), {"sending": None})

    async def update(
        self, owner: Owner, state: TaskState, *, last: bool = False, **changes: Unpack[Changes]
    ) -> bool:
        """Move a task forward to `state`; `last` means that the owner gives it up with that."""
        columns = state_columns(state) | columns_of(self._relative(changes))
        if last:
            columns["worker"] = None
        return await self._change(owner, in_states(_BEFORE[state]), columns)

    async def give_up(self, owner: Owner) -> bool:
        """Leave a task as it is to whoever wants to continue it."""
        return await self._change(owner, sa.true(), {"worker": None})

    async def adopt(self, owner: Owner, ticket: Ticket) -> bool:
        """
        Record the ticket of a task that was unclear, which the user has found.

        Of two tasks that are given the same one, the second one gets False.
        """
        changes: Changes = {"ticket": ticket, "submitted": self.clock(), "sending": None}
        changes |= {"error": None, "code": None, "remedy": None}
        condition = in_states(_BEFORE["submitted"]) & has_ticket_alone(ticket)
        return await self._change(
            owner,
            condition,
            state_columns("submitted") | columns_of(changes),
            lambda connection: lock_ticket(connection, ticket),
        )

    async def reopen(self, owner: Owner, lost: bool) -> bool:
        """
        Let an unknown task be submitted again.

        `lost` says that nobody knows the outcome so far, and the user wants it all the same. Then
        its remedy stays: a refusal of the next request says nothing about the earlier one. Raises
        `BudgetExceeded` and `SettingsError` as `claim` does.
        """
        reset: Changes = {"sending": None, "ticket": None, "error": None, "code": None}
        reset |= {} if lost else {"remedy": None}
        columns = state_columns("submitting") | columns_of(reset)
        is_unknown = in_states(("unknown",))
        check = self._budget_check(owner, is_unknown, again=True) if lost else None
        if lost:
            columns |= reopened(self._now())
        return await self._change(owner, is_unknown, columns, check)

    # -- changes of the owner --------------------------------------------------------------

    async def take_over(self, task: Task) -> Task | None:
        """The task as this worker's; None if a living worker has it, or its row has changed."""
        if task.worker == self.worker.id:
            return task
        if task.worker is not None and await self._is_alive(task.worker):
            return None
        return await self._take(task, sa.true())

    async def take_unsent(self, task: Task) -> Task | None:
        """`take_over`, also from a living worker, unless the paid request may have been sent."""
        return await self._take(task, in_states(("submitting",)) & TASKS.c.sending.is_(None))

    async def take_cancelled(self, task: Task) -> Task | None:
        """`take_over`, also from a living worker: the provider has cancelled the task."""
        return await self._take(task, in_states(_BEFORE["cancelled"]))

    async def _take(self, task: Task, condition: sa.ColumnElement[bool]) -> Task | None:
        update = (
            TASKS.update()
            .where(unchanged(task), condition)
            .values(worker=self.worker.id, generation=TASKS.c.generation + 1)
        )

        def work(connection: sa.Connection) -> Task | None:
            if not connection.execute(update).rowcount:
                return None
            return self._task(connection.execute(select_tasks().where(TASKS.c.id == task.id)).one())

        return await self._run(work)

    async def release(self) -> None:
        """Give up all tasks, so that other workers can continue them."""

        def work(connection: sa.Connection) -> None:
            mine = TASKS.c.worker == self.worker.id
            connection.execute(TASKS.update().where(mine).values(worker=None))
            self.worker.resign(connection)

        if self._registered:  # Otherwise it never had any.
            await self._run(work)
            self._registered = False
            self.worker.unlock()

    async def heartbeat(self) -> None:
        """Record that this worker is alive."""
        await self._run(lambda connection: self.worker.register(connection, self._now()))

    async def is_left(self, task: Task) -> bool:
        """Whether a task was never sent, and nobody is about to send it."""
        unsent = task.standing == "unsent"
        return unsent and (task.worker is None or not await self._is_alive(task.worker))

    async def _is_alive(self, worker: str) -> bool:
        return await self.database.read(
            lambda connection: self.worker.is_alive(worker, connection, self._now())
        )

    # -- the end ---------------------------------------------------------------------------

    async def prune(self, older_than: float) -> list[Task]:
        """
        Delete and return the tasks that ended more than `older_than` seconds ago.

        Open ones are never touched, nor is one that a living worker fetches again.
        """
        old = (TASKS.c.updated < self._now() - older_than) & TASKS.c.state.not_in(OPEN) & ~IS_OWED

        def work(connection: sa.Connection) -> list[Task]:
            now = self._now()
            self.worker.forget_the_dead(connection, now)
            found = [self._task(row) for row in connection.execute(select_tasks().where(old))]
            deleted = [
                task
                for task in found
                if task.worker is None or not self.worker.is_alive(task.worker, connection, now)
            ]
            for task in deleted:
                _delete(connection, now, task)
            return deleted

        return await self._run(work)

    async def forget(self, task: Task) -> bool:
        """
        Delete a task of this worker's; False if another one has it by now.

        What it cost still counts in the budget.
        """

        def work(connection: sa.Connection) -> bool:
            return _delete(connection, self._now(), task)

        return await self._run(work)

    # -- the database ----------------------------------------------------------------------

    def _relative(self, changes: Changes) -> Changes:
        file = changes.get("file")
        if file is None or self.home is None or not Path(file).is_relative_to(self.home):
            return changes
        return {**changes, "file": Path(file).relative_to(self.home).as_posix()}

    async def _run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction that writes; the first one also registers this worker."""

        def registered(connection: sa.Connection) -> T:
            if not self._registered:
                self.worker.register(connection, self._now())
            return work(connection)

        try:
            done = await self.database.run(registered)
        except BudgetExceeded:  # With that, all that was written has been undone.
            with suppress(JournalError):
                await self.database.run(lambda connection: find_ahead(connection, self._now()))
            raise
        self._registered = True
        return done

    async def _change(
        self,
        owner: Owner,
        condition: sa.ColumnElement[bool],
        columns: Mapping[str, object],
        check: Callable[[sa.Connection], None] | None = None,
    ) -> bool:
        """Update an owner's task if it meets the condition; returns whether it does."""
        # The others as parameters, of which SQLAlchemy makes no expressions.
        computed = {name: value for name, value in columns.items() if _is_computed(value)}
        values = {name: value for name, value in columns.items() if name not in computed}
        update = TASKS.update().where(owned_by(owner), condition)
        update = update.values(updated=self._now(), **computed)
        there = sa.select(TASKS.c.id).where(TASKS.c.id == owner.task)

        def work(connection: sa.Connection) -> bool:
            if check is not None:
                check(connection)
            changed = connection.execute(update, values).rowcount > 0
            if not changed and connection.scalar(there) is None:
                raise JournalError(f"The journal has no task {owner.task} any more.")
            return changed

        return await self._run(work)

    def _budget_check(
        self,
        owner: Owner,
        condition: sa.ColumnElement[bool],
        again: bool = False,
        allowance: Allowance | None = None,
    ) -> Callable[[sa.Connection], None]:
        """Checks that an owner's task may be paid for, or paid for `again`, if it is to be."""

        def check(connection: sa.Connection) -> None:
            for row in connection.execute(select_tasks().where(owned_by(owner), condition)):
                waiting = None if again else row.id
                self._check_budget(connection, task_of(row), waiting, allowance)

        return check

    def _check_budget(
        self,
        connection: sa.Connection,
        task: Task,
        waiting: str | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        """Raise `BudgetExceeded` if a task must not be paid for; `waiting` is its id if it does."""
        budget = self.budget()
        if budget.limited and not task.sandbox:
            spent = read_locked(connection, self._now(), waiting)
            check_budget(budget, spent, task.price_usd)
        if allowance is not None:
            lock_spent(connection)
            taken = read_spent_on(connection, allowance.fingerprints, waiting)
            check_allowance(allowance, taken, task.price_usd)


def _is_computed(value: object) -> bool:
    """Whether the database computes a value."""
    return isinstance(value, sa.ColumnElement)


def _delete(connection: sa.Connection, now: sa.ColumnElement[float], task: Task) -> bool:
    """Delete a task unless its owner has changed; the budget keeps what it has to know."""
    keep_spent(connection, now, unchanged(task))
    if not connection.execute(TASKS.delete().where(unchanged(task))).rowcount:
        return False
    connection.execute(OUTPUTS.delete().where(OUTPUTS.c.task == task.id))
    return True


def _lock_folder(place: str | Path, home: Path | None) -> Path | None:
    """The folder of the lock files: beside the journal if it is a file, or else in the home."""
    with suppress(BadAddress, OSError):  # Said when the journal is used.
        if (file := Address(place).file()) is not None:
            return Path(f"{file}-workers")
    return home and home / "workers"
