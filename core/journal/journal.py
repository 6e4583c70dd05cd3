"""
The journal: a row per task, committed before the paid request leaves.

Its tables are in `schema`, the database in `database`, the processes that share it in `worker`.
Everything here is synchronous; the runner calls it from a thread of its own.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import sqlalchemy as sa
from attrs import define, field

from ..errors import JournalError, UnknownTask
from ..text import sanitize
from .database import Database
from .schema import OUTPUTS, TASKS, WORKERS, migrate
from .task import ACTIVE, OPEN, Realm, Task, TaskState
from .worker import Worker


@define
class Journal:
    """
    The record of paid tasks, in the database at an SQLAlchemy URL.

    Every method raises `JournalError`, in words, when the record cannot be read or written.
    """

    url: str
    clock: Callable[[], float] = time.time
    worker: Worker = field(factory=Worker.here)
    database: Database = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        self.database = Database(self.url, self._move_in)

    def _move_in(self, connection: sa.Connection) -> None:
        migrate(connection)
        self.worker.enrol(connection, self.clock())

    def close(self) -> None:
        self.database.close()

    # -- reading ---------------------------------------------------------------------------

    def get(self, task: str) -> Task:
        """The task of that id, or of the only id that begins so."""
        with self.database.read() as connection:
            rows = connection.execute(
                _select().where(TASKS.c.id.startswith(task, autoescape=True)).limit(2)
            ).all()
        exact = [row for row in rows if row.id == task]
        rows = exact or rows
        if len(rows) != 1 or not task:
            many = "more than one task" if rows else "no task"
            raise UnknownTask(
                f'The journal has {many} "{sanitize(task, 60)}"; see: kling26 tasks', task=task
            )
        return _task(rows[0])

    def equal(self, fingerprint: str) -> Task | None:
        """The task that a request of this fingerprint joins or is given."""
        if self.database.absent:
            return None
        with self.database.read() as connection:
            row = connection.execute(_select().where(TASKS.c.active == fingerprint)).first()
        return _task(row) if row else None

    def tasks(self, states: Sequence[TaskState] | None = None) -> list[Task]:
        """All tasks, or those in these states, oldest first."""
        query = _select().order_by(TASKS.c.created, TASKS.c.id)
        if states is not None:
            query = query.where(TASKS.c.state.in_(states))
        with self.database.read() as connection:
            return [_task(row) for row in connection.execute(query)]

    def needs_image(self, name: str) -> bool:
        """Whether a task may still have to send the kept picture."""
        query = sa.select(TASKS.c.id).where(
            TASKS.c.image == name, TASKS.c.state.in_(("submitting", "unknown"))
        )
        with self.database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def usual_time(self, provider: str, realm: Realm, duration: int) -> float | None:
        """How long such videos took lately, in seconds (median of up to 20); None if unknown."""
        query = (
            sa.select(TASKS.c.finished - TASKS.c.submitted)
            .where(TASKS.c.provider == provider, TASKS.c.realm == realm)
            .where(TASKS.c.request.contains(f'"duration": {duration},', autoescape=True))
            .where(TASKS.c.state == "stored")
            .order_by(TASKS.c.created.desc())
            .limit(20)
        )
        with self.database.read() as connection:
            times = [took for took in connection.scalars(query) if took is not None and took > 0]
        return median(times) if times else None

    # -- new tasks, and where their videos go ----------------------------------------------

    def claim(self, draft: Task, output: str | None) -> tuple[Task, bool]:
        """
        Record a new task, unless an equal one is active: then that one, and False.

        `output` is where the video is wanted, a path.
        """
        try:
            with self.database.write() as connection:
                values = {name: getattr(draft, name) for name in _COLUMNS}
                connection.execute(TASKS.insert().values(**values | {"active": draft.fingerprint}))
                self._want(connection, draft.id, output)
            return draft, True
        except JournalError as error:
            if not isinstance(error.__cause__, sa.exc.IntegrityError):
                raise
        existing = self.equal(draft.fingerprint)
        if existing is None:  # It came to its end in between.
            return self.claim(draft, output)
        self.want(existing.id, output)
        return existing, False

    def want(self, task: str, output: str | None) -> None:
        """Remember that the video of a task is wanted at `output` too."""
        if output is not None:
            with self.database.write() as connection:
                self._want(connection, task, output)

    def _want(self, connection: sa.Connection, task: str, output: str | None) -> None:
        if output is None:
            return
        wanted = (OUTPUTS.c.task == task) & (OUTPUTS.c.path == output)
        connection.execute(OUTPUTS.delete().where(wanted))
        connection.execute(OUTPUTS.insert().values(task=task, path=output))

    def wanted(self, task: str) -> list[str]:
        """Where the video of a task is wanted and not yet written."""
        query = sa.select(OUTPUTS.c.path).where(OUTPUTS.c.task == task, OUTPUTS.c.written.is_(None))
        with self.database.read() as connection:
            return list(connection.scalars(query))

    def written(self, task: str, output: str) -> None:
        """Note that the video of a task is at `output` now."""
        with self.database.write() as connection:
            connection.execute(
                OUTPUTS.update()
                .where(OUTPUTS.c.task == task, OUTPUTS.c.path == output)
                .values(written=self.clock())
            )

    # -- from state to state ---------------------------------------------------------------

    def send(self, task: str) -> bool:
        """
        Note that the paid request leaves now; False if it is not for this worker to send it.

        This is the gate that two workers never both pass.
        """
        return self._leave(_stands(task, "submitting") & TASKS.c.sending.is_(None))

    def send_again(self, task: str) -> bool:
        """Note that a request whose answer was lost leaves again, under the same own id."""
        return self._leave(_stands(task, "submitting"))

    def _leave(self, condition: sa.ColumnElement[bool]) -> bool:
        return self._change(
            condition & (TASKS.c.worker == self.worker.id),
            sending=self.clock(),
            attempts=TASKS.c.attempts + 1,
        )

    def unsend(self, task: str) -> None:
        """Note that the paid request certainly had no effect."""
        self._change(_stands(task, "submitting"), sending=None)

    def update(
        self, task: str, state: TaskState, *, among: Sequence[TaskState] = OPEN, **values: Any
    ) -> bool:
        """Move a task to `state` from one of the states `among`; False if it is in none of them."""
        if state not in ACTIVE:
            values["active"] = None
        return self._change(_stands(task, *among), state=state, **values)

    def withdraw(self, task: str) -> bool:
        """Cancel a task whose paid request has certainly not left; False if it may have."""
        return self._change(
            _stands(task, "submitting") & TASKS.c.sending.is_(None),
            state="cancelled",
            active=None,
            worker=None,
        )

    def reopen(self, task: str) -> bool:
        """Let an unknown task be submitted again, knowingly; False if it is not unknown."""
        return self._change(
            _stands(task, "unknown"),
            state="submitting",
            sending=None,
            ticket=None,
            task_id=None,
            error=None,
            code=None,
            worker=self.worker.id,
        )

    def prune(self, before: float) -> list[Task]:
        """Forget the tasks that ended before a time; returns them. Open ones are never touched."""
        old = (TASKS.c.updated < before) & TASKS.c.state.not_in(OPEN)
        with self.database.write() as connection:
            rows = [_task(row) for row in connection.execute(_select().where(old))]
            for row in rows:
                connection.execute(OUTPUTS.delete().where(OUTPUTS.c.task == row.id))
                connection.execute(TASKS.delete().where(TASKS.c.id == row.id))
            connection.execute(WORKERS.delete().where(WORKERS.c.seen < before))
        return rows

    # -- in whose hands --------------------------------------------------------------------

    def adopt(self, task: Task) -> bool:
        """Take a task over from a worker that is gone; False if it is in living hands."""
        if task.worker == self.worker.id:
            return True
        if task.worker is not None and self._alive(task.worker):
            return False
        held = TASKS.c.worker.is_(None) if task.worker is None else TASKS.c.worker == task.worker
        return self._change((TASKS.c.id == task.id) & held, worker=self.worker.id)

    def release(self) -> None:
        """Let go of all tasks, for whoever wants to carry them on."""
        if self.database.opened:  # If not, it never held one.
            self._change(TASKS.c.worker == self.worker.id, worker=None)

    def beat(self) -> None:
        """Show that this worker is alive."""
        with self.database.write() as connection:
            self.worker.enrol(connection, self.clock())

    def _change(self, condition: sa.ColumnElement[bool], **values: Any) -> bool:
        with self.database.write() as connection:
            changed = connection.execute(
                TASKS.update().where(condition).values(updated=self.clock(), **values)
            )
            return changed.rowcount > 0

    def _alive(self, worker: str) -> bool:
        with self.database.read() as connection:
            return self.worker.sees_alive(worker, connection, self.clock())


_COLUMNS = tuple(column.name for column in TASKS.columns if column.name != "active")


def _stands(task: str, *states: TaskState) -> sa.ColumnElement[bool]:
    """That a task is in one of these states."""
    return (TASKS.c.id == task) & TASKS.c.state.in_(states)


def _select() -> sa.Select[Any]:
    return sa.select(*(TASKS.c[name] for name in _COLUMNS))


def _task(row: sa.Row[Any]) -> Task:
    return Task(**row._mapping)
