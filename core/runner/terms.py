"""On what terms orders may be paid for: alone, or as one of many that share them."""

from collections.abc import Callable
from typing import TypeGuard

from attrs import define, field, frozen

from ..errors import (
    BudgetExceeded,
    KeyRejected,
    Kling26Error,
    MissingKey,
    NotSent,
    OptionRefused,
    OutOfCredit,
)
from ..http.pacing import now
from ..options import show
from ..spending import Allowance
from ..text import sentence

#: How many rows are under way at once, unless the caller says otherwise.
JOBS = 200
#: The most: each takes memory and, at times, a connection.
MOST_JOBS = 5000
#: The most that a limit may be, in USD and in seconds.
_MOST = 10**9
#: What is said of a row for which there was no time.
LATE = "Time ran out before it was sent."

#: After these, a provider would say the same to the next one.
_CLOSING = (OutOfCredit, KeyRejected, MissingKey)


@frozen
class RunLimits:
    """What a caller allows many rows, as it was given; `timeout` is in seconds, for all of them."""

    jobs: object = JOBS
    max_cost: object = None
    max_tasks: object = None
    timeout: object = 0.0

    def check(self, name: Callable[[str], str] = str) -> None:
        """
        Raise `OptionRefused` for one that makes no sense, and would perhaps be no limit at all.

        `name` is what it is called where it was given.
        """
        if not (_is_whole(self.jobs) and 1 <= self.jobs <= MOST_JOBS):
            wanted = f"a whole number between 1 and {MOST_JOBS}"
            raise _refused("jobs", wanted, self.jobs, name)
        if not (self.max_tasks is None or (_is_whole(self.max_tasks) and self.max_tasks >= 0)):
            raise _refused("max_tasks", "a whole number from 0 on", self.max_tasks, name)
        if not (self.max_cost is None or _is_amount(self.max_cost)):
            raise _refused("max_cost", "a sum in USD, such as 5 or 2.50", self.max_cost, name)
        if not _is_amount(self.timeout):
            raise _refused("timeout", "a number of seconds", self.timeout, name)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_amount(value: object) -> bool:
    """Whether it is a number from 0 on, and no endless one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST


def _refused(option: str, wanted: str, value: object, name: Callable[[str], str]) -> OptionRefused:
    return OptionRefused(f"{name(option)} must be {wanted}; got {show(value)}.", option=option)


@define(eq=False)
class Terms:
    """
    What many orders share: an `allowance`, and what becomes of the others when one of them fails.

    What is here already, or under way, is given all the same.
    """

    allowance: Allowance | None = None
    #: Until when anything may be sent, on the event loop's clock; None for ever.
    until: float | None = None
    #: Whether it was said that a limit of the cost cannot hold.
    told_unlimited: bool = False
    #: Those to whom nothing more is sent, by name, and the error that says why.
    _closed: dict[str, Kling26Error] = field(factory=dict, init=False)
    #: Why nothing more is recorded: what is, has its share of what may be spent.
    _over: Kling26Error | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)

    @property
    def late(self) -> bool:
        """Whether there is no time left to send anything."""
        return self.until is not None and now() >= self.until

    def learn(self, error: Kling26Error, provider: str | None) -> None:
        """Take note of how an order ended that was for a provider, or for any."""
        if isinstance(error, BudgetExceeded):
            self._over = self._over or error
        elif isinstance(error, _CLOSING) and provider is not None:
            self._closed.setdefault(provider, error)

    def end(self) -> None:
        """Let nothing more be sent: nobody waits for it any more."""
        self._ended = True

    def check(self, provider: str) -> None:
        """Raise `NotSent` if what is recorded may not be sent to a provider any more."""
        if (why := self._objection(provider, None)) is not None:
            raise why

    def objection(self, provider: str) -> NotSent | None:
        """Why nothing more may be recorded for a provider; None if it may."""
        return self._objection(provider, self._over)

    def _objection(self, provider: str, over: Kling26Error | None) -> NotSent | None:
        if self._ended:
            return NotSent("Nobody waited for it any more, so it was not sent.")
        if self.late:
            return NotSent(LATE)
        why = over or self._closed.get(provider)
        if why is None:
            return None
        reason = sentence(why, 1000)
        return NotSent(
            f"It was not sent, for the same reason as another one: {reason}",
            provider=provider,
            code=why.code,
            remedy=why.remedy,
        )


#: Those of an order by itself, which nothing holds back.
FREELY: Terms = Terms()
