"""The pace of requests: rate limits of submissions, poll schedules and retries."""

import asyncio
import random
from collections.abc import Callable, Iterator
from math import isnan

from aiolimiter import AsyncLimiter
from attrs import define, field

from ..errors import Kling26Error, SettingsError, TryLater
from ..limits import Limits

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
_MOMENT = 0.5
#: How long to keep trying a provider that is unreachable or unavailable, in seconds.
_OUTAGE_LIMIT = 120.0
#: How long to wait for a provider in all, and while it cannot be reached, if others could do the
#: same, in seconds.
HURRIED_WAIT = 60.0
_HURRIED_OUTAGE = 20.0
#: The longest wait before a question is asked again, whatever the provider asks for, in seconds.
LONGEST_QUESTION_WAIT = 60.0


def now() -> float:
    """Seconds on the event loop's clock, which tests control."""
    return asyncio.get_running_loop().time()


@define
class RateLimiter:
    """
    The rate limit of one provider's submissions, shared by all tasks of the process.

    aiolimiter's bucket lets its whole capacity through at once and refills meanwhile, so within one
    window it passes the capacity plus a window's refill. The sum of the two is what is allowed.
    """

    limits: Limits
    _limiter: AsyncLimiter | None = field(init=False)
    _paused_until: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._limiter = None
        if self.limits.submissions is not None:
            allowed, seconds = self.limits.submissions
            burst = max(1, allowed // 4)
            rate = max(allowed - burst, 0.5) / seconds
            self._limiter = AsyncLimiter(burst, burst / rate)

    @property
    def busy(self) -> bool:
        """Whether a submission has to wait, for more than a moment."""
        full = self._limiter is not None and not self._limiter.has_capacity()
        return full or self._paused_until > now() + _MOMENT

    async def acquire(self) -> None:
        """Wait until a submission is allowed."""
        if self._limiter is not None:
            await self._limiter.acquire()
        while (wait := self._paused_until - now()) > 0:
            await asyncio.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Delay all submissions for some seconds, because the provider asked to wait."""
        self._paused_until = max(self._paused_until, now() + seconds)


def backoff(attempt: int) -> float:
    """Seconds to wait after the `attempt`-th failure: exponential, with jitter."""
    wait = min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - jitter need not be secret


@define
class RetryPolicy:
    """
    A back-off hook for stamina: which errors to retry, and until when.

    It gives up rather than wait past the deadline, so nothing is sent after it. If the provider is
    unreachable or unavailable, it gives up earlier. `longest_wait` bounds the waits that a provider
    may ask for, in seconds; None if only the deadline does. If it is `hurried`, others could do the
    same, so it waits for a minute in all, and less if the provider cannot be reached.
    """

    deadline: Callable[[], float]
    retry_on: tuple[type[Kling26Error], ...]
    on_wait: Callable[[Kling26Error, float], None] = lambda error, wait: None
    longest_wait: float | None = field(default=None, kw_only=True)
    hurried: bool = field(default=False, kw_only=True)
    #: Whether it gave up because of the deadline.
    too_late: bool = field(default=False, init=False)
    #: How long it has waited in all, in seconds.
    _waited: float = field(default=0.0, init=False)
    #: Since when the provider has been unreachable or unavailable.
    _out_since: float | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)

    def __call__(self, error: Exception) -> bool | float:
        """Seconds to wait before the next attempt, or False to give up."""
        if not isinstance(error, self.retry_on) or isinstance(error, SettingsError):
            return False
        self._failures += 1
        wait, end = backoff(self._failures), self.deadline()
        if isinstance(error, TryLater):
            self._out_since = None
            wait = max(wait, asked_wait(error, self.longest_wait))
        else:
            self._out_since = now() if self._out_since is None else self._out_since
            outage = _HURRIED_OUTAGE if self.hurried else _OUTAGE_LIMIT
            end, wait = min(end, self._out_since + outage), min(wait, outage / 4)
        self._waited += wait
        if self.hurried and self._waited > HURRIED_WAIT:
            return False
        if now() + wait >= end:
            self.too_late = end == self.deadline()
            return False
        self.on_wait(error, wait)
        return wait


def asked_wait(error: Exception, longest: float | None) -> float:
    """The wait that the provider asked for, in seconds, at most `longest`; 0 if it did not."""
    asked = error.retry_after if isinstance(error, TryLater) else None
    if asked is None or isnan(asked):
        return 0.0
    return max(0.0, asked if longest is None else min(asked, longest))


class PollSchedule(Iterator[float]):
    """
    The waits between polls of one task, in seconds.

    A video takes 40 to 120 s, so polls are rare before that and frequent during it: on average, a
    task in that range is noticed within a second, after about 30 polls. Later they become rarer.
    """

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._early = [1.0, 1.5, 1.5, 4.0, 7.0, 10.0, 13.0]

    def __next__(self) -> float:
        if self._early:
            wait = self._early.pop(0)
        elif self._elapsed < 122.0:
            wait = 1.95
        else:
            wait = min(10.0, self._elapsed / 50.0)
        self._elapsed += wait
        return wait
