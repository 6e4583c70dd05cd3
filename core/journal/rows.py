"""Conversion between the journal's rows and `Task`, and conditions on rows."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import attrs
import sqlalchemy as sa

from ..errors import Remedy
from ..status import Ticket
from .outputs import Output
from .schema import OUTPUTS, TASKS
from .task import ACTIVE, Owner, Passed, Task, TaskState


class Changes(TypedDict, total=False):
    """The attributes of a `Task` that change while it runs."""

    sending: float | None
    submitted: float | None
    unfinished: float | None
    finished: float | None
    ticket: Ticket | None
    url: str | None
    file: str | None
    cost: float | None
    cost_unit: str | None
    cost_usd: float | None
    code: str | None
    error: str | None
    remedy: Remedy | None


#: Whether the stored video of a task still has to be written somewhere.
IS_OWED = (TASKS.c.state == "stored") & sa.exists().where(
    OUTPUTS.c.task == TASKS.c.id, OUTPUTS.c.written.is_(None)
)
#: Between the paths of a task's outputs.
_SEPARATOR = "\x1f"
_PATHS = (
    sa.select(sa.func.aggregate_strings(OUTPUTS.c.path, _SEPARATOR))
    .where(OUTPUTS.c.task == TASKS.c.id)
    .scalar_subquery()
)
#: What only conditions and sums look at.
_INTERNAL = ("active", "counts_from", "found_ahead")
_SELECTED = (
    *(column for column in TASKS.columns if column.name not in _INTERNAL),
    IS_OWED.label("owed"),
    _PATHS.label("outputs"),
)
#: Built once, which takes longer than the database needs for a row.
_ALL: sa.Select[Any] = sa.select(*_SELECTED)
#: The attributes of a `Task` that are read from the other table.
_FROM_OUTPUTS = ("owed", "outputs")


def select_tasks() -> sa.Select[Any]:
    """Select all tasks, as rows for `task_of`."""
    return _ALL


@cache
def in_states(states: tuple[TaskState, ...]) -> sa.ColumnElement[bool]:
    """The condition that a task is in one of these states."""
    return TASKS.c.state.in_(states)


def owned_by(owner: Owner) -> sa.ColumnElement[bool]:
    """The condition that it is this owner's task, still."""
    mine = (TASKS.c.worker == owner.worker) & (TASKS.c.generation == owner.generation)
    return (TASKS.c.id == owner.task) & mine


def unchanged(task: Task) -> sa.ColumnElement[bool]:
    """The condition that the task has the worker and the generation that were read."""
    same = TASKS.c.worker.is_not_distinct_from(task.worker)
    return (TASKS.c.id == task.id) & same & (TASKS.c.generation == task.generation)


def state_columns(state: TaskState) -> dict[str, object]:
    """The columns to set when a task moves to `state`."""
    ended = {} if state in ACTIVE else {"active": None}
    return {"state": state, **ended}


def request_output(connection: sa.Connection, task: str, output: Output) -> None:
    """Record an output of a task, in place of all others that are owed at that path."""
    there = OUTPUTS.c.path == str(output.path)
    is_owed = there & OUTPUTS.c.written.is_(None)
    connection.execute(OUTPUTS.delete().where(is_owed))
    owe_output(connection, task, output)


def owe_output(connection: sa.Connection, task: str, output: Output) -> None:
    """Record an output of a task that is not written yet, or not as it was requested last."""
    path = str(output.path)
    row = (OUTPUTS.c.task == task) & (OUTPUTS.c.path == path)
    connection.execute(OUTPUTS.delete().where(row))
    connection.execute(OUTPUTS.insert().values(task=task, path=path, found=output.found))


def mark_written(
    connection: sa.Connection, task: str, output: Output, now: sa.ColumnElement[float]
) -> None:
    """Record that an output is written: `output.found` is now the video of this task."""
    there = OUTPUTS.c.path == str(output.path)
    connection.execute(OUTPUTS.update().where(there, OUTPUTS.c.task == task).values(written=now))
    # Another task may have been requested there since, and its video replaces this one.
    is_owed = there & OUTPUTS.c.written.is_(None)
    connection.execute(OUTPUTS.update().where(is_owed).values(found=output.found))


def insert(connection: sa.Connection, draft: Task, now: sa.ColumnElement[float]) -> None:
    """Add a new task; raises SQLAlchemy's `IntegrityError` if an equal one is active."""
    columns = columns_of(
        attrs.asdict(draft, recurse=False, filter=lambda field, _: field.name not in _FROM_OUTPUTS)
    )
    # As parameters, of which SQLAlchemy makes no expressions.
    new = TASKS.insert().values(created=now, updated=now, counts_from=now)
    times = ("created", "updated", "counts_from")
    values = {name: value for name, value in columns.items() if name not in times}
    connection.execute(new, {**values, "active": draft.fingerprint})


def lock_request(connection: sa.Connection, task: Task) -> None:
    """Let nobody else claim an equal request, also of another provider, in this transaction."""
    lock(connection, task.prompt)


def lock_ticket(connection: sa.Connection, ticket: Ticket) -> None:
    """Let nobody else give a task the same id of a provider's in this transaction."""
    lock(connection, ticket.task_id)


def has_ticket_alone(ticket: Ticket) -> sa.ColumnElement[bool]:
    """The condition that no other task has this id at the same provider."""
    other = TASKS.alias()
    there = (other.c.provider == TASKS.c.provider) & (other.c.realm == TASKS.c.realm)
    same = there & (other.c.task_id == ticket.task_id) & (other.c.id != TASKS.c.id)
    return ~sa.exists().where(same)


def lock(connection: sa.Connection, what: str) -> None:
    """Let nobody else go on who has to do with this before this transaction has ended."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer.
        digest = hashlib.sha256(what.encode("utf-8", "replace")).digest()
        number = int.from_bytes(digest[:8], signed=True)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def turned(task: Task) -> dict[str, object]:
    """The columns of a task that another provider is to make."""
    names = ("provider", "plugin", "realm", "fingerprint", "options", "price_usd", "passed")
    changes = columns_of({name: getattr(task, name) for name in names})
    return {**changes, "active": task.fingerprint, "error": None, "code": None, "remedy": None}


def replaced_by(other: Task) -> dict[str, object]:
    """The columns of a task that ends because an equal one is being made already."""
    error = f"The same video was requested as {other.id}, which takes its place."
    return {**state_columns("cancelled"), "worker": None, "error": error}


def hand_over_outputs(connection: sa.Connection, task: str, other: str) -> None:
    """Let another task's video be written wherever this one's still has to be."""
    is_owed = (OUTPUTS.c.task == task) & OUTPUTS.c.written.is_(None)
    for row in connection.execute(sa.select(OUTPUTS).where(is_owed)).all():
        request_output(connection, other, Output(Path(row.path), row.found))


def columns_of(values: Mapping[str, Any]) -> dict[str, object]:
    """Attributes of a `Task` as columns."""
    columns = dict(values)
    if "ticket" in columns:
        ticket = columns.pop("ticket")
        columns["task_id"] = ticket and ticket.task_id
        columns["ticket_data"] = ticket and dict(ticket.data)
    if columns.get("remedy") is not None:
        columns["remedy"] = attrs.asdict(columns["remedy"], filter=lambda _, value: value)
    if "passed" in columns:
        columns["passed"] = [attrs.asdict(each) for each in columns["passed"]]
    return columns


def task_of(row: sa.Row[Any]) -> Task:
    """A row as a `Task`."""
    columns = dict(row._mapping)
    columns["owed"] = bool(columns["owed"])
    columns["outputs"] = tuple(sorted(filter(None, (columns["outputs"] or "").split(_SEPARATOR))))
    names = ("task_id", "ticket_data", "remedy", "passed")
    task_id, data, remedy, passed = (columns.pop(name) for name in names)
    return Task(
        **columns,
        ticket=None if task_id is None else Ticket(task_id, data or {}),
        remedy=remedy and Remedy(**remedy),
        passed=tuple(Passed(**each) for each in passed),
    )
