"""The pace of requests that failed: how long to wait before the next attempt, and how often."""

import asyncio
import random
from collections.abc import Callable
from math import isnan

from attrs import define, field

from ..errors import Kling26Error, SettingsError, TryLater

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
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
