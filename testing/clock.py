"""
An event loop for tests of code that waits: its time passes at once.

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
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

#: What each turn of the loop takes, in seconds.
_TICK = 1e-6


class VirtualLoop(asyncio.SelectorEventLoop):
    """
    An event loop whose clock jumps to the next timer when there is nothing else to do.

    `time` is virtual, and so is everything measured by it: `asyncio.sleep`, `asyncio.timeout`,
    `call_later`. While a job of `run_in_executor` (or `asyncio.to_thread`) is running, the clock
    stands still: a thread takes no virtual time, however long it takes.

    It is meant for code without sockets: the loop cannot see what is on a wire, and its clock would
    jump over it. Nor can it see threads that were not started through it, and a job that waits for
    the loop's own clock never ends.
    """

    def __init__(self) -> None:
        # Not 0, which code may take for "never".
        self._virtual_now = 10_000.0
        self._jobs = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds since an arbitrary moment."""
        return self._virtual_now

    def advance(self, seconds: float) -> None:
        """Let time pass; timers that have become due fire in the loop's next turn."""
        self._virtual_now += seconds

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        future.add_done_callback(self._job_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        # Threads end in real time, which a virtual time-out cannot measure.
        await super().shutdown_default_executor()

    def _job_done(self, _: object) -> None:
        self._jobs -= 1

    @property
    def waits_for_threads(self) -> bool:
        """Whether a thread is at work, so that the clock stands still."""
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


def run(coroutine: Coroutine[object, None, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
