"""The journal's tables, and how those of an older version are brought forward."""

from collections.abc import Callable

import sqlalchemy as sa

from ..errors import JournalError

#: The number of the lock that is held while tables are made; any will do, if always the same.
_LOCK = 260_001

_metadata = sa.MetaData()

TASKS = sa.Table(
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
    sa.Column("cost_unit", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("error", sa.Text),
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


def migrate(connection: sa.Connection) -> None:
    """Make the tables, or bring those of an older version forward."""
    if connection.dialect.name == "postgresql":
        # Two workers that find no tables would both make them. SQLite holds its own lock.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
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


def _add_cost_unit(connection: sa.Connection) -> None:
    connection.execute(sa.text("ALTER TABLE tasks ADD COLUMN cost_unit TEXT"))


#: The n-th brings a journal of schema n to n + 1, within the transaction that it is opened in.
_MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (_add_cost_unit,)
