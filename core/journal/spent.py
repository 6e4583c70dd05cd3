"""What the tasks in the journal cost, for the budget."""

import sqlalchemy as sa

from ..spending import DAY, HOUR, Spent
from .schema import TASKS
from .task import TaskState

#: The states in which nothing was charged.
_FREE: tuple[TaskState, ...] = ("refused", "cancelled")
#: The key of the advisory lock for the budget; arbitrary, but it must never change.
_LOCK = 260_002


def lock_budget(connection: sa.Connection) -> None:
    """Let nobody else look at the budget before this transaction has ended."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def read_spent(
    connection: sa.Connection, now: sa.ColumnElement[float], but: str | None = None
) -> Spent:
    """
    What was spent, over all processes.

    A task counts once, and again each time that it was resubmitted although an answer was lost; it
    counts from when it was sent. One that is still to be sent counts since it was recorded: others
    must not spend what it needs. Of the task `but`, only what it has lost already counts.
    """
    since = sa.func.coalesce(TASKS.c.sending, TASKS.c.submitted, TASKS.c.created)
    usd = sa.func.coalesce(TASKS.c.cost_usd, TASKS.c.price_usd)
    paid = (TASKS.c.realm != "sandbox") & TASKS.c.state.not_in(_FREE)
    dearest = connection.scalar(sa.select(sa.func.max(usd)).where(TASKS.c.realm != "sandbox"))
    often = TASKS.c.resubmits + sa.case((TASKS.c.id == (but or ""), 0), else_=1)
    rows = connection.execute(
        sa.select(usd, often, since > now - HOUR).where(paid, since > now - DAY)
    ).all()
    times = [(cost, count, recent) for cost, count, recent in rows if count]
    known = [(dearest if cost is None else cost, count) for cost, count, _ in times]
    return Spent(
        usd=sum(cost * count for cost, count in known if cost is not None),
        tasks_in_day=sum(count for _, count, _ in times),
        tasks_in_hour=sum(count for _, count, recent in times if recent),
        unknown=sum(count for cost, count in known if cost is None),
        dearest=dearest,
    )
