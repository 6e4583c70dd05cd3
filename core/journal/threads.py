"""Threads that never keep a program from exiting."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from attrs import define, field

P = ParamSpec("P")
T = TypeVar("T")


@define(eq=False)
class DaemonThread(Executor):
    """
    An executor with one thread, started with the first work.

    At exit, Python waits for the threads of its own executors, even for one that hangs.
    """

    name: str
    _work: "queue.SimpleQueue[Callable[[], None] | None]" = field(
        factory=queue.SimpleQueue, init=False
    )
    _thread: threading.Thread | None = field(default=None, init=False)

    def submit(self, work: Callable[P, T], /, *args: P.args, **keywords: P.kwargs) -> "Future[T]":
        """Run `work` after everything that was submitted before."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*args, **keywords))
            except BaseException as error:  # noqa: BLE001 - whoever waits gets it.
                future.set_exception(error)

        self._work.put(run)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread once everything submitted is done."""
        self._work.put(None)
        if wait and self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
