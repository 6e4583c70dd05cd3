"""
Time that passes at once: an event loop for tests of code that waits.

>>> import asyncio
>>> async def an_hour() -> float:
...     began = asyncio.get_running_loop().time()
...     await asyncio.sleep(3600)
...     return asyncio.get_running_loop().time() - began
>>> round(run(an_hour()))
3600
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

#: What each turn of the loop takes, in seconds.
_TICK = 1e-6


class VirtualLoop(asyncio.SelectorEventLoop):
    """
    An event loop whose clock jumps to the next timer when there is nothing else to do.

    `time` is virtual, and so is all that is measured by it: `asyncio.sleep`, `asyncio.timeout`,
    `call_later`. While a job of `run_in_executor` (or `asyncio.to_thread`) is on its way the clock
    stands still: a thread takes no virtual time, however long it takes.

    Made for code that talks to no socket: what is on a wire cannot be seen, and the clock would
    jump over it. Two more things it cannot see are threads that were not started through the loop,
    and a job that waits for the loop's own clock, which never ends.
    """

    def __init__(self) -> None:
        # Not 0, which code may take for "never".
        self._virtual_now = 10_000.0
        self._jobs = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds; they begin anywhere."""
        return self._virtual_now

    def advance(self, seconds: float) -> None:
        """Let time pass from within; timers that became due run in the next turn of the loop."""
        self._virtual_now += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        future.add_done_callback(self._job_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        # Threads end in real time, which no virtual time-out can measure.
        await super().shutdown_default_executor()

    def _job_done(self, _: object) -> None:
        self._jobs -= 1

    @property
    def waits_for_threads(self) -> bool:
        """Whether a job is in a thread, so that the clock stands still."""
        return self._jobs > 0


class _JumpingSelector(selectors.DefaultSelector):
    """Answers the loop's "wake me in so many seconds" by moving the loop's clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A clock that stood still would never pass a moment that rounding put a hair ahead.
        self._loop.advance(_TICK)
        if timeout is None:  # No timer: only a thread or a signal can wake the loop.
            return super().select(None)
        ready = super().select(0)
        if ready or timeout <= 0:
            return ready
        if self._loop.waits_for_threads:
            return super().select(None)  # The end of a job wakes the loop.
        self._loop.advance(timeout)
        return []


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
