"""Work for the runner, done on the background loop while the main thread minds the signals."""

import queue
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.errors import Kling26Error
from ..core.runner import background
from ..core.settings import Settings
from .console import Display, say

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.runner import Runner

T = TypeVar("T")

#: How long the main thread waits at a time: a signal is seen in between, on every system.
_GLANCE = 0.1
#: How long a paid request in flight is waited for, and how long the rest of closing may take.
_LAST_ANSWER = 10.0
_CLOSING = 5.0

#: Whether the runner has been given anything to do in this process.
begun: bool = False


class Interrupted(Exception):
    """The user, or the system, wants this to end; `task` is the one it was about, if it was one."""

    def __init__(self, message: str, task: "Task | None" = None) -> None:
        super().__init__(message)
        self.task = task


Found = Callable[[Any], object]
Work = Callable[["Runner", Display, Found], Coroutine[Any, Any, T]]


def carry(work: Work[T], idle: str, found: Found = lambda _: None) -> T:
    """
    Do `work` to its end; returns what it returns.

    What it hands to its third argument meanwhile is given to `found`, in the main thread. An
    interrupt raises `Interrupted`, which says `idle` if no task had been begun.
    """
    from ..core.runner.runner import Runner

    global begun  # noqa: PLW0603 - as the loop, it is of the process.
    runner, display, items = Runner(Settings()), Display(), queue.SimpleQueue[Any]()
    interrupted = False
    try:
        with display:
            begun = True
            future = background.start(work(runner, display, items.put))
            try:
                _watch(future, items, display, found)
            except KeyboardInterrupt:
                interrupted = future.cancel()  # False if it has just ended.
    finally:
        _close(runner)
    if interrupted:
        raise _interrupted(list(display.tasks), idle)
    return future.result()


def _watch(
    future: "Future[Any]", items: "queue.SimpleQueue[Any]", display: Display, found: Found
) -> None:
    done = False
    while not done:
        done = bool(wait([future], timeout=_GLANCE).done)
        while not items.empty():
            with display.hidden():
                found(items.get())


def _close(runner: "Runner") -> None:
    """Stop, but for a paid request in flight; another interrupt does not wait for that either."""
    with suppress(KeyboardInterrupt):
        if runner.paying:
            say(
                f"A paid request is on its way: waiting up to {_LAST_ANSWER:.0f} seconds for its "
                "answer. Ctrl-C stops at once."
            )
        closing = background.start(runner.aclose(_LAST_ANSWER))
        wait([closing], timeout=_LAST_ANSWER + _CLOSING)


# -- the end by a signal -----------------------------------------------------------------------


def _interrupted(names: Sequence[str], idle: str) -> Interrupted:
    """What an interrupt left behind, and how to go on with it."""
    if not names:
        return Interrupted(idle)
    tasks = _look(names)
    if len(tasks) == len(names) == 1:
        return Interrupted(f"Interrupted{_standing(tasks[0])}", tasks[0])
    left = [task.id for task in tasks if task.open] if tasks else names
    go_on = f" Go on with: kling26 resume {' '.join(left)}" if left else ""
    return Interrupted(f"Interrupted.{go_on}")


def _look(names: Sequence[str]) -> "list[Task]":
    """The tasks as they are now that nobody works on them; empty if that cannot be read."""
    from ..core.runner.runner import Runner

    async def look() -> "list[Task]":
        async with Runner(Settings()) as runner:
            return [await runner.task(name) for name in names]

    try:
        return background.start(look()).result(timeout=_CLOSING)
    except (Kling26Error, TimeoutError, KeyboardInterrupt):
        return []


def _standing(task: "Task") -> str:
    """The rest of a sentence that begins with "Interrupted"."""
    resume = f"kling26 resume {task.id}"
    if task.state == "submitting" and task.sending is None:
        return (
            f" before anything was sent. Send it with: {resume}, or drop it with: "
            f"kling26 cancel {task.id}"
        )
    if task.state in ("submitting", "unknown"):
        return (
            f" before {task.provider} had answered, so task {task.id} is perhaps paid for. See "
            f"what became of it with: {resume}"
        )
    if task.open:
        return (
            f". The video is being made at {task.provider}, and paid for once; fetch it with: "
            f"{resume}"
        )
    return f", but the video is here: {task.file}" if task.file else f". Task {task.id} is over."
