"""
The journal: a row per task, committed before the paid request leaves.

Its tables are in `schema`, the database in `database`, the processes that share it in `worker`.
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

    Every method raises `JournalError`, in words, when the record cannot be read or written. What
    only reads waits for no writer, and makes no journal where there is none yet.
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
        """The task of that id, or the only one whose id begins so; raises `UnknownTask`."""
        begins_so = TASKS.c.id.startswith(task, autoescape=True)
        found = await self._select(select_tasks().where(begins_so).limit(2))
        exact = [each for each in found if each.id == task]
        found = exact or found
        if len(found) != 1 or not task:
            many = "more than one task" if found else "no task"
            raise UnknownTask(f'The journal has {many} "{sanitize(task, 60)}".', task=task)
        return found[0]

    async def find_equal(self, fingerprint: str) -> Task | None:
        """The task that a request of this fingerprint joins or is given."""
        found = await self._select(select_tasks().where(TASKS.c.active == fingerprint))
        return found[0] if found else None

    async def tasks(self, states: Sequence[TaskState] | None = None) -> list[Task]:
        """All tasks, or those in these states, oldest first."""
        query = select_tasks().order_by(TASKS.c.created, TASKS.c.id)
        return await self._select(query if states is None else query.where(in_states(states)))

    async def needs_image(self, name: str) -> bool:
        """Whether a task may still have to send the kept picture."""
        sendable = in_states(("submitting", "unknown"))
        query = select_tasks().where(TASKS.c.image_file == name, sendable).limit(1)
        return bool(await self._select(query))

    async def usual_time(self, provider: str, realm: Realm, duration: int) -> float | None:
        """How long such videos took lately, in seconds (median of up to 20); None if unknown."""
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
        """Where the video of a task is wanted and not yet written."""
        unwritten = (OUTPUTS.c.task == task) & OUTPUTS.c.written.is_(None)
        return await self._scalars(sa.select(OUTPUTS.c.path).where(unwritten))

    # -- new tasks, and where their videos go ----------------------------------------------

    async def claim(self, draft: Task, output: str | None) -> tuple[Task, bool]:
        """
        Record a new task, unless an equal one is active: then that one, and False.

        `output` is where the video is wanted, a path.
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
                # PostgreSQL lets another worker be quicker after the look.
                if not isinstance(error.__cause__, sa.exc.IntegrityError):
                    raise
            else:
                return task, task.id == draft.id

    async def request_output(self, task: str, output: str | None) -> None:
        """Remember that the video of a task is wanted at `output` too."""
        if output is not None:
            await self._run(lambda connection: add_output(connection, task, output))

    async def mark_written(self, task: str, output: str) -> None:
        """Note that the video of a task is at `output` now."""
        there = (OUTPUTS.c.task == task) & (OUTPUTS.c.path == output)
        note = OUTPUTS.update().where(there).values(written=self.clock())
        await self._run(lambda connection: connection.execute(note))

    # -- from state to state ---------------------------------------------------------------

    async def mark_sent(self, task: str) -> bool:
        """
        Note that the paid request leaves now; False if it is not for this worker to send it.

        This is the gate that two workers never both pass.
        """
        return await self._mark_sent(task_in(task, "submitting") & TASKS.c.sending.is_(None))

    async def mark_sent_again(self, task: str) -> bool:
        """Note that a request whose answer was lost leaves again, under the same id of ours."""
        return await self._mark_sent(task_in(task, "submitting"))

    async def _mark_sent(self, condition: sa.ColumnElement[bool]) -> bool:
        return await self._change(
            condition & (TASKS.c.worker == self.worker.id),
            {"sending": self.clock(), "attempts": TASKS.c.attempts + 1},
        )

    async def mark_unsent(self, task: str) -> None:
        """Note that the paid request certainly had no effect."""
        await self._change(task_in(task, "submitting"), {"sending": None})

    async def update(
        self,
        task: str,
        state: TaskState,
        *,
        among: Sequence[TaskState] = OPEN,
        **changes: Unpack[Changes],
    ) -> bool:
        """Move a task to `state` from one of the states `among`; False if it is in none of them."""
        return await self._change(task_in(task, *among), state_columns(state) | columns_of(changes))

    async def cancel_unsent(self, task: str) -> bool:
        """Cancel a task whose paid request has certainly not left; False if it may have."""
        unsent = task_in(task, "submitting") & TASKS.c.sending.is_(None)
        return await self._change(unsent, state_columns("cancelled") | {"worker": None})

    async def reopen(self, task: str) -> bool:
        """Let an unknown task be submitted again, knowingly; False if it is not unknown."""
        forgotten: Changes = {"sending": None, "ticket": None}
        forgotten |= {"error": None, "code": None, "remedy": None, "worker": self.worker.id}
        return await self._change(
            task_in(task, "unknown"), state_columns("submitting") | columns_of(forgotten)
        )

    async def prune(self, before: float) -> list[Task]:
        """Forget the tasks that ended before a time; returns them. Open ones are never touched."""
        old = (TASKS.c.updated < before) & TASKS.c.state.not_in(OPEN)

        def work(connection: sa.Connection) -> list[Task]:
            gone = [task_of(row) for row in connection.execute(select_tasks().where(old))]
            for task in gone:
                connection.execute(OUTPUTS.delete().where(OUTPUTS.c.task == task.id))
                connection.execute(TASKS.delete().where(TASKS.c.id == task.id))
            connection.execute(WORKERS.delete().where(WORKERS.c.seen < before))
            return gone

        return await self._run(work)

    # -- in whose hands --------------------------------------------------------------------

    async def take_over(self, task: Task) -> bool:
        """Take a task over from a worker that is gone; False if it is in living hands."""
        if task.worker == self.worker.id:
            return True
        if task.worker is not None and await self._is_alive(task.worker):
            return False
        of_that_worker = TASKS.c.worker.is_not_distinct_from(task.worker)
        return await self._change(
            (TASKS.c.id == task.id) & of_that_worker, {"worker": self.worker.id}
        )

    async def release(self) -> None:
        """Let go of all tasks, for whoever wants to carry them on."""
        if self._registered:  # If not, it never had one.
            await self._change(TASKS.c.worker == self.worker.id, {"worker": None})

    async def heartbeat(self) -> None:
        """Show that this worker is alive."""
        await self._run(lambda connection: self.worker.register(connection, self.clock()))

    async def _is_alive(self, worker: str) -> bool:
        return await self.database.read(
            lambda connection: self.worker.is_alive(worker, connection, self.clock())
        )

    # -- the database ----------------------------------------------------------------------

    async def _run(self, work: Callable[[sa.Connection], T]) -> T:
        """Do `work` in a transaction that writes; the first one makes this worker known, too."""

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
        """Change the tasks that are so; whether there were any."""
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
