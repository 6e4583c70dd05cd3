"""The journal's tables, and the migration of older versions."""

import json
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from ..errors import JournalError

#: The key of the advisory lock for migrations; arbitrary, but it must never change.
_LOCK = 260_001

_metadata = sa.MetaData()


class _BigInteger(sa.TypeDecorator[int]):
    """Integers stored as digits: unsigned 64-bit ones do not fit any type of SQLite."""

    impl = sa.String(20)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else int(value)


TASKS = sa.Table(
    "tasks",
    _metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("provider", sa.String(100), nullable=False),
    sa.Column("realm", sa.String(20), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False, index=True),
    # The fingerprint while equal requests must join this task, else NULL: the unique constraint
    # guarantees that there is only one such task.
    sa.Column("active", sa.String(64), unique=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    # The request, and the provider's own options.
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("image", sa.Text),
    sa.Column("sound", sa.Boolean, nullable=False),
    sa.Column("duration", sa.Integer, nullable=False),
    sa.Column("aspect_ratio", sa.String(20), nullable=False),
    sa.Column("callback_url", sa.Text),
    sa.Column("seed", _BigInteger, nullable=False),
    sa.Column("options", sa.JSON(none_as_null=True), nullable=False),
    sa.Column("image_file", sa.Text),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("updated", sa.Double, nullable=False),
    sa.Column("worker", sa.String(40)),
    sa.Column("sending", sa.Double),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("submitted", sa.Double),
    sa.Column("finished", sa.Double),
    # The ticket: the provider's id, and whatever else is needed to poll.
    sa.Column("task_id", sa.Text),
    sa.Column("ticket_data", sa.JSON(none_as_null=True)),
    sa.Column("url", sa.Text),
    sa.Column("file", sa.Text),
    sa.Column("cost", sa.Double),
    sa.Column("cost_unit", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("remedy", sa.JSON(none_as_null=True)),
)
OUTPUTS = sa.Table(
    "outputs",
    _metadata,
    sa.Column("task", sa.String(40), primary_key=True),
    sa.Column("path", sa.String(1000), primary_key=True),
    sa.Column("written", sa.Double),
)
WORKERS = sa.Table(
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
_SCHEMA = sa.select(_meta.c.value).where(_meta.c.name == "schema")


def is_current(connection: sa.Connection) -> bool:
    """Whether the tables exist in the current version; only reads, so it waits for nobody."""
    return sa.inspect(connection).has_table("meta") and connection.scalar(_SCHEMA) == str(
        schema_version()
    )


def migrate(connection: sa.Connection) -> None:
    """Create the tables, or migrate those of an older version."""
    if connection.dialect.name == "postgresql":
        # Two workers that find no tables would both create them. On SQLite, BEGIN IMMEDIATE locks.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    _metadata.create_all(connection)
    found = connection.scalar(_SCHEMA)
    if found is None:
        connection.execute(_meta.insert().values(name="schema", value=str(schema_version())))
    elif int(found) > schema_version():
        raise JournalError(
            f"The journal was written by a newer version of kling26 (schema {found}; this version "
            f"reads up to {schema_version()}). Update kling26."
        )
    elif int(found) < schema_version():
        _rebuild(connection, _MIGRATIONS[int(found) - 1 :])


def schema_version() -> int:
    """The version number of the tables above."""
    return 1 + len(_MIGRATIONS)


# -- older versions ----------------------------------------------------------------------------

#: A row of the table `tasks`, by column name.
_Row = dict[str, Any]


def _rebuild(connection: sa.Connection, steps: tuple[Callable[[_Row], _Row], ...]) -> None:
    """
    Read the tasks, recreate their table, and write them in the current form.

    Without ALTER TABLE: SQLite before 3.35, which some systems still have, cannot drop columns.
    """
    rows = [dict(row) for row in connection.execute(sa.text("SELECT * FROM tasks")).mappings()]
    for step in steps:
        rows = [step(row) for row in rows]
    connection.execute(sa.text("DROP TABLE tasks"))
    TASKS.create(connection)
    if rows:
        connection.execute(TASKS.insert(), rows)
    connection.execute(
        _meta.update().where(_meta.c.name == "schema").values(value=str(schema_version()))
    )


def _with_cost_unit(row: _Row) -> _Row:
    """Schema 2 adds the unit of each cost."""
    return {**row, "cost_unit": None}


def _with_typed_columns(row: _Row) -> _Row:
    """Schema 3 has a column for each field of the request, and separates remedies from errors."""
    request, ticket = json.loads(row.pop("request")), json.loads(row.pop("ticket") or "{}")
    return {
        **row,
        **request,
        "options": json.loads(row["options"]),
        "image_file": row["image"],
        "ticket_data": ticket.get("data"),
        "error": row["error"] and _without_commands(row["error"]),
        "remedy": None,
    }


# Up to schema 2, errors also named the command to run next.
_COMMANDS = re.compile(
    r"(?: If the task is not there, this submits it again: kling26 resubmit \S+"
    r"|(?:, then go on with:| Ask again later:| Try again with:) kling26 resume \S+"
    r"| Set \S+, or run: kling26 keys set \S+(?<!\.)"
    r"| Top it up and run this again(?=\.))"
)


def _without_commands(error: str) -> str:
    """What happened, without what to do, which each front end now words for itself."""
    cut, number = _COMMANDS.subn("", error)
    return cut if not number or cut.endswith((".", ")")) else f"{cut}."


#: The n-th function (from 1) converts a row of schema n to schema n + 1.
_MIGRATIONS: tuple[Callable[[_Row], _Row], ...] = (_with_cost_unit, _with_typed_columns)
