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

from attrs import define, evolve, field, fields, frozen

from ..errors import Kling26Error, NotSent, OutputRefused, StillRunning, TryLater, UsageError
from ..journal.task import Task
from ..options import show
from ..progress import Listener, Progress
from ..provider import AUTO
from ..request import VideoRequest
from ..spending import Allowance
from ..text import sanitize
from ..threads import in_thread
from .clashes import Clash, Places
from .door import Door, Passage
from .job import unexpected
from .order import Order
from .results import Video
from .terms import LATE, Terms

#: What stands for the end of the rows; not None, which may be one of them.
_END = object()


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

    `task` is None if there is none, and `row` is an empty one if what was given is no row. Where
    nobody waits for the video, a row that was taken has neither. `reused` means that the video was
    requested before, and its cost is none of this row's.
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

    `order` checks a row, `make` makes its video, or returns its task once a provider has taken it,
    and `latest` looks up a task.
    """

    order: Callable[[Row], Order]
    make: Callable[[Order, Listener], Awaitable[Video | Task]]
    latest: Callable[[str], Awaitable[Task | None]]
    jobs: int
    terms: Terms
    progress: RowListener
    _doors: dict[str, Door] = field(factory=dict, init=False)
    _places: Places = field(factory=Places, init=False)
    _reading: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _workers: list[asyncio.Task[None]] = field(factory=list, init=False)
    _read: int = field(default=0, init=False)
    #: What the caller's own rows have raised.
    _broken: Exception | None = field(default=None, init=False)
    _done: bool = field(default=False, init=False)

    async def outcomes(self, rows: Iterable[Row | VideoRequest]) -> AsyncGenerator[RowOutcome]:
        """How each row ended, as it does; raises what reading the rows does, after the others."""
        left = iter(rows)
        ended: asyncio.Queue[RowOutcome | None] = asyncio.Queue(maxsize=self.jobs)
        self._start_worker(left, ended)
        over = 0
        try:
            while over < len(self._workers):
                outcome = await ended.get()
                if outcome is None:
                    over += 1
                else:
                    yield outcome
            if self._broken is not None:
                raise self._broken
        finally:
            self.terms.end()
            for each in self._workers:
                each.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)

    def _start_worker(
        self, left: Iterator[object], ended: "asyncio.Queue[RowOutcome | None]"
    ) -> None:
        if len(self._workers) < self.jobs:
            self._workers.append(asyncio.create_task(self._work(left, ended)))

    async def _work(
        self, left: Iterator[object], ended: "asyncio.Queue[RowOutcome | None]"
    ) -> None:
        while (numbered := await self._next(left)) is not None:
            self._start_worker(left, ended)
            await ended.put(await self._outcome(*numbered))
        await ended.put(None)

    async def _next(self, left: Iterator[object]) -> Numbered | None:
        """
        The next row, checked; None if there is no other.

        One at a time, so that they are sent in their order.
        """
        async with self._reading:
            if self._done:
                return None
            try:
                # In a thread: what reads them may wait for a disk, or for anything.
                found = await in_thread(next, left, _END)
            except Exception as error:  # noqa: BLE001 - the caller's own, and given back at the end.
                self._broken, found = error, _END
            self._done = found is _END
            if self._done:
                return None
            self._read += 1
            try:
                row = as_row(found, self._read)
            except UsageError as error:
                return self._read, Row(VideoRequest("")), error
            return self._read, row, await self._checked(row, self._read)

    async def _checked(self, row: Row, number: int) -> Order | Exception:
        if isinstance(row, CheckedRow):
            return row.order
        try:
            order = await in_thread(self.order, row)
            if row.output is not None:
                await in_thread(take_place, self._places, row, number)
        except Exception as error:  # noqa: BLE001 - the row's own, whatever it is.
            return error
        return order

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
        if isinstance(error, TryLater) and self.terms.late and _is_unsent(task):
            error = NotSent(LATE, provider=error.provider, task=error.task)
        reused = steps.reused if video is None else video.reused
        return RowOutcome(number, row, task, video, error, reused)

    async def _made(self, order: Order | Exception, steps: "_Steps") -> Video | Task:
        if isinstance(order, Exception):
            raise order
        if self.terms.late:
            raise NotSent(LATE)
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


def _is_unsent(task: Task | None) -> bool:
    return task is not None and task.standing == "unsent"


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


async def checked_rows(rows: Iterable[object], order: Callable[[Row], Order]) -> list[CheckedRow]:
    """Each row with its order; raises what is wrong with the first one that cannot have one."""
    given = await in_thread(lambda: [as_row(each, number) for number, each in enumerate(rows, 1)])
    await in_thread(_check_places, given)
    found = await check_rows(given, order)
    for each in found:
        if isinstance(each, Kling26Error):
            raise each
    return [each for each in found if isinstance(each, CheckedRow)]


def as_row(given: object, number: int) -> Row:
    """A row, or a request as one; raises `UsageError` for anything else."""
    if isinstance(given, VideoRequest):
        return Row(given)
    if not isinstance(given, Row):
        raise UsageError(f"Row {number} must be a Row or a VideoRequest; got {show(given)}.")
    if not isinstance(given.request, VideoRequest):
        what = f"got {show(given.request)}."
        raise UsageError(f"The request of row {number} must be a VideoRequest; {what}")
    return given


def _check_places(rows: Sequence[Row]) -> None:
    places = Places()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, CheckedRow):
            take_place(places, row, number)


def take_place(places: Places, row: Row, number: int) -> None:
    """Raise `OutputRefused` if the output of a row clashes with that of one before it."""
    if row.output is not None:
        clash = places.add(row.output, f"row {number}")
        if clash is not None:
            raise OutputRefused(_clash_text(number, str(row.output), clash))


def _clash_text(number: int, output: str, clash: Clash) -> str:
    begin = f'Row {number} would be written to "{sanitize(output, 100)}"'
    ends = {
        "same": f"as {clash.other} would",
        "inside": f"in a folder where the video of {clash.other} would be",
        "around": f"where the folder for {clash.other} would be",
    }
    return f"{begin}, {ends[clash.kind]}. Give each an output of its own."


def checked(row: Row, order: Order) -> CheckedRow:
    """The row with its order."""
    given = {each.name: getattr(row, each.name) for each in fields(Row)}
    return CheckedRow(**given, order=order)


def allowance(
    rows: Iterable[CheckedRow], max_cost: float | None, max_tasks: int | None
) -> Allowance | None:
    """What the tasks of these rows may cost; None if there is no limit."""
    if max_cost is None and max_tasks is None:
        return None
    names = frozenset(name for row in rows for name in row.order.fingerprints)
    return Allowance(names, max_cost, max_tasks)
