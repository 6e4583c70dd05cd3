"""
Runs work on the background loop, while the main thread watches for signals and for the time.

The main thread waits for nothing that cannot be given up: whatever hangs, a command ends.
"""

import queue
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import Factory, frozen

from ..core.errors import JournalBusy, Kling26Error, NotDelivered, TryLater, UsageError
from ..core.machine import lack
from ..core.provider import Provider
from ..core.runner import background
from ..core.settings import Settings
from ..core.text import join_sentences
from ..core.time_left import TimeLeft
from . import interrupts
from .console import say
from .display import Display

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.runner import Runner

T = TypeVar("T")
ItemT = TypeVar("ItemT")

#: How long the main thread waits at a time: on every system, signals are handled in between.
_GLANCE = 0.1
#: The time limit of work that has none of its own, in seconds.
_LIMIT = 60.0
#: How much longer the work itself may take, as it ends in words when its time is up.
_OVERRUN = 8.0
#: How much longer a command may take in all; what is left of 15 s is for its start and its exit.
_AT_MOST = 12.0
#: How long to wait for a paid request in flight, and how long the rest of closing may take.
_LAST_ANSWER = 10.0
_CLOSING = 3.0
#: How long to look for what an interrupt left behind.
_LOOK = 3.0
#: From how many tasks on all are read at once.
_MANY = 10

#: The installed providers, by name, once there is a runner.
installed: Mapping[str, Provider] = {}
#: Whether the runner has been given anything to do in this process.
begun: bool = False
#: Whether something hangs that an orderly exit might wait for.
hung: bool = False


class Interrupted(Exception):
    """
    The user or the system wants the command to end.

    `tasks` are the ones that it was about, as far as they are known.
    """

    def __init__(self, message: str, tasks: "Sequence[Task]" = ()) -> None:
        super().__init__(message)
        self.tasks = tasks


@frozen
class Session(Generic[ItemT]):
    """What work needs: the runner, the display of its progress, and a place for its results."""

    runner: "Runner"
    display: Display
    #: Existing tasks that the work is about, as they were when it began.
    tasks: "list[Task]" = Factory(list)
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
        if self._found.empty():
            return
        with self.display.hidden():
            while not self._found.empty():
                found(self._found.get())


async def named(runner: "Runner", names: Sequence[str]) -> "list[Task]":
    """The tasks of these names, each once; raises `UnknownTask`."""
    found = [await runner.task(name) for name in names]
    return list({task.id: task for task in found}.values())


Work = Callable[[Session[ItemT]], Coroutine[Any, Any, T]]


def run_work(
    work: Work[ItemT, T],
    idle: str,
    found: Callable[[ItemT], object] = lambda _: None,
    limit: float = _LIMIT,
    paid: bool = False,
    quiet: bool = False,
    go_on: str = "",
) -> T:
    """
    Run `work` and return what it returns.

    The main thread calls `found` with each result that it gives meanwhile. An interrupt raises
    `Interrupted`, with the message `idle` if no task had begun. Work should end within `limit`
    seconds; some seconds later it is given up, and a `Kling26Error` says what is known. `paid`
    means that it is about tasks that may be paid for, even if none has said anything yet; `quiet`
    that no progress is shown. `go_on` says how to go on with many of them after an interrupt.
    """
    from ..core.runner.runner import Runner

    global begun, installed  # noqa: PLW0603 - one per process, like the loop.
    time_left = TimeLeft(limit + _AT_MOST)
    runner = Runner(Settings())
    session = Session[ItemT](runner, Display(quiet, providers=runner.registry.providers))
    installed = session.providers
    interrupted = False
    try:
        with _on_this_machine(session, paid), session.display:
            begun = True
            future = background.start(work(session))
            try:
                done = _watch(future, session, found, time_left)
                if not done:
                    future.cancel()
            except KeyboardInterrupt:
                done, interrupted = True, future.cancel()  # False if it has just ended.
    finally:
        _close(session, time_left.left)
    if interrupted:
        session.show(found)
        raise _interrupted(session, idle, go_on)
    if not done:
        raise _given_up(session, paid)
    with _on_this_machine(session, paid):
        return future.result()


@contextmanager
def _on_this_machine(session: Session[Any], paid: bool) -> Iterator[None]:
    """Where this process is out of memory, files or threads, say that, and whether it has paid."""
    try:
        yield
    except Exception as error:
        lacking = None if isinstance(error, Kling26Error) else lack(error)
        if lacking is None:
            raise
        known = list(session.display.tasks.values())
        sent = paid or any(each.phase not in ("waiting", "uploading") for each in known)
        found = (NotDelivered if sent else UsageError)(lacking)
        if len(known) == 1:
            found.about(task=known[0].task, provider=known[0].provider)
        raise found from error


def _watch(
    future: "Future[Any]",
    session: Session[ItemT],
    found: Callable[[ItemT], object],
    time_left: TimeLeft,
) -> bool:
    """Show what is found until the work has ended; False if it has not ended in time."""
    done = False
    while not done and time_left.look() > _AT_MOST - _OVERRUN:
        done = bool(wait([future], timeout=_GLANCE).done)
        session.show(found)
    return done


def _close(session: Session[Any], left: float) -> None:
    """Close the runner, after a paid request in flight has ended or with another interrupt."""
    global hung  # noqa: PLW0603 - one per process.
    hung, runner = True, session.runner
    with suppress(KeyboardInterrupt):
        grace = max(0.0, min(_LAST_ANSWER, left - _CLOSING))
        paying = runner.paying
        if paying:
            rehearsal = all(each.sandbox for each in session.display.tasks.values())
            say(interrupts.waiting_for_answer(grace, rehearsal))
        try:
            closing = background.start(runner.aclose(grace))
        except (OSError, RuntimeError, MemoryError):  # There is no loop, so nothing has begun.
            return
        time_left = TimeLeft(grace * paying + _CLOSING)
        while hung and time_left.look() > 0:
            hung = not wait([closing], timeout=_GLANCE).done


def _given_up(session: Session[Any], paid: bool) -> Kling26Error:
    """The error for work that hangs, as far as its progress says what became of the task."""
    lines = list(session.display.tasks.values())
    if not lines and paid:
        return NotDelivered("Time ran out before anything was known of the video.")
    if not lines:
        return JournalBusy("The journal did not answer in time. Nothing was sent.")
    latest, *others = lines
    if others:
        return NotDelivered("Time ran out, and some tasks could not be ended in an orderly way.")
    title = session.providers[latest.provider].title
    known = session.runner.running(latest.task)
    about = {"task": latest.task, "provider": latest.provider}
    if latest.phase in ("waiting", "uploading"):
        return TryLater(f"Time ran out before the request was sent to {title}.").about(**about)
    task_id = None if known is None else known.task_id
    return NotDelivered(
        join_sentences(
            "Time ran out, and the journal has not answered",
            "" if latest.sandbox else f"The video {'is' if task_id else 'may be'} paid for.",
        )
    ).about(task_id=task_id, **about)


def _interrupted(session: Session[Any], idle: str, go_on: str) -> Interrupted:
    """What an interrupt left behind, and how to go on with it."""
    tally = session.display.tally
    names = list(session.display.tasks) or list(session.runner.claimed)
    if tally is not None:
        named = (row.task for row in session.display.rows.values() if row.task)
        names = list({*names, *named, *(task.id for task in session.tasks)})
    if not names:
        return Interrupted(idle, session.tasks)
    tasks = _look(names) or [
        task for name in names if (task := session.runner.running(name)) is not None
    ]
    if tally is not None:
        rows = list(session.display.rows.values())
        tally.interrupt(rows, {task.id: task for task in tasks}, session.providers)
        lines = tally.end_lines(go_on, go_on, interrupted=True)
        return Interrupted(join_sentences(interrupts.INTERRUPTED, *lines), tasks)
    if len(tasks) < len(names):
        return Interrupted(interrupts.interrupted_among(names), tasks)
    return Interrupted(interrupts.interrupt_text(tasks, session.providers), tasks)


def _look(names: Sequence[str]) -> "list[Task]":
    """The tasks as they are now that the work has stopped; empty if they cannot be read."""
    from ..core.runner.runner import Runner

    async def look() -> "list[Task]":
        async with Runner(Settings()) as runner:
            if len(names) < _MANY:
                return [await runner.task(name) for name in names]
            wanted = set(names)
            return [task for task in await runner.tasks() if task.id in wanted]

    try:
        return background.start(look()).result(timeout=_LOOK)
    except (Kling26Error, TimeoutError, KeyboardInterrupt):
        return []
