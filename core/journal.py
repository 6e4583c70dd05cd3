"""
The journal: a row per task, committed before the paid request leaves.

SQLAlchemy Core over SQLite (WAL mode) or any other database SQLAlchemy knows. Everything here is
synchronous; the runner calls it from a thread of its own.
"""

import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex
from statistics import median
from typing import Any

import psutil
import sqlalchemy as sa
import stamina
from attrs import define, field, frozen
from sqlalchemy.pool import StaticPool

from .errors import JournalError, UnknownTask
from .task import ACTIVE, OPEN, Realm, Task, TaskState
from .text import plain

#: A worker on another machine that has not been seen for so long is gone, in seconds.
_ABSENT = 60.0
#: How long a locked SQLite file is waited for, in seconds.
_PATIENCE = 5.0

#: The number of the lock that is held while tables are made; any will do, if always the same.
_MIGRATION = 260_001

_metadata = sa.MetaData()

_tasks = sa.Table(
    "tasks",
    _metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("provider", sa.String(100), nullable=False),
    sa.Column("realm", sa.String(20), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False, index=True),
    # The fingerprint while an equal request must join this task, else NULL: the database itself
    # holds that there is only one.
    sa.Column("active", sa.String(64), unique=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("image", sa.Text),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("updated", sa.Double, nullable=False),
    sa.Column("worker", sa.String(40)),
    sa.Column("sending", sa.Double),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("submitted", sa.Double),
    sa.Column("finished", sa.Double),
    sa.Column("ticket", sa.Text),
    sa.Column("task_id", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("file", sa.Text),
    sa.Column("cost", sa.Double),
    sa.Column("code", sa.Text),
    sa.Column("error", sa.Text),
)
_outputs = sa.Table(
    "outputs",
    _metadata,
    sa.Column("task", sa.String(40), primary_key=True),
    sa.Column("path", sa.String(1000), primary_key=True),
    sa.Column("written", sa.Double),
)
_workers = sa.Table(
    "workers",
    _metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("born", sa.Double, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
)
_meta = sa.Table(
    "meta",
    _metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)


@frozen
class Worker:
    """A process that carries tasks on, recognisable after its end."""

    id: str
    host: str
    pid: int
    born: float

    @classmethod
    def here(cls) -> "Worker":
        """This process, as a new worker."""
        pid = os.getpid()
        return cls(f"w-{token_hex(8)}", socket.gethostname(), pid, _born(pid) or 0.0)


def _born(pid: int) -> float | None:
    """When a process of this machine began; None if there is none."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


@define
class Journal:
    """
    The record of paid tasks.

    Every method raises `JournalError`, in words, when the record cannot be read or written.
    """

    url: str
    clock: Callable[[], float] = time.time
    worker: Worker = field(factory=Worker.here)
    _engine: sa.Engine | None = field(default=None, init=False, repr=False)

    # -- opening ---------------------------------------------------------------------------

    @property
    def _open(self) -> sa.Engine:
        if self._engine is None:
            engine = _make_engine(self.url)
            _migrate(engine)
            with engine.begin() as connection:
                self._enrol(connection)
            self._engine = engine
        return self._engine

    @property
    def _absent(self) -> bool:
        """Whether there is no file yet; a question alone does not make one."""
        if self._engine is not None or not self.url.startswith("sqlite:"):
            return False
        with self._worded():
            path = sa.make_url(self.url).database
            return bool(path and not path.startswith("file:") and not os.path.exists(path))

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self._worded(), self._open.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._worded(), self._open.connect() as connection:
            yield connection

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            raise JournalError(_complaint(self.url, error)) from error

    # -- reading ---------------------------------------------------------------------------

    def get(self, task: str) -> Task:
        """The task of that id, or of the only id that begins so."""
        with self._read() as connection:
            rows = connection.execute(
                _select().where(_tasks.c.id.startswith(task, autoescape=True)).limit(2)
            ).all()
        exact = [row for row in rows if row.id == task]
        rows = exact or rows
        if len(rows) != 1 or not task:
            many = "more than one task" if rows else "no task"
            raise UnknownTask(
                f'The journal has {many} "{plain(task, 60)}"; see: kling26 tasks', task=task
            )
        return _task(rows[0])

    def equal(self, fingerprint: str) -> Task | None:
        """The task that a request of this fingerprint joins or is given."""
        if self._absent:
            return None
        with self._read() as connection:
            row = connection.execute(_select().where(_tasks.c.active == fingerprint)).first()
        return _task(row) if row else None

    def tasks(self, states: Sequence[TaskState] | None = None) -> list[Task]:
        """All tasks, or those in these states, oldest first."""
        query = _select().order_by(_tasks.c.created, _tasks.c.id)
        if states is not None:
            query = query.where(_tasks.c.state.in_(states))
        with self._read() as connection:
            return [_task(row) for row in connection.execute(query)]

    def needs_image(self, name: str) -> bool:
        """Whether a task may still have to send the kept picture."""
        query = sa.select(_tasks.c.id).where(
            _tasks.c.image == name, _tasks.c.state.in_(("submitting", "unknown"))
        )
        with self._read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def usual_time(self, provider: str, realm: Realm, duration: int) -> float | None:
        """How long such videos took lately, in seconds (median of up to 20); None if unknown."""
        query = (
            sa.select(_tasks.c.finished - _tasks.c.submitted)
            .where(_tasks.c.provider == provider, _tasks.c.realm == realm)
            .where(_tasks.c.request.contains(f'"duration": {duration},', autoescape=True))
            .where(_tasks.c.state == "stored")
            .order_by(_tasks.c.created.desc())
            .limit(20)
        )
        with self._read() as connection:
            times = [took for took in connection.scalars(query) if took is not None and took > 0]
        return median(times) if times else None

    # -- writing ---------------------------------------------------------------------------

    def claim(self, draft: Task, output: str | None) -> tuple[Task, bool]:
        """
        Record a new task, unless an equal one is active: then that one, and False.

        `output` is where the video is wanted, a path.
        """
        try:
            with self._write() as connection:
                values = {name: getattr(draft, name) for name in _COLUMNS}
                connection.execute(_tasks.insert().values(**values | {"active": draft.fingerprint}))
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
            with self._write() as connection:
                self._want(connection, task, output)

    def _want(self, connection: sa.Connection, task: str, output: str | None) -> None:
        if output is None:
            return
        wanted = (_outputs.c.task == task) & (_outputs.c.path == output)
        connection.execute(_outputs.delete().where(wanted))
        connection.execute(_outputs.insert().values(task=task, path=output))

    def wanted(self, task: str) -> list[str]:
        """Where the video of a task is wanted and not yet written."""
        query = sa.select(_outputs.c.path).where(
            _outputs.c.task == task, _outputs.c.written.is_(None)
        )
        with self._read() as connection:
            return list(connection.scalars(query))

    def written(self, task: str, output: str) -> None:
        """Note that the video of a task is at `output` now."""
        with self._write() as connection:
            connection.execute(
                _outputs.update()
                .where(_outputs.c.task == task, _outputs.c.path == output)
                .values(written=self.clock())
            )

    def send(self, task: str) -> bool:
        """
        Note that the paid request leaves now; False if it is not for this worker to send it.

        This is the gate that two workers never both pass.
        """
        return self._change(
            (_tasks.c.id == task)
            & (_tasks.c.worker == self.worker.id)
            & (_tasks.c.state == "submitting")
            & (_tasks.c.sending.is_(None)),
            sending=self.clock(),
            attempts=_tasks.c.attempts + 1,
        )

    def send_again(self, task: str) -> bool:
        """Note that a request whose answer was lost leaves again, under the same own id."""
        return self._change(
            (_tasks.c.id == task)
            & (_tasks.c.worker == self.worker.id)
            & (_tasks.c.state == "submitting"),
            sending=self.clock(),
            attempts=_tasks.c.attempts + 1,
        )

    def unsend(self, task: str) -> None:
        """Note that the paid request certainly had no effect."""
        self._change((_tasks.c.id == task) & (_tasks.c.state == "submitting"), sending=None)

    def note(self, task: str, **values: Any) -> None:
        """Write facts of a task down without moving it."""
        self._change(_tasks.c.id == task, **values)

    def update(
        self, task: str, state: TaskState, *, among: Sequence[TaskState] = OPEN, **values: Any
    ) -> bool:
        """Move a task to `state` from one of the states `among`; False if it is in none of them."""
        if state not in ACTIVE:
            values["active"] = None
        return self._change(
            (_tasks.c.id == task) & _tasks.c.state.in_(among), state=state, **values
        )

    def withdraw(self, task: str) -> bool:
        """Cancel a task whose paid request has certainly not left; False if it may have."""
        return self._change(
            (_tasks.c.id == task) & (_tasks.c.state == "submitting") & (_tasks.c.sending.is_(None)),
            state="cancelled",
            active=None,
            worker=None,
        )

    def prune(self, before: float) -> list[Task]:
        """Forget the tasks that ended before a time; returns them. Open ones are never touched."""
        old = (_tasks.c.updated < before) & _tasks.c.state.not_in(OPEN)
        with self._write() as connection:
            rows = [_task(row) for row in connection.execute(_select().where(old))]
            for row in rows:
                connection.execute(_outputs.delete().where(_outputs.c.task == row.id))
                connection.execute(_tasks.delete().where(_tasks.c.id == row.id))
            connection.execute(_workers.delete().where(_workers.c.seen < before))
        return rows

    def reopen(self, task: str) -> bool:
        """Let an unknown task be submitted again, knowingly; False if it is not unknown."""
        return self._change(
            (_tasks.c.id == task) & (_tasks.c.state == "unknown"),
            state="submitting",
            sending=None,
            ticket=None,
            task_id=None,
            error=None,
            code=None,
            worker=self.worker.id,
        )

    def adopt(self, task: Task) -> bool:
        """Take a task over from a worker that is gone; False if it is in living hands."""
        if task.worker == self.worker.id:
            return True
        if task.worker is not None and self._alive(task.worker):
            return False
        held = _tasks.c.worker.is_(None) if task.worker is None else _tasks.c.worker == task.worker
        return self._change((_tasks.c.id == task.id) & held, worker=self.worker.id)

    def release(self) -> None:
        """Let go of all tasks, for whoever wants to carry them on."""
        if self._engine is None:
            return  # It never held one.
        self._change(_tasks.c.worker == self.worker.id, worker=None)

    def beat(self) -> None:
        """Show that this worker is alive."""
        with self._write() as connection:
            self._enrol(connection)

    def _change(self, condition: sa.ColumnElement[bool], **values: Any) -> bool:
        with self._write() as connection:
            changed = connection.execute(
                _tasks.update().where(condition).values(updated=self.clock(), **values)
            )
            return changed.rowcount > 0

    def _enrol(self, connection: sa.Connection) -> None:
        worker = self.worker
        connection.execute(_workers.delete().where(_workers.c.id == worker.id))
        connection.execute(
            _workers.insert().values(
                id=worker.id, host=worker.host, pid=worker.pid, born=worker.born, seen=self.clock()
            )
        )

    def _alive(self, worker: str) -> bool:
        with self._read() as connection:
            row = connection.execute(_workers.select().where(_workers.c.id == worker)).first()
        if row is None:
            return False
        if row.host == self.worker.host:
            born = _born(row.pid)
            return born is not None and abs(born - row.born) < 2  # The clock may have been set.
        return bool(row.seen > self.clock() - _ABSENT)


_COLUMNS = tuple(column.name for column in _tasks.columns if column.name != "active")


def _select() -> sa.Select[Any]:
    return sa.select(*(_tasks.c[name] for name in _COLUMNS))


def _task(row: sa.Row[Any]) -> Task:
    return Task(**row._mapping)


def new_task_id() -> str:
    """Our own id of a task; also what `external_task_id` carries, so unique beyond this journal."""
    return f"k26-{token_hex(8)}"


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
    _use_wal(connection)
    # A commit survives a power cut: what is paid for must be on disk.
    connection.execute("PRAGMA synchronous = FULL")


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


def _migrate(engine: sa.Engine) -> None:
    """Make the tables, or bring those of an older version forward."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two workers that find no tables would both make them. SQLite holds its own lock.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION)))
        _metadata.create_all(connection)
        found = connection.scalar(sa.select(_meta.c.value).where(_meta.c.name == "schema"))
        if found is None:
            connection.execute(_meta.insert().values(name="schema", value=str(schema_version())))
        elif int(found) > schema_version():
            raise JournalError(
                f"The journal was written by a newer version of kling26 (schema {found}, this one "
                f"knows {schema_version()}); update kling26."
            )
        elif int(found) < schema_version():
            for step in _MIGRATIONS[int(found) - 1 :]:
                step(connection)
            connection.execute(
                _meta.update().where(_meta.c.name == "schema").values(value=str(schema_version()))
            )


def schema_version() -> int:
    """The version of the tables above."""
    return 1 + len(_MIGRATIONS)


#: The n-th brings a journal of schema n to n + 1, within the transaction that it is opened in.
_MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = ()


def _complaint(url: str, error: Exception) -> str:
    """What is wrong with the journal, for the person who has to mend it."""
    where = sa.make_url(url).render_as_string(hide_password=True) if "://" in url else url
    cause = str(getattr(error, "orig", None) or error).lower()
    known = (words for sign, words in _COMPLAINTS.items() if sign in cause)
    words = next(known, f"cannot be used ({plain(cause, 160)})")
    return f"The journal {plain(where)} {words}; without it nothing is sent."


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
