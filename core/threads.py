"""Threads that do calls for event loops, also while the interpreter exits."""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """
    An executor with up to `count` daemon threads.

    Python closes its own executors when the main thread ends, and then waits for what they do. Paid
    tasks go on after that, while other threads or the exit wait for them; and a thread that hangs
    must not keep the process. The base class is what asyncio takes as a loop's default executor.
    """

    def __init__(self, count: int, name: str) -> None:
        super().__init__()
        self._count, self._name = count, name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._counting = threading.Lock()
        self._started = self._busy = 0
        self._start()  # Once the interpreter exits, none can be started.

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - the future raises it.
                    future.set_exception(error)

        with self._counting:
            self._busy += 1
            if self._started < min(self._busy, self._count):
                self._start()
        self._calls.put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End each thread after what it is doing, without waiting for it."""
        for _ in range(self._started):
            self._calls.put(None)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # The interpreter exits: those that are there do the work.
            if not self._started:
                raise
            return
        self._started += 1

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            with self._counting:
                self._busy -= 1


#: How many calls of `in_thread` run at once.
_COUNT = 16


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread`, but also while the interpreter exits, and on any event loop."""
    return await _run(shared(), partial(call, *args, **kwargs))


async def in_turn(call: Callable[[], T]) -> T:
    """`in_thread`, for a call that makes others with `attempt`, and ends whatever they do."""
    try:
        threads = _turns()
    except RuntimeError:  # The interpreter exits: there are only the threads that have begun.
        threads = shared()
    return await _run(threads, call)


def attempt(whose: str, call: Callable[[], T], seconds: float) -> T:
    """
    What a call returns that may hang, made by a thread; raises `TimeoutError` if it does.

    Calls of the same name share their threads: whatever hangs there is in nobody else's way.
    """
    try:
        threads = _aside(whose)
    except RuntimeError:  # As above.
        return call()
    future = threads.submit(partial(copy_context().run, call))
    if not wait([future], seconds).done:
        future.cancel()  # It may not have begun.
        raise TimeoutError
    return future.result()


async def _run(threads: DaemonThreads, call: Callable[[], T]) -> T:
    import asyncio  # Slow to import, and loaded where there is a loop.

    work = partial(copy_context().run, call)
    return await asyncio.get_running_loop().run_in_executor(threads, work)


@cache
def shared() -> DaemonThreads:
    """The threads of this process that do such calls."""
    return DaemonThreads(_COUNT, "kling26-calls")


@cache
def _aside(whose: str) -> DaemonThreads:
    return DaemonThreads(_COUNT, f"kling26-{whose}")


@cache
def _turns() -> DaemonThreads:
    return DaemonThreads(_COUNT, "kling26-turns")


if hasattr(os, "register_at_fork"):  # Not on Windows. A forked child has none of the threads.
    os.register_at_fork(after_in_child=shared.cache_clear)
    os.register_at_fork(after_in_child=_aside.cache_clear)
    os.register_at_fork(after_in_child=_turns.cache_clear)
