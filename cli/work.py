"""Runs work on the background loop, while the main thread watches for signals."""

import queue
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import Factory, frozen

from ..core.errors import Kling26Error
from ..core.provider import Provider
from ..core.runner import background
from ..core.settings import Settings
from . import texts
from .console import say
from .display import Display

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.runner import Runner

T = TypeVar("T")
ItemT = TypeVar("ItemT")

#: How long the main thread waits at a time: on every system, signals are handled in between.
_GLANCE = 0.1
#: How long to wait for a paid request in flight, and how long the rest of closing may take.
_LAST_ANSWER = 10.0
_CLOSING = 5.0

#: Whether the runner has been given anything to do in this process.
begun: bool = False


class Interrupted(Exception):
    """The user or the system wants the command to end; `task` is set if it was about just one."""

    def __init__(self, message: str, task: "Task | None" = None) -> None:
        super().__init__(message)
        self.task = task


@frozen
class Session(Generic[ItemT]):
    """What work needs: the runner, the display of its progress, and a place for its results."""

    runner: "Runner"
    display: Display
    _found: "queue.SimpleQueue[ItemT]" = Factory(queue.SimpleQueue)

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The installed providers, by name."""
        return self.runner.registry.providers

    def give(self, item: ItemT) -> None:
        """Pass a result to the main thread before the work has ended."""
        self._found.put(item)

    def show(self, found: Callable[[ItemT], object]) -> None:
        """Call `found` with each result that has come since."""
        while not self._found.empty():
            with self.display.hidden():
                found(self._found.get())


Work = Callable[[Session[ItemT]], Coroutine[Any, Any, T]]


def run_work(
    work: Work[ItemT, T], idle: str, found: Callable[[ItemT], object] = lambda _: None
) -> T:
    """
    Run `work` and return what it returns.

    The main thread calls `found` with each result that it gives meanwhile. An interrupt raises
    `Interrupted`, with the message `idle` if no task had begun.
    """
    from ..core.runner.runner import Runner

    global begun  # noqa: PLW0603 - one per process, like the loop.
    session = Session[ItemT](Runner(Settings()), Display())
    interrupted = False
    try:
        with session.display:
            begun = True
            future = background.start(work(session))
            try:
                _watch(future, session, found)
            except KeyboardInterrupt:
                interrupted = future.cancel()  # False if it has just ended.
    finally:
        _close(session.runner)
    if interrupted:
        raise _interrupted(list(session.display.tasks), session.providers, idle)
    return future.result()


def _watch(
    future: "Future[Any]", session: Session[ItemT], found: Callable[[ItemT], object]
) -> None:
    done = False
    while not done:
        done = bool(wait([future], timeout=_GLANCE).done)
        session.show(found)


def _close(runner: "Runner") -> None:
    """Close the runner, after a paid request in flight has ended or with another interrupt."""
    with suppress(KeyboardInterrupt):
        if runner.paying:
            say(texts.waiting_for_answer(_LAST_ANSWER))
        closing = background.start(runner.aclose(_LAST_ANSWER))
        wait([closing], timeout=_LAST_ANSWER + _CLOSING)


def _interrupted(names: Sequence[str], providers: texts.Providers, idle: str) -> Interrupted:
    """What an interrupt left behind, and how to go on with it."""
    if not names:
        return Interrupted(idle)
    tasks = _look(names)
    if not tasks:
        return Interrupted(texts.interrupted_among(names))
    return Interrupted(
        texts.interrupt_text(tasks, providers), tasks[0] if len(tasks) == 1 else None
    )


def _look(names: Sequence[str]) -> "list[Task]":
    """The tasks as they are now that the work has stopped; empty if they cannot be read."""
    from ..core.runner.runner import Runner

    async def look() -> "list[Task]":
        async with Runner(Settings()) as runner:
            return [await runner.task(name) for name in names]

    try:
        return background.start(look()).result(timeout=_CLOSING)
    except (Kling26Error, TimeoutError, KeyboardInterrupt):
        return []
