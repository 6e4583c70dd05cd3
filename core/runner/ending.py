"""
How a process ends that may have a paid request in flight.

Nobody can say what became of a request whose answer was not read, so every end that can be seen
coming waits for it: the end of the main thread, of a child of `multiprocessing`, of an event loop,
and signals. In that time no other paid request leaves. What cannot be seen, such as `os._exit`, is
left to `resume`.
"""

import atexit
import logging
import os
import signal
import sys
import threading
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from ..time_left import TimeLeft

if TYPE_CHECKING:
    import asyncio

logger: logging.Logger = logging.getLogger("kling26")

#: How long an end waits for the answer to a paid request, in seconds.
GRACE = 10.0
#: How often to look whether the answer has come, in seconds.
_GLANCE = 0.02
#: How long an event loop may take to stop what has not been sent yet, in seconds.
_STOPPING = 1.0

#: The tasks of this process that may be paying.
_tasks: "set[Paying]" = set()
#: Whether the process is about to end, so that nothing more may be sent.
_ending = False
#: The signal that came while the exit was waiting already.
_signal: int | None = None
#: What waits at the end of a child of `multiprocessing`, which ends without `atexit`.
_finalizer: Any = None


class Paying(Protocol):
    """A task that may be paying; `paying.PayingTask` is one."""

    @property
    def paying(self) -> bool:
        """Whether a paid request is in flight, or its answer is not in the journal yet."""

    @property
    def rehearsal(self) -> bool:
        """Whether no money is in play."""

    @property
    def left(self) -> bool:
        """Whether it is paying, and this thread has left its event loop."""

    def get_loop(self) -> "asyncio.AbstractEventLoop":
        """The loop that it runs on."""

    def cancel(self) -> bool:
        """Stop it, once it is not paying."""


def join(task: Paying) -> None:
    """Wait for this task when the process ends; if it is ending already, stop the task."""
    watch()
    _tasks.add(task)
    if _ending:
        task.cancel()


def leave(task: Paying) -> None:
    """The task has ended."""
    _tasks.discard(task)


def paying() -> bool:
    """Whether a paid request of this process is in flight, whose answer is worth waiting for."""
    return any(task.paying and not task.get_loop().is_closed() for task in list(_tasks))


def watch() -> None:
    """
    See to it that the end of this process waits, for all that can be done from this thread.

    Signals can only be handled in the main thread, and those that the program handles itself are
    left to it.
    """
    global _finalizer  # noqa: PLW0603 - one per process.
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not (_finalizer and _finalizer.still_active()):
        _finalizer = util.Finalize(None, _exit, exitpriority=0)
    if threading.current_thread() is threading.main_thread():
        for number in _signals():
            if signal.getsignal(number) == signal.SIG_DFL:
                with suppress(ValueError):  # In an interpreter within another one.
                    signal.signal(number, _on_signal)


def wait_for_answers(grace: float = GRACE) -> None:
    """Send nothing more, and wait up to `grace` seconds while a paid request is in flight."""
    global _ending  # noqa: PLW0603 - one per process.
    if not _ending:
        _ending = True
        _stop_the_unpaid()
    if paying():
        tell(grace)
    time_left = TimeLeft(grace)
    while paying() and time_left.look() > 0:
        _run_stopped_loops()
        time.sleep(_GLANCE)


def _stop_the_unpaid() -> None:
    """Cancel what has not been sent yet; each loop decides in its own thread what that is."""
    loops = {loop for task in list(_tasks) if (loop := task.get_loop()).is_running()}
    stopped: list[Future[None]] = []
    for loop in loops:
        stopped.append(Future())
        loop.call_soon_threadsafe(_stop, loop, stopped[-1])
    wait(stopped, timeout=_STOPPING)


def _stop(loop: "asyncio.AbstractEventLoop", stopped: "Future[None]") -> None:
    for task in list(_tasks):
        if task.get_loop() is loop and not task.paying:
            task.cancel()
    stopped.set_result(None)


def _run_stopped_loops() -> None:
    """Go on for a moment with event loops that were left while a task of theirs was paying."""
    for loop in {task.get_loop() for task in list(_tasks) if task.left}:
        loop.call_later(_GLANCE, loop.stop)
        loop.run_forever()


def tell(grace: float) -> None:
    """Say what is being waited for."""
    rehearsals = [task.rehearsal for task in list(_tasks) if task.paying]
    kind = "request" if rehearsals and all(rehearsals) else "paid request"
    logger.warning("A %s is under way. Waiting up to %.0f seconds for the answer.", kind, grace)


def _exit() -> None:
    """Wait at the end of the process; another Ctrl-C ends the waiting."""
    with suppress(KeyboardInterrupt):
        wait_for_answers()
    if _signal is not None:
        os.kill(os.getpid(), _signal)


atexit.register(_exit)


# -- signals -----------------------------------------------------------------------------------


def _signals() -> list[int]:
    """The signals that ask a program to end, as far as this system has them."""
    names = ("SIGTERM", "SIGHUP", "SIGINT")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _on_signal(number: int, _: object) -> None:
    """What the signal does by default, but after the answer; another one does it at once."""
    global _signal  # noqa: PLW0603 - one per process.
    signal.signal(number, signal.SIG_DFL)
    if not paying():
        os.kill(os.getpid(), number)
    elif _ending:
        _signal = number
    else:
        # The main thread goes on meanwhile: it may be the one whose event loop reads the answer.
        threading.Thread(target=_end_by, args=(number,), name="kling26-end", daemon=True).start()


def _end_by(number: int) -> None:
    wait_for_answers()
    os.kill(os.getpid(), number)


# -- forks -------------------------------------------------------------------------------------


def _forget_parent() -> None:
    """A forked child has none of the parent's threads, so none of its tasks go on there."""
    global _ending, _signal
    _tasks.clear()
    _ending, _signal = False, None
    for number in _signals():
        if signal.getsignal(number) == _on_signal:
            signal.signal(number, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):  # Not on Windows.
    os.register_at_fork(after_in_child=_forget_parent)
