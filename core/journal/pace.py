"""
How fast paid requests may leave, counted over all processes that share the journal.

A departure may be used from when it is `taken` until it `leaves`, and takes a place in the
provider's window until that has passed since. So at no moment are there more than the window has
room for, whatever each process does between the two.
"""

from collections.abc import Callable, Sequence
from math import floor
from secrets import token_hex

import sqlalchemy as sa
from attrs import Factory, define, frozen

from .database import Database
from .rows import lock
from .schema import DEPARTURES, PAUSES

#: How much longer than the provider's window a departure counts, in seconds: requests are on their
#: way for different times.
MARGIN = 0.5
#: The longest pause that a provider can ask all processes for, in seconds.
LONGEST_PAUSE = 60.0


@frozen
class Taken:
    """
    The `departures` that a process got.

    `wait` is how long until it may get the next one, in seconds; None if it got all it wanted.
    """

    departures: Sequence[str] = ()
    wait: float | None = None


@frozen
class Window:
    """How many requests may leave in how many seconds."""

    count: int
    seconds: float

    @property
    def span(self) -> float:
        """How long a departure counts, in seconds."""
        return self.seconds + MARGIN


@define(eq=False)
class Departures:
    """
    The departures at one `pace`, and the pauses that the provider asked for.

    `now` is the journal's clock. Every method raises `JournalError` if the journal cannot be used.
    """

    database: Database
    now: Callable[[], sa.ColumnElement[float]]
    pace: str

    async def take(self, window: Window, wanted: int, ahead: float = 0.0) -> Taken:
        """Take up to `wanted` departures, to be used within `ahead` seconds from now on."""

        def work(connection: sa.Connection) -> Taken:
            now = self._begin(connection)
            until = self._pause(connection, now)
            if until > now:
                return Taken(wait=until - now)
            is_over = DEPARTURES.c.leaves <= now - window.span
            connection.execute(DEPARTURES.delete().where(self._mine, is_over))
            times = sa.select(DEPARTURES.c.leaves).where(self._mine)
            room = _Room(window, now, until, sorted(connection.scalars(times)))
            new = [token_hex(8) for _ in range(min(wanted, room.left))]
            row = {"pace": self.pace, "taken": now, "leaves": now + ahead}
            if new:
                connection.execute(DEPARTURES.insert(), [{"id": each, **row} for each in new])
            room.leaves += [now + ahead] * len(new)
            return Taken(tuple(new), None if len(new) == wanted else room.wait())

        return await self.database.run(work)

    async def renew(
        self, departures: Sequence[str], window: Window, ahead: float = 0.0
    ) -> frozenset[str]:
        """
        Take departures anew that were not used in time; returns those that still counted.

        They have a place in the window already, so none has to wait for that.
        """
        which = self._mine & DEPARTURES.c.id.in_(departures)

        def work(connection: sa.Connection) -> frozenset[str]:
            now = self._begin(connection)
            counts = which & (DEPARTURES.c.leaves > now - window.span)
            kept = frozenset(connection.scalars(sa.select(DEPARTURES.c.id).where(counts)))
            new = DEPARTURES.update().where(counts).values(taken=now, leaves=now + ahead)
            connection.execute(new)
            return kept

        return await self.database.run(work)

    async def pause(self, seconds: float) -> None:
        """Let nothing leave for some seconds, in all processes: a minute at most."""

        def work(connection: sa.Connection) -> None:
            now = self._begin(connection)
            until = max(self._pause(connection, now), now + min(seconds, LONGEST_PAUSE))
            connection.execute(PAUSES.delete().where(PAUSES.c.pace == self.pace))
            connection.execute(PAUSES.insert().values(pace=self.pace, until=until))

        await self.database.run(work)

    async def paused(self) -> float:
        """For how many seconds nothing may leave; only reads."""
        if self.database.missing:
            return 0.0

        def work(connection: sa.Connection) -> float:
            now = self._time(connection)
            return max(0.0, self._pause(connection, now) - now)

        return await self.database.read(work)

    # -- in a transaction ------------------------------------------------------------------

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return DEPARTURES.c.pace == self.pace

    def _time(self, connection: sa.Connection) -> float:
        return float(connection.scalar(sa.select(self.now())) or 0.0)

    def _begin(self, connection: sa.Connection) -> float:
        """
        The time, once nobody else changes anything.

        What was taken in the future was taken before the clock was set back. It counts as if taken
        now: for one window more at the most.
        """
        lock(connection, f"pace {self.pace}")
        now = self._time(connection)
        ahead = DEPARTURES.c.leaves - DEPARTURES.c.taken
        is_ahead = self._mine & (DEPARTURES.c.taken > now)
        connection.execute(
            DEPARTURES.update().where(is_ahead).values(taken=now, leaves=now + ahead)
        )
        return now

    def _pause(self, connection: sa.Connection, now: float) -> float:
        """When the latest pause ends or ended; 0 if there was none."""
        found = connection.scalar(sa.select(PAUSES.c.until).where(PAUSES.c.pace == self.pace))
        # One of more than a minute was asked for before the clock was set back.
        return 0.0 if found is None or found > now + LONGEST_PAUSE else float(found)


@define
class _Room:
    """
    What is left of a window, given when its departures leave, in order.

    After a pause, a provider may still be short of breath: for one window, they leave evenly.
    """

    window: Window
    now: float
    paused_until: float
    leaves: list[float] = Factory(list)

    @property
    def left(self) -> int:
        free = self.window.count - len(self.leaves)
        if self._recovers:
            free = min(free, 1 + floor(self._since_pause * self._rate) - self._left_since)
        return max(0, free)

    def wait(self) -> float:
        """How long until there is room for another one, in seconds."""
        first = len(self.leaves) - self.window.count
        wait = self.leaves[first] + self.window.span - self.now if first >= 0 else 0.0
        if self._recovers:
            wait = max(wait, self._left_since / self._rate - self._since_pause)
        return max(wait, 0.0)

    @property
    def _rate(self) -> float:
        return self.window.count / self.window.seconds

    @property
    def _since_pause(self) -> float:
        return self.now - self.paused_until

    @property
    def _recovers(self) -> bool:
        return self._since_pause < self.window.seconds

    @property
    def _left_since(self) -> int:
        return sum(each > self.paused_until for each in self.leaves)
