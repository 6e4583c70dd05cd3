"""
The journal: one row per task, committed before the paid request is sent.

Its tables are in `schema`, the connections in `database`, and the processes that share it in
`worker`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, TypeVar, Unpack

import sqlalchemy as sa
from attrs import define, field

from ..errors import JournalError, UnknownTask
from ..status import Realm
from ..text import sanitize
from .database import Database
from .rows import (
    Changes,
    add_output,
    columns_of,
    in_states,
    insert,
    select_tasks,
    state_columns,
    task_in,
    task_of,
)
from .schema import OUTPUTS, TASKS, WORKERS
from .task import OPEN, Task, TaskState
from .worker import Worker

T = TypeVar("T")


@define(eq=False)
class Journal:
    """
    The record of paid tasks, in the database at an SQLAlchemy URL.

    Every method raises `JournalError` if the record cannot be read or written. Reading never waits
    for writers, and does not create a journal.
    """

    url: str = field(repr=False)
    clock: Callable[[], float] = time.time
    worker: Worker = field(factory=Worker.here)
    database: Database = field(init=False, repr=False)
    _registered: bool = field(default=False, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.database = Database(self.url)

    async def close(self) -> None:
        await self.database.close()

    # -- reading ---------------------------------------------------------------------------

    async def get(self, task: str) -> Task:
        """The task with that id, or the only one whose id starts with it; raises `UnknownTask`."""
        has_prefix = TASKS.c.id.startswith(task, autoescape=True)
        found = await self._select(select_tasks().where(has_prefix).limit(2))
        exact = [each for each in found if each.id == task]
        found = exact or found
        if len(found) != 1 or not task:
            many = "more than one task" if found else "no task"
            raise UnknownTask(f'The journal has {many} "{sanitize(task, 60)}".', task=task)
        return found[0]

    async def find_equal(self, fingerprint: str) -> Task | None:
        """The active task with this fingerprint, which an equal request joins or reuses."""
        found = await self._select(select_tasks().where(TASKS.c.active == fingerprint))
        return found[0] if found else None

    async def tasks(self, states: Sequence[TaskState] | None = None) -> list[Task]:
        """All tasks, or those in these states, oldest first."""
        query = select_tasks().order_by(TASKS.c.created, TASKS.c.id)
        return await self._select(query if states is None else query.where(in_states(states)))

    async def needs_image(self, name: str) -> bool:
        """Whether a task may still have to send the saved image."""
        sendable = in_states(("submitting", "unknown"))
        query = select_tasks().where(TASKS.c.image_file == name, sendable).limit(1)
        return bool(await self._select(query))

    async def usual_time(self, provider: str, realm: Realm, duration: int) -> float | None:
        """How long such videos took recently, in seconds (median of up to 20); None if unknown."""
        query = (
            sa.select(TASKS.c.finished - TASKS.c.submitted)
            .where(TASKS.c.provider == provider, TASKS.c.realm == realm)
            .where(TASKS.c.duration == duration, TASKS.c.state == "stored")
            .order_by(TASKS.c.created.desc())
            .limit(20)
        )
        times = await self._scalars(query)
        return median(times) if (times := [took for took in times if took and took > 0]) else None

    async def pending_outputs(self, task: str) -> list[str]:
        """The paths that a task's video still has to be written to."""
        unwritten = (OUTPUTS.c.task == task) & OUTPUTS.c.written.is_(None)
        return await self._scalars(sa.select(OUTPUTS.c.path).where(unwritten))

    # -- new tasks, and their outputs ------------------------------------------------------

    async def claim(self, draft: Task, output: str | None) -> tuple[Task, bool]:
        """
        Record a new task and return it with True, or an active equal one with False.

        `output` is the path that the video is to be written to.
        """

        def work(connection: sa.Connection) -> Task:
            equal = select_tasks().where(TASKS.c.active == draft.fingerprint)
            row = connection.execute(equal).first()
            if row is None:
                insert(connection, draft)
            task = draft if row is None else task_of(row)
            add_output(connection, task.id, output)
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

    async def request_output(self, task: str, output: str | None) -> None:
        """Record that a task's video is to be written to `output` too."""
        if output is not None:
            await self._run(lambda connection: add_output(connection, task, output))

    async def mark_written(self, task: str, output: str) -> None:
        """Record that a task's video has been written to `output`."""
        row = (OUTPUTS.c.task == task) & (OUTPUTS.c.path == output)
        update = OUTPUTS.update().where(row).values(written=self.clock())
        await self._run(lambda connection: connection.execute(update))

    # -- from state to state ---------------------------------------------------------------

    async def mark_sent(self, task: str) -> bool:
        """
        Record that the paid request is about to be sent; False if this worker must not send it.

        Two workers never both get True.
        """
        return await self._mark_sent(task_in(task, "submitting") & TASKS.c.sending.is_(None))

    async def mark_sent_again(self, task: str) -> bool:
        """Record that a request whose answer was lost is sent again, under the same id of ours."""
        return await self._mark_sent(task_in(task, "submitting"))

    async def _mark_sent(self, condition: sa.ColumnElement[bool]) -> bool:
        return await self._change(
            condition & (TASKS.c.worker == self.worker.id),
            {"sending": self.clock(), "attempts": TASKS.c.attempts + 1},
        )

    async def mark_unsent(self, task: str) -> None:
        """Record that the paid request certainly had no effect."""
        await self._change(task_in(task, "submitting"), {"sending": None})

    async def update(
        self,
        task: str,
        state: TaskState,
        *,
        among: Sequence[TaskState] = OPEN,
        **changes: Unpack[Changes],
    ) -> bool:
        """Move a task to `state` from one of the states `among`; False if it is in another."""
        return await self._change(task_in(task, *among), state_columns(state) | columns_of(changes))

    async def cancel_unsent(self, task: str) -> bool:
        """Cancel a task whose paid request was certainly not sent; False if it may have been."""
        unsent = task_in(task, "submitting") & TASKS.c.sending.is_(None)
        return await self._change(unsent, state_columns("cancelled") | {"worker": None})

    async def reopen(self, task: str) -> bool:
        """Let an unknown task be submitted again, at the user's request; False if not unknown."""
        reset: Changes = {"sending": None, "ticket": None}
        reset |= {"error": None, "code": None, "remedy": None, "worker": self.worker.id}
        return await self._change(
            task_in(task, "unknown"), state_columns("submitting") | columns_of(reset)
        )

    async def prune(self, before: float) -> list[Task]:
        """Delete and return the tasks that ended before a time. Open ones are never touched."""
        old = (TASKS.c.updated < before) & TASKS.c.state.not_in(OPEN)

        def work(connection: sa.Connection) -> list[Task]:
            deleted = [task_of(row) for row in connection.execute(select_tasks().where(old))]
            for task in deleted:
                connection.execute(OUTPUTS.delete().where(OUTPUTS.c.task == task.id))
                connection.execute(TASKS.delete().where(TASKS.c.id == task.id))
            connection.execute(WORKERS.delete().where(WORKERS.c.seen < before))
            return deleted

        return await self._run(work)

    # -- workers ---------------------------------------------------------------------------

    async def take_over(self, task: Task) -> bool:
        """Take a task over from a worker that is gone; False if its worker is alive."""
        if task.worker == self.worker.id:
            return True
        if task.worker is not None and await self._is_alive(task.worker):
            return False
        owned_by_it = TASKS.c.worker.is_not_distinct_from(task.worker)
        return await self._change((TASKS.c.id == task.id) & owned_by_it, {"worker": self.worker.id})

    async def release(self) -> None:
        """Give up all tasks, so that other workers can continue them."""
        if self._registered:  # Otherwise it never had any.
            await self._change(TASKS.c.worker == self.worker.id, {"worker": None})

    async def heartbeat(self) -> None:
        """Record that this worker is alive."""
        await self._run(lambda connection: self.worker.register(connection, self.clock()))

    async def _is_alive(self, worker: str) -> bool:
        return await self.database.read(
            lambda connection: self.worker.is_alive(worker, connection, self.clock())
        )

    # -- the database ----------------------------------------------------------------------

    async def _run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction that writes; the first one also registers this worker."""

        def registered(connection: sa.Connection) -> T:
            if not self._registered:
                self.worker.register(connection, self.clock())
            return work(connection)

        done = await self.database.run(registered)
        self._registered = True
        return done

    async def _change(
        self, condition: sa.ColumnElement[bool], columns: Mapping[str, object]
    ) -> bool:
        """Update the tasks that meet the condition; returns whether there were any."""
        update = TASKS.update().where(condition).values(updated=self.clock(), **columns)
        return await self._run(lambda connection: connection.execute(update).rowcount > 0)

    async def _select(self, query: sa.Select[Any]) -> list[Task]:
        if self.database.missing:
            return []
        return await self.database.read(
            lambda connection: [task_of(row) for row in connection.execute(query)]
        )

    async def _scalars(self, query: sa.Select[tuple[T]]) -> list[T]:
        if self.database.missing:
            return []
        return await self.database.read(lambda connection: list(connection.scalars(query)))
