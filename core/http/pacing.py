"""When to ask: the pace of submissions, of questions about a task, and of further tries."""

import asyncio
import random
from collections.abc import Callable, Iterator

from aiolimiter import AsyncLimiter
from attrs import define, field

from ..errors import Kling26Error, TryLater
from ..limits import Limits

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
#: How long a provider that cannot be reached or is in trouble is tried, in seconds.
_OUTAGE_LIMIT = 120.0


def now() -> float:
    """Seconds on the event loop's clock, which tests can turn."""
    return asyncio.get_running_loop().time()


@define
class RateLimiter:
    """
    The pace of one provider's submissions, shared by all tasks of the process.

    aiolimiter's bucket lets a full load through at once and refills it meanwhile, so in any one
    window it passes its capacity and a window's refill; together they are what is allowed.
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

    async def acquire(self) -> None:
        """Wait for a turn."""
        if self._limiter is not None:
            await self._limiter.acquire()
        while (wait := self._paused_until - now()) > 0:
            await asyncio.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let nobody through for a while: the provider asked all its callers to wait."""
        self._paused_until = max(self._paused_until, now() + seconds)


def backoff(attempt: int) -> float:
    """Seconds to wait after the `attempt`-th failure: doubling, with jitter."""
    wait = min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - jitter is no secret


@define
class RetryPolicy:
    """
    A back-off hook for stamina: which errors to try again, and until when.

    A wait that would pass the deadline is not begun, so nothing is sent after it. Where the
    provider cannot be reached at all, or is in trouble, there is an earlier end.
    """

    deadline: Callable[[], float]
    retry_on: tuple[type[Kling26Error], ...]
    on_wait: Callable[[Kling26Error, float], None] = lambda error, wait: None
    _began: float = field(factory=now, init=False)
    _failures: int = field(default=0, init=False)

    def __call__(self, error: Exception) -> bool | float:
        """How many seconds to wait before the next try; False: give up."""
        if not isinstance(error, self.retry_on):
            return False
        self._failures += 1
        wait, end = backoff(self._failures), self.deadline()
        if isinstance(error, TryLater):
            wait = max(wait, error.retry_after or 0.0)
        else:
            end = min(end, self._began + _OUTAGE_LIMIT)
        if now() + wait >= end:
            return False
        self.on_wait(error, wait)
        return wait


class PollSchedule(Iterator[float]):
    """
    The waits between questions about one task, in seconds.

    A clip takes 40 to 120 s, so the questions are rare before and dense from then on: the mean
    task of that range is noticed within a second at about 30 questions. After it they thin out.
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
