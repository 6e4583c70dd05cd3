"""
The pace of submissions: who may send a paid request now, in this process and in all others.

The journal counts over all processes. Within one, tasks stand in line, and whoever is first asks
the journal for all of them.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf, log2

from attrs import define, field

from ..errors import JournalError, TryLater
from ..http.pacing import now
from ..journal.journal import Journal
from ..journal.pace import LONGEST_PAUSE, Departures, Window
from ..limits import Limits
from ..provider import Provider
from ..status import Realm

logger: logging.Logger = logging.getLogger("kling26")

#: A wait that is worth telling, in seconds.
_MOMENT = 0.5
#: How old a departure may be when the request leaves, in seconds: a part of the journal's margin.
_FRESH = 0.1
#: How far ahead a departure may be taken where writing the journal is slow, in seconds, and how
#: often it is taken anew.
_FURTHEST, _RENEWALS = 8.0, 6
#: How often to look whether another process was asked to wait, in seconds.
_LOOK_EVERY = 1.0
#: By how much processes come late at the most, so that not all come at once, in seconds: whoever
#: just had a turn, and after a pause.
_POLITENESS, _SPREAD = 0.4, 3.0
#: How long it may take to tell other processes of a pause, in seconds.
_LONGEST_NOTE = 2.0
#: After a pause, twice as many as before may leave each so many seconds, for some time.
_DOUBLING, _RECOVERY = 0.5, 10.0


class TurnPassed(TryLater):
    """The request did not leave in its turn, and has to wait for another one."""


@define(eq=False)
class Turn:
    """Leave to send one paid request, as long as it is `fresh`."""

    limiter: "RateLimiter"
    departure: str | None = None
    #: Until when it may be used, on the event loop's clock.
    fresh: float = inf

    async def leave(self) -> None:
        """
        Make sure that the request may leave at this moment.

        Raises `TurnPassed` if it has to wait again, and `JournalError`.
        """
        for _ in range(_RENEWALS):
            if now() <= self.fresh:
                return
            await self.limiter.renew(self)
        raise TurnPassed("The request could not leave in its turn.")


@define(eq=False)
class RateLimiter:
    """
    Lets one provider's submissions through, at the pace that it allows, first come, first served.

    A provider without a published limit is only waited for when it asks for that.
    """

    limits: Limits
    departures: Departures
    _line: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _in_line: int = field(default=0, init=False)
    #: Whoever waits and was not told so.
    _untold: list[Callable[[], None]] = field(factory=list, init=False)
    #: The turns that nobody has used yet.
    _turns: deque[Turn] = field(factory=deque, init=False)
    _taking: "asyncio.Task[float | None] | None" = field(default=None, init=False)
    #: How often in a row the journal had no turn.
    _refused: int = field(default=0, init=False)
    _held_until: float = field(default=0.0, init=False)
    #: How many went through since then, and when the journal was looked at for a pause.
    _since_held: int = field(default=0, init=False)
    _looked: float = field(default=-inf, init=False)
    #: How long the journal may take, in seconds.
    _delay: float = field(default=0.0, init=False)
    _stale: set[Turn] = field(factory=set, init=False)
    _renewing: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    #: Until when whoever is first in line waits, on the event loop's clock.
    _busy_until: float = field(default=0.0, init=False)

    @property
    def window(self) -> Window | None:
        """The provider's published limit."""
        return None if self.limits.submissions is None else Window(*self.limits.submissions)

    async def acquire(self, on_wait: Callable[[], None] = lambda: None) -> Turn:
        """
        Wait for a turn; `on_wait` is called if that takes more than a moment.

        Raises `JournalError` if the turns cannot be counted.
        """
        self._in_line += 1
        self._untold.append(on_wait)
        self._tell()
        try:
            async with self._line:
                while (turn := await self._turn()) is None:
                    pass
                return turn
        finally:
            self._in_line -= 1
            with suppress(ValueError):
                self._untold.remove(on_wait)

    def hold(self, seconds: float) -> None:
        """Delay all submissions of this process for some seconds."""
        # Few try again when that is over, and the others soon after.
        late = min(_SPREAD, seconds / 4) * random.random() ** 0.5  # noqa: S311
        if (until := now() + seconds + late) > self._held_until:
            self._held_until, self._since_held = until, 0

    async def pause(self, seconds: float) -> None:
        """Delay all processes' submissions, for a minute at most: the provider asked for it."""
        seconds = min(seconds, LONGEST_PAUSE)
        self.hold(seconds)
        try:
            async with asyncio.timeout(_LONGEST_NOTE):
                await self.departures.pause(seconds)
        except (JournalError, TimeoutError) as error:
            logger.info("Other processes do not know of a pause: %r", error)

    async def renew(self, turn: Turn) -> None:
        """Take a turn anew that was not used in time; raises `TurnPassed` and `JournalError`."""
        assert self.window is not None
        self._stale.add(turn)
        async with self._renewing:
            if turn not in self._stale:  # It was renewed with another one.
                return
            turns, self._stale = self._stale, set()
            ahead, began = self._delay, now()
            names = [each.departure for each in turns if each.departure is not None]
            kept = await self.departures.renew(names, self.window, ahead)
            self._took(began)
        for each in turns:
            each.fresh = began + ahead + _FRESH if each.departure in kept else -inf
        if turn.departure not in kept:
            raise TurnPassed("The request could not leave in its turn.")

    # -- the first in line -----------------------------------------------------------------

    async def _turn(self) -> Turn | None:
        """The next turn; None after waiting for it."""
        if (wait := self._held_until - now()) <= 0:
            wait = await self._look() if self.window is None else await self._take(self.window)
        if wait <= 0:
            return self._turns.popleft() if self._turns else Turn(self)
        self._busy_until = now() + wait
        self._tell()
        await asyncio.sleep(wait)
        return None

    def _tell(self) -> None:
        if self._busy_until > now() + _MOMENT:
            waiting, self._untold = self._untold, []
            for tell in waiting:
                tell()

    async def _look(self) -> float:
        """How long to wait for a provider that only says when it has enough, in seconds."""
        if now() - self._looked >= _LOOK_EVERY:
            self._looked = now()
            if (left := await self.departures.paused()) > 0:
                self.hold(left)
                return self._held_until - now()
        recovered = now() - self._held_until
        if recovered < _RECOVERY and (early := self._due - recovered) > 0:
            return early
        self._since_held += 1
        return 0.0

    @property
    def _due(self) -> float:
        """When the next one may leave after a pause, in seconds: few at first, and soon all."""
        return _DOUBLING * log2(1 + self._since_held)

    async def _take(self, window: Window) -> float:
        """How long until there is a turn, in seconds; takes turns for all in line."""
        while self._turns and self._turns[0].fresh < now() - window.seconds:
            self._turns.popleft()  # It was for somebody who has left the line long ago.
        if self._turns:
            return 0.0
        if self._taking is None:
            self._taking = asyncio.create_task(self._take_for_all(window))
            self._taking.add_done_callback(_note_error)
        # Whoever is first may be cancelled. What was taken is for the next one.
        wait = await asyncio.shield(self._taking)
        if self._turns or wait is None:
            return 0.0
        return wait + random.uniform(0.5, 1.0) * _POLITENESS / (1 + self._refused)  # noqa: S311

    async def _take_for_all(self, window: Window) -> float | None:
        """Ask the journal for turns; returns how long until there are more."""
        try:
            ahead, began = self._delay, now()
            taken = await self.departures.take(window, max(1, self._in_line), ahead)
            self._took(began)
            fresh = began + ahead + _FRESH
            self._turns += [Turn(self, each, fresh) for each in taken.departures]
            self._refused = 0 if taken.departures else self._refused + 1
            return taken.wait
        finally:
            self._taking = None

    def _took(self, began: float) -> None:
        self._delay = min(2 * (now() - began), _FURTHEST)


def _note_error(done: "asyncio.Task[float | None]") -> None:
    """Take note of an error that nobody waits for any more, so that asyncio does not report it."""
    if not done.cancelled():
        done.exception()


@define
class Limiters:
    """The rate limiters of this process, one per provider."""

    journal: Journal
    _limiters: dict[str, RateLimiter] = field(factory=dict, init=False)

    def limiter(self, realm: Realm, provider: Provider) -> RateLimiter:
        """The one for a provider's submissions."""
        pace = f"{realm}:{provider.name}"
        if pace not in self._limiters:
            departures = self.journal.departures(pace)
            self._limiters[pace] = RateLimiter(provider.limits, departures)
        return self._limiters[pace]
