"""Many videos: rows that are made side by side, as many at once as is good."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from pathlib import Path
from types import MappingProxyType

from attrs import define, evolve, field, frozen

from ..errors import Kling26Error, NotSent, StillRunning
from ..journal.task import Task
from ..progress import Listener, Progress
from ..provider import AUTO
from ..request import VideoRequest
from ..spending import Allowance
from ..threads import in_thread
from .door import Door, Passage
from .job import unexpected
from .order import Order
from .results import Video
from .terms import Terms

#: How many rows are under way at once, unless the caller says otherwise.
JOBS = 200


@frozen
class Row:
    """
    One of many requests.

    `provider` and `options` are used in place of those for all, where they are given; `output` is
    where the video is written, in addition to the store; `labels` are the caller's own.
    """

    request: VideoRequest
    provider: str | None = None
    options: Mapping[str, object] | object | None = None
    output: str | Path | None = None
    labels: Mapping[str, str] = MappingProxyType({})


@frozen
class CheckedRow(Row):
    """A row that has passed every check that needs no network."""

    order: Order = field(kw_only=True, repr=False)


@frozen
class RowOutcome:
    """
    How a row ended: its number, from 1 on, its task, and either the video or the error.

    `task` is None if there is none. Where nobody waits for the video, a row that was taken has
    neither. `reused` means that the video was requested before, and its cost is none of this row's.
    """

    number: int
    row: Row
    task: Task | None
    video: Video | None
    error: Kling26Error | None
    reused: bool = False


def ignore_row_progress(_: int, __: Progress) -> None:
    """A listener that ignores all progress."""


RowListener = Callable[[int, Progress], None]
#: A row with its number, and its order, or what is wrong with it.
Numbered = tuple[int, Row, Order | Exception]


@define(eq=False)
class Many:
    """
    Makes the videos of many rows, in the order of the rows and `jobs` at a time.

    `order` checks a row, `make` makes its video, or has a provider take it and returns None, and
    `latest` looks up a task.
    """

    order: Callable[[Row], Order]
    make: Callable[[Order, Listener], Awaitable[Video | Task]]
    latest: Callable[[str], Awaitable[Task | None]]
    jobs: int
    terms: Terms
    progress: RowListener
    _doors: dict[str, Door] = field(factory=dict, init=False)
    _reading: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _read: int = field(default=0, init=False)
    #: What the caller's own rows have raised.
    _broken: Exception | None = field(default=None, init=False)
    _done: bool = field(default=False, init=False)

    async def outcomes(self, rows: Iterable[Row | VideoRequest]) -> AsyncGenerator[RowOutcome]:
        """How each row ended, as it does; raises what reading the rows does, after the others."""
        left = iter(rows)
        ended: asyncio.Queue[RowOutcome | None] = asyncio.Queue(maxsize=self.jobs)
        workers = [asyncio.create_task(self._work(left, ended)) for _ in range(self.jobs)]
        running = len(workers)
        try:
            while running:
                outcome = await ended.get()
                if outcome is None:
                    running -= 1
                else:
                    yield outcome
            if self._broken is not None:
                raise self._broken
        finally:
            self.terms.end()
            for each in workers:
                each.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(
        self, left: Iterator[Row | VideoRequest], ended: "asyncio.Queue[RowOutcome | None]"
    ) -> None:
        while (numbered := await self._next(left)) is not None:
            await ended.put(await self._outcome(*numbered))
        await ended.put(None)

    async def _next(self, left: Iterator[Row | VideoRequest]) -> Numbered | None:
        """
        The next row, checked; None if there is no other.

        One at a time, so that they are sent in their order.
        """
        async with self._reading:
            if self._done:
                return None
            try:
                # In a thread: what reads them may wait for a disk, or for anything.
                found = await in_thread(next, left, None)
            except Exception as error:  # noqa: BLE001 - the caller's own, and given back at the end.
                self._broken, found = error, None
            self._done = found is None
            self._read += 1
            if found is None:
                return None
            row = as_row(found)
            return self._read, row, await self._checked(row)

    async def _checked(self, row: Row) -> Order | Exception:
        if isinstance(row, CheckedRow):
            return row.order
        try:
            return await in_thread(self.order, row)
        except Exception as error:  # noqa: BLE001 - the row's own, whatever it is.
            return error

    async def _outcome(self, number: int, row: Row, order: Order | Exception) -> RowOutcome:
        steps = _Steps(number, self.progress)
        task, video, error = None, None, None
        try:
            made = await self._made(order, steps)
            task, video = (None, made) if isinstance(made, Video) else (made, None)
        except Kling26Error as raised:
            error = raised
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            error = StillRunning("The program ended before this row was done.")
        except Exception as bug:  # noqa: BLE001 - it must not end the other rows.
            error = unexpected(bug, f"of row {number}")
        name = video.task if video is not None else None if error is None else error.task
        if name is not None:
            task = await self.latest(name)
        reused = steps.reused if video is None else video.reused
        return RowOutcome(number, row, task, video, error, reused)

    async def _made(self, order: Order | Exception, steps: "_Steps") -> Video | Task:
        if isinstance(order, Exception):
            raise order
        if self.terms.late:
            raise NotSent("Time ran out before it was sent.")
        name = AUTO if order.auto else order.targets[0].provider.name
        async with self._doors.setdefault(name, Door()).passing() as steps.passage:
            try:
                return await self.make(evolve(order, terms=self.terms), steps.listen)
            except Kling26Error as error:
                self.terms.learn(error, None if order.auto else name)
                raise


@define(eq=False)
class _Steps:
    """What a row reports."""

    number: int
    progress: RowListener
    passage: Passage | None = None
    reused: bool = False

    def listen(self, progress: Progress) -> None:
        if self.passage is not None:
            self.passage.watch(progress)
        self.reused |= progress.phase == "found" and progress.standing != "unsent"
        self.progress(self.number, progress)


def _is_cancelled() -> bool:
    """Whether it is this task of asyncio that was cancelled, and not the one it waits for."""
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())


async def check_rows(
    rows: Sequence[Row], order: Callable[[Row], Order], at_once: int = 4
) -> list[CheckedRow | Kling26Error]:
    """
    Each row with its order, or what is wrong with it, in the order of the rows.

    A few at a time: a large picture takes a second to decode, and much memory.
    """
    left = iter(enumerate(rows))
    found: dict[int, CheckedRow | Kling26Error] = {}

    def check() -> None:
        for number, row in left:
            try:
                found[number] = checked(row, order(row))
            except Kling26Error as error:
                found[number] = error
            except Exception as bug:  # noqa: BLE001 - a plug-in's, and only this row's.
                found[number] = unexpected(bug, f"of row {number + 1}")

    await asyncio.gather(*(in_thread(check) for _ in range(min(at_once, len(rows)))))
    return [found[number] for number in range(len(rows))]


async def checked_rows(rows: Sequence[Row], order: Callable[[Row], Order]) -> list[CheckedRow]:
    """Each row with its order; raises what is wrong with the first one that cannot have one."""
    found = await check_rows(rows, order)
    for each in found:
        if isinstance(each, Kling26Error):
            raise each
    return [each for each in found if isinstance(each, CheckedRow)]


def as_row(row: Row | VideoRequest) -> Row:
    """A row, or a request as one."""
    return row if isinstance(row, Row) else Row(row)


def checked(row: Row, order: Order) -> CheckedRow:
    """The row with its order."""
    return CheckedRow(row.request, row.provider, row.options, row.output, row.labels, order=order)


def allowance(
    rows: Iterable[CheckedRow], max_cost: float | None, max_tasks: int | None
) -> Allowance | None:
    """What the tasks of these rows may cost; None if there is no limit."""
    if max_cost is None and max_tasks is None:
        return None
    names = frozenset(name for row in rows for name in row.order.fingerprints)
    return Allowance(names, max_cost, max_tasks)
