"""Creating the journal's tables, and migrating those of older versions."""

import json
import re
import time
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import attrs
import sqlalchemy as sa

from ..errors import JournalBusy, JournalError, Remedy
from .schema import META, METADATA, OUTPUTS, TASKS, WORKERS

#: The key of the advisory lock for migrations; arbitrary, but it must never change.
_LOCK = 260_001

_VERSION = sa.select(META.c.value).where(META.c.name == "schema")


def is_current(connection: sa.Connection) -> bool:
    """Whether the tables exist in the current version; only reads, so it waits for nobody."""
    return sa.inspect(connection).has_table("meta") and connection.scalar(_VERSION) == str(
        schema_version()
    )


def migrate(connection: sa.Connection) -> None:
    """
    Create the tables, or migrate those of an older version.

    Raises `JournalError` for a newer version, and `JournalBusy` while a process of an older one is
    submitting a task: it could not record the answer any more.
    """
    if connection.dialect.name == "postgresql":
        # Two workers that find no tables would both create them. On SQLite, BEGIN IMMEDIATE locks.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    METADATA.create_all(connection)
    found = connection.scalar(_VERSION)
    if found is None:
        connection.execute(META.insert().values(name="schema", value=str(schema_version())))
    elif int(found) > schema_version():
        raise JournalError(
            f"The journal was written by a newer version of kling26 (schema {found}; this version "
            f"reads up to {schema_version()}). Update kling26."
        )
    elif int(found) < schema_version():
        _rebuild(connection, _MIGRATIONS[int(found) - 1 :])


def schema_version() -> int:
    """The version number of the current tables."""
    return 1 + len(_MIGRATIONS)


#: A row of the table `tasks`, by column name.
_Row = dict[str, Any]


def _rebuild(connection: sa.Connection, steps: tuple[Callable[[_Row], _Row], ...]) -> None:
    """
    Read the rows, recreate the tables, and write the rows in the current form.

    Without ALTER TABLE: SQLite before 3.35, which some systems still have, cannot drop columns.
    """
    rows, outputs = _read(connection, "tasks"), _read(connection, "outputs")
    if any(_is_submitting(row, connection) for row in rows):
        raise JournalBusy(
            "The journal has to be migrated, but a process with an older version of kling26 is "
            "still submitting a video."
        )
    for step in steps:
        rows = [step(row) for row in rows]
    for table, contents in ((TASKS, rows), (OUTPUTS, outputs), (WORKERS, [])):
        connection.execute(sa.text(f"DROP TABLE {table.name}"))
        table.create(connection)
        if contents:
            connection.execute(table.insert(), contents)
    connection.execute(
        META.update().where(META.c.name == "schema").values(value=str(schema_version()))
    )


def _read(connection: sa.Connection, table: str) -> list[_Row]:
    # Not by today's columns: an older table has others.
    return [dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()]  # noqa: S608


def _is_submitting(row: _Row, connection: sa.Connection) -> bool:
    """Whether a living worker has the task, and the provider may not have accepted it yet."""
    if row["state"] != "submitting" or row["worker"] is None:
        return False
    seen = sa.text("SELECT seen FROM workers WHERE id = :id")
    beat: float | None = connection.scalar(seen, {"id": row["worker"]})
    # Up to schema 3, workers recorded every 15 seconds that they were alive.
    return beat is not None and abs(time.time() - beat) < 60.0


# -- older versions ----------------------------------------------------------------------------


def _with_cost_unit(row: _Row) -> _Row:
    """Schema 2 adds the unit of each cost."""
    return {**row, "cost_unit": None}


def _with_typed_columns(row: _Row) -> _Row:
    """Schema 3 has a column for each field of the request, and separates remedies from errors."""
    request, ticket = json.loads(row.pop("request")), json.loads(row.pop("ticket") or "{}")
    error, remedy = _without_commands(row["error"] or "")
    return {
        **row,
        **{name: _without_nul(value) for name, value in request.items()},
        "options": json.loads(row["options"]),
        "image_file": row["image"],
        "ticket_data": ticket.get("data"),
        "error": error or None,
        "remedy": remedy and attrs.asdict(remedy, filter=lambda _, value: value),
    }


def _with_generation(row: _Row) -> _Row:
    """Schema 4 counts the workers of a task, and names its video relative to the home folder."""
    name = f"{row['id']}.mp4"
    stored = row["file"] and PurePath(row["file"]).name == name
    file = f"videos/{name}" if stored else row["file"]
    objects = {name: _parsed(row[name]) for name in ("options", "ticket_data", "remedy")}
    return {**row, **objects, "generation": 1, "worker": None, "file": file}


def _with_prices(row: _Row) -> _Row:
    """Schema 5 has the price and the cost in USD, a last picture, and tasks for any provider."""
    objects = {name: _parsed(row[name]) for name in ("options", "ticket_data", "remedy")}
    return {
        **row,
        **objects,
        "end_image": None,
        "end_image_file": None,
        "asked": None,
        "passed": [],
        "resubmits": 0,
        "counts_from": row["sending"] or row["submitted"] or row["created"],
        "found_ahead": None,
        "price_usd": None,
        "cost_usd": _in_usd(row["cost"], row["cost_unit"], row["provider"]),
    }


#: The columns of schema 5 that have JSON.
_OBJECTS = ("options", "asked", "passed", "ticket_data", "remedy")


def _with_questions(row: _Row) -> _Row:
    """Schema 6 knows when the provider was asked last before a video was finished."""
    objects = {name: _parsed(row[name]) for name in _OBJECTS}
    return {**row, **objects, "unfinished": None}


def _with_plugin(row: _Row) -> _Row:
    """Schema 7 knows which plug-in the provider of a task is from; of older tasks nobody does."""
    objects = {name: _parsed(row[name]) for name in _OBJECTS}
    return {**row, **objects, "plugin": None}


def _in_usd(cost: float | None, unit: str | None, provider: str) -> float | None:
    """A cost in USD; a credit of kie.ai was worth half a cent as long as there was schema 4."""
    if cost is None or unit == "USD":
        return cost
    return round(cost * 0.005, 6) if (unit, provider) == ("credits", "kie") else None


def _parsed(value: object) -> object:
    """The value of a JSON column: SQLite's driver gives it as text, PostgreSQL's as an object."""
    return json.loads(value) if isinstance(value, str) else value


def _without_nul(value: object) -> object:
    """The value without NUL characters, which PostgreSQL cannot store in a text column."""
    return value.replace("\0", " ") if isinstance(value, str) else value


# Up to schema 2, errors also named the page to look at and the command to run next.
_RESUBMIT = re.compile(
    r" Look at (?P<page>\S+|your account at .+?)\. "
    r"If the task is not there, this submits it again: kling26 resubmit \S+$"
)
_RESUME = re.compile(
    r"(?: Look at (?P<page>\S+?))?(?:, then go on with:| Ask again later:| Try again with:) "
    r"kling26 resume \S+$"
)
_OTHERS = re.compile(
    r" Set \S+, or run: kling26 keys set \S+(?<!\.)| Top it up and run this again(?=\.)"
)


def _without_commands(error: str) -> tuple[str, Remedy | None]:
    """What happened, and the remedy, which each front end now words for itself."""
    if found := _RESUBMIT.search(error):
        return error[: found.start()], Remedy("resubmit", page=_url(found["page"]))
    if found := _RESUME.search(error):
        return error[: found.start()], Remedy("resume", page=_url(found["page"]))
    return _OTHERS.sub("", error), None


def _url(page: str | None) -> str | None:
    return page if page and page.startswith("https://") else None


#: The n-th function (from 1) converts a row of schema n to schema n + 1.
_MIGRATIONS: tuple[Callable[[_Row], _Row], ...] = (
    _with_cost_unit,
    _with_typed_columns,
    _with_generation,
    _with_prices,
    _with_questions,
    _with_plugin,
)
