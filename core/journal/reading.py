"""Reading the journal: what it knows of tasks, prices and what was spent."""

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from attrs import define, evolve, field, frozen

from ..errors import UnknownTask
from ..spending import Spent
from ..status import Realm, Standing
from ..text import sanitize
from .address import Address
from .database import Database
from .outputs import Output
from .rows import IS_OWED, in_states, select_tasks, task_of
from .schema import OUTPUTS, QUOTES, TASKS
from .spent import AT_ONCE, read_spent, read_spent_on
from .task import OPEN, Task

#: The standings of active tasks, from that of one whose video is here.
_NEAREST: tuple[Standing, ...] = ("stored", "made", "at_provider", "unclear", "unsent")


#: A time that is known less exactly than this, in seconds or as a part of it, is left out.
_VAGUE, _VAGUE_PART = 5.0, 0.35
#: How many times are read at once: enough of each kind of video.
_TIMES = 400


@frozen
class Took:
    """
    How long a video took: between `least` and `most` seconds.

    It was not finished when the provider was asked `least` seconds after it took the task, and was
    when it was asked again; `least` is None if that is not known.
    """

    duration: int
    sound: bool
    least: float | None
    most: float

    @property
    def likely(self) -> float | None:
        """The likely time; None if it says nothing, for the process slept or a clock was set."""
        if self.least is None:
            return self.most if self.most > 0 else None
        if not 0 <= self.least < self.most:
            return None
        vague = self.most - self.least > max(_VAGUE, _VAGUE_PART * self.most)
        return None if vague else (self.least + self.most) / 2


@define(eq=False)
class JournalReader:
    """
    The part of the `Journal` that only reads: it never waits for writers, and creates no journal.

    Every method raises `JournalError` if the record cannot be read.
    """

    url: str | Path = field(repr=False)
    home: Path | None = None
    _clock: Callable[[], float] | None = field(default=None, repr=False)
    source: str = field(default="KLING26_JOURNAL", kw_only=True)
    database: Database = field(init=False, repr=False)

    @database.default
    def _open_later(self) -> Database:
        return Database(Address(self.url, self.source))

    def clock(self) -> float:
        """The time on this machine, in seconds since the epoch."""
        return (self._clock or time.time)()

    async def close(self) -> None:
        await self.database.close()

    async def get(self, name: str) -> Task:
        """
        The task with that id, ours or the provider's, or the only one whose id starts with it.

        Raises `UnknownTask`.
        """
        is_meant = TASKS.c.id.startswith(name, autoescape=True) | (TASKS.c.task_id == name)
        found = await self._select(select_tasks().where(is_meant).limit(3))
        exact = [each for each in found if name in (each.id, each.task_id)]
        found = exact or found
        if len(found) != 1 or not name:
            shown = sanitize(name, 60)
            raise UnknownTask(
                f'More than one task begins with "{shown}".'
                if found and name
                else f'The journal has no task "{shown}".',
                task=name,
            )
        return found[0]

    async def find_equal(self, fingerprints: Sequence[str]) -> Task | None:
        """The active task with one of these, which an equal request joins or reuses."""
        return furthest(await self._select(equal_tasks(fingerprints)))

    async def find_all_equal(self, fingerprints: Collection[str]) -> dict[str, Task]:
        """The active tasks with these, by them."""
        names, found = sorted(fingerprints), list[Task]()
        for start in range(0, len(names), AT_ONCE):
            found += await self._select(equal_tasks(names[start : start + AT_ONCE]))
        return {task.fingerprint: task for task in found}

    async def find_ticket(self, provider: str, realm: Realm, task_id: str) -> Task | None:
        """The task that has this id at its provider."""
        there = (TASKS.c.provider == provider) & (TASKS.c.realm == realm)
        found = await self._select(select_tasks().where(there, TASKS.c.task_id == task_id))
        return found[0] if found else None

    async def tasks(self, only_open: bool = False, limit: int | None = None) -> list[Task]:
        """
        All tasks, or those with something left to do, oldest first.

        With a `limit`, at most so many: those with something left to do, and then the newest.
        """
        is_open = in_states(OPEN) | IS_OWED
        query = select_tasks().where(is_open) if only_open else select_tasks()
        if limit is None:
            return await self._select(query.order_by(TASKS.c.created, TASKS.c.id))
        newest = query.order_by(is_open.desc(), TASKS.c.created.desc(), TASKS.c.id.desc())
        found = await self._select(newest.limit(limit))
        return sorted(found, key=lambda task: (task.created, task.id))

    async def count(self) -> int:
        """How many tasks there are, of all kinds."""
        rows = await self._rows(sa.select(sa.func.count()).select_from(TASKS))
        return int(rows[0][0]) if rows else 0

    async def since(self, moment: float) -> list[Task]:
        """The tasks that were recorded since then, in seconds since the epoch."""
        return await self._select(select_tasks().where(TASKS.c.created >= moment))

    async def needs_image(self, name: str) -> bool:
        """Whether a task may still have to send the saved image."""
        sendable = in_states(("submitting", "unknown"))
        is_image = (TASKS.c.image_file == name) | (TASKS.c.end_image_file == name)
        query = select_tasks().where(is_image, sendable).limit(1)
        return bool(await self._select(query))

    async def times(self, provider: str, realm: Realm) -> list[Took]:
        """How long the latest videos of a provider took, the newest first."""
        begin = TASKS.c.submitted
        query = (
            sa.select(TASKS.c.duration, TASKS.c.sound)
            .add_columns(TASKS.c.unfinished - begin, TASKS.c.finished - begin)
            .where(TASKS.c.provider == provider, TASKS.c.realm == realm)
            .where(TASKS.c.state == "stored", TASKS.c.finished > begin)
            .order_by(TASKS.c.created.desc())
            .limit(_TIMES)
        )
        return [Took(*tuple(row)) for row in await self._rows(query)]

    async def stored(self, provider: str, realm: Realm, duration: int, sound: bool) -> list[Task]:
        """The newest stored videos of that length, with or without sound: up to 50."""
        query = (
            select_tasks()
            .where(TASKS.c.provider == provider, TASKS.c.realm == realm)
            .where(TASKS.c.duration == duration, TASKS.c.sound == sound)
            .where(TASKS.c.state == "stored", TASKS.c.cost > 0)
            .order_by(TASKS.c.created.desc())
            .limit(50)
        )
        return await self._select(query)

    async def without_cost(self, providers: Sequence[str], age: float) -> list[Task]:
        """Up to 20 stored videos of unknown cost, recorded in the last `age` seconds."""
        query = (
            select_tasks()
            .where(TASKS.c.provider.in_(providers), TASKS.c.state == "stored")
            .where(TASKS.c.cost.is_(None), TASKS.c.task_id.is_not(None), TASKS.c.worker.is_(None))
            .where(TASKS.c.created > self._now() - age)
            .order_by(TASKS.c.created.desc())
            .limit(20)
        )
        return await self._select(query)

    async def quoted(self, question: str, lasts: float) -> float | None:
        """The price in USD that a provider told within the last `lasts` seconds."""
        age = self._now() - QUOTES.c.told
        query = sa.select(QUOTES.c.usd).where(QUOTES.c.question == question, age.between(0, lasts))
        rows = await self._rows(query)
        return rows[0].usd if rows else None

    async def spent(self, waiting: str | None = None) -> Spent:
        """What the tasks of the last 24 hours cost, as it counts for one that is `waiting`."""
        if self.database.missing:
            return Spent()
        return await self.database.read(
            lambda connection: read_spent(connection, self._now(), waiting)
        )

    async def spent_on(self, fingerprints: Collection[str]) -> Spent:
        """What the tasks with these cost, whenever that was; see `read_spent_on`."""
        if self.database.missing:
            return Spent()
        return await self.database.read(lambda connection: read_spent_on(connection, fingerprints))

    async def pending_outputs(self, task: str) -> list[Output]:
        """The outputs that a task's video still has to be written to."""
        unwritten = (OUTPUTS.c.task == task) & OUTPUTS.c.written.is_(None)
        rows = await self._rows(sa.select(OUTPUTS.c.path, OUTPUTS.c.found).where(unwritten))
        return [Output(Path(row.path), row.found) for row in rows]

    # -- the database ----------------------------------------------------------------------

    def _now(self) -> sa.ColumnElement[float]:
        """The time in seconds since the epoch, as everybody who shares the database sees it."""
        if self._clock is None and self.database.has_clock:
            return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
        return sa.literal(self.clock(), sa.Double)

    def _task(self, row: sa.Row[Any]) -> Task:
        task = task_of(row)
        if task.file is None or self.home is None:
            return task
        return evolve(task, file=str(self.home / task.file))

    async def _select(self, query: sa.Select[Any]) -> list[Task]:
        return [self._task(row) for row in await self._rows(query)]

    async def _rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        if self.database.missing:
            return []
        return await self.database.read(lambda connection: list(connection.execute(query)))


def equal_tasks(fingerprints: Sequence[str]) -> sa.Select[Any]:
    return select_tasks().where(TASKS.c.active.in_(set(fingerprints)))


def furthest(tasks: Sequence[Task]) -> Task | None:
    """The task that is nearest to its video."""
    return min(tasks, key=lambda task: _NEAREST.index(task.standing), default=None)
