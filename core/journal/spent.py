"""What the tasks in the journal cost, for the budget."""

from collections.abc import Collection

import sqlalchemy as sa

from ..spending import DAY, Payment, Spent
from .schema import FORGOTTEN, TASKS
from .task import TaskState

#: The states in which the last paid request certainly cost nothing.
_FREE: tuple[TaskState, ...] = ("refused", "cancelled")
#: The key of the advisory lock for the budget; arbitrary, but it must never change.
_LOCK = 260_002
#: More than any video costs, in USD: less than infinity, and than what is not a number.
_MOST = 1e9
#: How many fingerprints are looked up at once: a database takes only so many values.
AT_ONCE = 500
#: Whether a task was resubmitted in vain: it is unknown again because of what was lost before.
_IN_VAIN = (TASKS.c.state == "unknown") & TASKS.c.sending.is_(None) & (TASKS.c.resubmits > 0)


def read_locked(
    connection: sa.Connection, now: sa.ColumnElement[float], waiting: str | None = None
) -> Spent:
    """`read_spent`, and let nobody else read it so before this transaction has ended."""
    lock_spent(connection)
    return read_spent(connection, now, waiting)


def lock_spent(connection: sa.Connection) -> None:
    """Let nobody else look at what was spent, in order to spend more, in this transaction."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def counted_from(now: sa.ColumnElement[float]) -> dict[str, object]:
    """The columns of a task that the budget counts from now on."""
    return {"counts_from": now, "found_ahead": None}


def find_ahead(connection: sa.Connection, now: sa.ColumnElement[float]) -> None:
    """
    Note which payments are in the future: since they were recorded, the clock has been set back.

    They must not be forgotten, which might mean to pay more than is allowed, nor count until the
    clock has come there, which may take years. So once they are in the way, they count for as long
    as if they had just been paid; and again once the clock is there, for it may have been set back
    by mistake. A clock that was set on cannot be told from time that has passed.
    """
    for table in (TASKS, FORGOTTEN):
        is_news = table.c.found_ahead.is_(None) | (table.c.found_ahead > now)
        ahead = table.update().where(table.c.counts_from > now, is_news)
        connection.execute(ahead.values(found_ahead=now))


def read_spent(
    connection: sa.Connection, now: sa.ColumnElement[float], waiting: str | None = None
) -> Spent:
    """
    What was spent, over all processes.

    A task counts from when its paid request left. One that is still to be sent counts from when it
    was recorded, because others must not spend what it needs: so one that a dead process has left
    behind counts for a day, or until it is cancelled.

    `waiting` is a task that is to be sent now, and was recorded before. Those that wait since later
    do not count against it: where many wait, each would leave what is left to the others.
    """
    later = sa.false() if waiting is None else _waits_no_longer(waiting)
    paid = sa.union_all(_tasks(later), sa.select(*FORGOTTEN.c)).subquery()
    # See `find_ahead`. What has not been noted yet counts as if it had been now.
    noted = sa.func.coalesce(paid.c.found_ahead, now)
    age = now - sa.case((paid.c.counts_from > now, noted), else_=paid.c.counts_from)
    rows = connection.execute(
        sa.select(age, paid.c.usd, paid.c.times).where(paid.c.times > 0, age < DAY)
    )
    dearest = sa.select(sa.func.max(paid.c.usd)).where(paid.c.usd < _MOST)
    return Spent(tuple(Payment(*row) for row in rows), connection.scalar(dearest))


def read_spent_on(
    connection: sa.Connection, fingerprints: Collection[str], waiting: str | None = None
) -> Spent:
    """
    What was spent on the tasks with these fingerprints, whenever that was.

    Rehearsals count as if they had been paid for: they show where a limit would hold. `waiting` is
    as in `read_spent`.
    """
    later = sa.false() if waiting is None else _waits_no_longer(waiting)
    usd, times = sa.func.coalesce(TASKS.c.cost_usd, TASKS.c.price_usd), _times(later)
    names, payments = sorted(fingerprints), list[Payment]()
    for start in range(0, len(names), AT_ONCE):
        some = TASKS.c.fingerprint.in_(names[start : start + AT_ONCE])
        rows = connection.execute(sa.select(usd, times).where(some, times > 0))
        payments += [Payment(0.0, *row) for row in rows]
    dearest = sa.select(sa.func.max(usd)).where(usd < _MOST)
    return Spent(tuple(payments), connection.scalar(dearest))


def reopened(now: sa.ColumnElement[float]) -> dict[str, object]:
    """The columns of an unknown task that is to be sent once more."""
    return {**counted_from(now), "resubmits": TASKS.c.resubmits + sa.case((_IN_VAIN, 0), else_=1)}


def keep_spent(
    connection: sa.Connection, now: sa.ColumnElement[float], which: sa.ColumnElement[bool]
) -> None:
    """Keep what the budget has to know of tasks that are about to be deleted."""
    # Long enough for any clock that is set back by a day in between.
    connection.execute(FORGOTTEN.delete().where(FORGOTTEN.c.counts_from < now - 2 * DAY))
    counts = _tasks(sa.true()).where(which, TASKS.c.counts_from > now - DAY)
    connection.execute(FORGOTTEN.insert().from_select(FORGOTTEN.c.keys(), counts))


def _tasks(
    leave_out: sa.ColumnElement[bool],
) -> sa.Select[tuple[str, float, float | None, int, float]]:
    """
    The tasks that are no rehearsals, as rows of `FORGOTTEN`.

    `leave_out` says which of those that are still to be sent need nothing.
    """
    usd = sa.func.coalesce(TASKS.c.cost_usd, TASKS.c.price_usd)
    times = _times(leave_out).label("times")
    columns = TASKS.c.id, TASKS.c.counts_from, TASKS.c.found_ahead, times, usd.label("usd")
    return sa.select(*columns).where(TASKS.c.realm != "sandbox")


def _times(leave_out: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """
    How often a task is or may be paid for.

    Each time that it was resubmitted, an answer had been lost before. The last request counts
    unless it is known to have had no effect.
    """
    unsent = (TASKS.c.state == "submitting") & TASKS.c.sending.is_(None)
    free = TASKS.c.state.in_(_FREE) | _IN_VAIN | (unsent & leave_out)
    return TASKS.c.resubmits + sa.case((free, 0), else_=1)


def _waits_no_longer(task: str) -> sa.ColumnElement[bool]:
    """Whether a task is `task`, or was recorded after it."""
    other = TASKS.alias()
    since = sa.select(other.c.counts_from).where(other.c.id == task).scalar_subquery()
    return (TASKS.c.counts_from > since) | ((TASKS.c.counts_from == since) & (TASKS.c.id >= task))
