"""Time-outs that read what has arrived before they count."""

import asyncio
from types import TracebackType

#: How long what has arrived may take to be read, in seconds.
_GRACE = 1.0
#: A timer that fires so many seconds late was held up by a sleep.
_LATE = 0.5
#: How often the grace is given again to a process that keeps falling asleep.
_MOST_GRACES = 5


class Patience:
    """
    `asyncio.timeout`, which ends a second after its timer has fired.

    When a whole process has slept (SIGSTOP, a suspended machine, a blocked event loop), the timer
    and the answer are due at the same moment, and asyncio lets the timer win.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scope = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._graces = 0

    async def __aenter__(self) -> "Patience":
        await self._scope.__aenter__()
        self.restart(self._seconds)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        await self._scope.__aexit__(kind, error, traceback)

    def restart(self, seconds: float) -> None:
        """Wait for so many seconds from now on."""
        self._stop()
        self._graces = 0
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(loop.time() + seconds, self._expire, loop.time() + seconds)

    def _expire(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        late = now - due > _LATE
        if self._graces == 0 or (late and self._graces < _MOST_GRACES):
            self._graces += 1
            self._wait(_GRACE)
        else:
            self._scope.reschedule(now)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
