"""What came of each row, in a table beside the queue, which keeps no results."""

from datetime import datetime
from typing import Any, Literal

from attrs import frozen
from procrastinate import App

from kling26_fleet.verdicts import Verdict

State = Literal["here", Verdict]

_TABLE = """
CREATE TABLE IF NOT EXISTS kling26_fleet_outcomes (
    job bigint PRIMARY KEY REFERENCES procrastinate_jobs ON DELETE CASCADE,
    state text NOT NULL,
    task text,
    message text NOT NULL
)"""
#: What is here stays so, whatever a worker says that was stopped meanwhile.
_RECORD = """
INSERT INTO kling26_fleet_outcomes AS old (job, state, task, message)
VALUES (%(job)s, %(state)s, %(task)s, %(message)s)
ON CONFLICT (job) DO UPDATE
SET state = excluded.state, task = excluded.task, message = excluded.message
WHERE old.state <> 'here'"""
_ROWS = """
SELECT job.id, job.status::text AS status, job.args, outcome.state, outcome.task, outcome.message
FROM procrastinate_jobs AS job LEFT JOIN kling26_fleet_outcomes AS outcome ON outcome.job = job.id
WHERE job.queue_name = %(queue)s ORDER BY job.id"""
_FORGET = """
DELETE FROM procrastinate_jobs WHERE id = ANY(%(jobs)s) AND status NOT IN ('todo', 'doing')"""
_CLOCK = "SELECT now() + make_interval(secs => %(seconds)s) AS at"


@frozen
class Outcomes:
    """The outcomes of the rows in an open queue."""

    queue: App

    async def prepare(self) -> None:
        """Make the tables of the queue, and this one, unless they are there."""
        if not await self.queue.check_connection_async():
            await self.queue.schema_manager.apply_schema_async()
        await self.queue.connector.execute_query_async(_TABLE)

    async def record(self, job: int, state: State, task: str | None, message: str) -> None:
        """Record what came of a job's row."""
        await self.queue.connector.execute_query_async(
            _RECORD, job=job, state=state, task=task, message=message
        )

    async def rows(self, queue: str) -> list[dict[str, Any]]:
        """All jobs of a queue with their outcomes, in order."""
        return await self.queue.connector.execute_query_all_async(_ROWS, queue=queue)

    async def forget(self, jobs: list[int]) -> None:
        """Delete jobs that have ended, with their outcomes."""
        await self.queue.connector.execute_query_async(_FORGET, jobs=jobs)

    async def time_in(self, seconds: float) -> datetime:
        """What PostgreSQL's clock will say in some seconds."""
        row = await self.queue.connector.execute_query_one_async(_CLOCK, seconds=seconds)
        at: datetime = row["at"]
        return at
