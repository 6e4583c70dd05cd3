"""The queue: Procrastinate's, with what a fleet needs beyond it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import stamina
from attrs import define
from kling26.core import SettingsError
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from kling26_fleet.fleet import Fleet

#: What the queue calls the making of a video.
TASK = "kling26_fleet.make"
#: A time for "at once", whatever this machine's clock says: the queue compares with PostgreSQL's.
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
#: How long a restart of PostgreSQL is waited for by those who work, and who begin, in seconds.
_PATIENCE, _OPENING = 60.0, 15.0


@asynccontextmanager
async def opened(fleet: Fleet, prepared: bool = True) -> AsyncIterator[App]:
    """The queue of a fleet; raises `SettingsError` unless it is there, and `prepared`."""
    # Without transactions that outlast a statement: a worker may be stopped at any moment, and
    # would keep its locks until it goes on.
    connection = {"autocommit": True, "application_name": "kling26-fleet"}
    queue = App(
        connector=_Connector(conninfo=fleet.conninfo(), min_size=1, max_size=4, kwargs=connection)
    )
    try:
        async with asyncio.timeout(_OPENING):
            await queue.open_async()
    except (psycopg.Error, ConnectorException, TimeoutError):
        await queue.close_async()
        raise SettingsError(
            "The PostgreSQL database in KLING26_JOURNAL cannot be reached."
        ) from None
    try:
        if prepared and not await queue.check_connection_async():
            raise SettingsError("There is no queue in this database yet: run kling26-fleet prepare")
        yield queue
    finally:
        await queue.close_async()


class _Connector(PsycopgConnector):
    """A connection that outlasts restarts of the server, and late words on jobs."""

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Execute a statement that returns nothing, such as one on how a job has ended."""
        async for attempt in stamina.retry_context(_is_cut, attempts=None, timeout=_PATIENCE):
            with attempt:
                try:
                    await super().execute_query_async(query, **arguments)
                except ConnectorException as error:
                    # So says the queue of a job that has ended: it had been handed to another
                    # worker, too, or the answer to the first attempt was lost.
                    if not isinstance(error.__cause__, psycopg.errors.RaiseException):
                        raise


def _is_cut(error: Exception) -> bool:
    """Whether a statement failed because the server could not be reached."""
    return isinstance(error, ConnectorException) and isinstance(
        error.__cause__, psycopg.OperationalError
    )


def said(error: ConnectorException) -> str:
    """What PostgreSQL or its driver says, without the statement that it was about."""
    return str(error.__cause__ or error).strip().partition("\n")[0]


@define
class Again(Exception):
    """A row is to be handed out again at a time of PostgreSQL's clock."""

    at: datetime = AT_ONCE


class HandOut(BaseRetryStrategy):
    """Hands a row out again if that is what came of it, or its worker ends."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to hand a job out again; None if it has ended."""
        if isinstance(exception, Again):
            return RetryDecision(retry_at=exception.at)
        if isinstance(exception, Exception) and not isinstance(exception, ConnectorException):
            return None
        return RetryDecision(retry_at=AT_ONCE)  # Cancelled, or the database is away.
