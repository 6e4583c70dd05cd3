"""Work for the runner, done on the background loop while the main thread minds the signals."""

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


@frozen
class Session(Generic[ItemT]):
    """What work has to do with: the runner, what shows its progress, and where its results go."""

    runner: "Runner"
    display: Display
    _found: "queue.SimpleQueue[ItemT]" = Factory(queue.SimpleQueue)

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The installed providers, by name."""
        return self.runner.registry.providers

    def give(self, item: ItemT) -> None:
        """Hand a result over to the main thread, before the work has ended."""
        self._found.put(item)

    def show(self, found: Callable[[ItemT], object]) -> None:
        """Call `found` with what has been given since."""
        while not self._found.empty():
            with self.display.hidden():
                found(self._found.get())


Work = Callable[[Session[ItemT]], Coroutine[Any, Any, T]]


def carry(work: Work[ItemT, T], idle: str, found: Callable[[ItemT], object] = lambda _: None) -> T:
    """
    Do `work` to its end; returns what it returns.

    What it gives meanwhile is shown by `found`, in the main thread. An interrupt raises
    `Interrupted`, which says `idle` if no task had been begun.
    """
    from ..core.runner.runner import Runner

    global begun  # noqa: PLW0603 - as the loop, it is of the process.
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
    """Stop, but for a paid request in flight; another interrupt does not wait for that either."""
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
    """The tasks as they are now that nobody works on them; empty if that cannot be read."""
    from ..core.runner.runner import Runner

    async def look() -> "list[Task]":
        async with Runner(Settings()) as runner:
            return [await runner.task(name) for name in names]

    try:
        return background.start(look()).result(timeout=_CLOSING)
    except (Kling26Error, TimeoutError, KeyboardInterrupt):
        return []
