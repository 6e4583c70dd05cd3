"""Seconds of which those that the process sleeps do not count."""

import time
from collections.abc import Callable

from attrs import define, field

#: The most that counts between two looks, in seconds: a process that waits looks more often.
_MOMENT = 1.0


@define
class TimeLeft:
    """
    Some seconds to wait for something, which is looked for several times a second.

    A process that was stopped, or whose machine was suspended, finds what has arrived meanwhile
    only when it looks again, so it must not give up before.
    """

    left: float
    clock: Callable[[], float] = time.monotonic
    _looked: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._looked = self.clock()

    def look(self) -> float:
        """The seconds that are left; counts those since the last look."""
        now = self.clock()
        self.left -= min(now - self._looked, _MOMENT)
        self._looked = now
        return self.left
