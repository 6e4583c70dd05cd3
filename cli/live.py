"""What a terminal shows of tasks while they run: never more than fits on the screen."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from heapq import nsmallest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..core.text import bytes_text, sanitize
from .progress_texts import PHASES, clock
from .row import Row
from .tally import Tally

_BAR, _SHORT_BAR = 30, 10
#: How wide a screen must be for a bar.
_ROOM_FOR_BAR = 60
#: How much of the screen labels may take, and what is too narrow to be read.
_SHARE, _LEAST = 0.32, 8
#: How much of a message is enough to know what it says.
_ENOUGH = 45
_CLOCK, _GAP = 5, "  "
#: What a terminal shows behind the last line when somebody interrupts, which must not break it.
_ECHO = "^C"


def screen(rows: Sequence[Row], tally: Tally | None, now: float, console: Console) -> Text:
    """The head line, if there are many rows, and below it as many of them as there is room for."""
    width, height = max(1, console.width - len(_ECHO)), console.height
    open_rows = [row for row in rows if _is_shown(row)]
    room = max(1, height - 1) - (tally is not None)
    if len(open_rows) > room:
        room -= 1  # For the line that says so.
    first = nsmallest(max(0, room), open_rows, key=lambda row: _rank(row, now))
    shown = [row for row in map(copy, first) if _is_shown(row)]  # They go on changing.
    lines = [] if tally is None else [fitting(tally.heads(rows, now), width)]
    lines += _lines(shown, now, width, console, named=tally is not None or len(open_rows) > 1)
    if len(first) < len(open_rows) and room >= 0:
        lines.append(_cut(f"and {len(open_rows) - len(first)} more", width, "dim"))
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)


def _is_shown(row: Row) -> bool:
    return row.state is None and row.progress.phase in PHASES


def fitting(lines: Iterable[str], width: int) -> Text:
    """The first of these that fits into a line; if none does, as much of the last as does."""
    line = ""
    for line in lines:
        if cell_len(line) <= width:
            break
    return _cut(line, width, "bold")


def _cut(text: str, width: int, style: str = "", pad: bool = False) -> Text:
    """A text that is no wider than that."""
    cut = Text(text, style)
    cut.truncate(width, overflow="ellipsis", pad=pad)
    return cut


def _rank(row: Row, now: float) -> tuple[int, float]:
    """What matters comes first: downloads, trouble, what is nearly done, and then the queues."""
    progress = row.progress
    if progress.phase == "downloading":
        return 0, 0.0
    if progress.turn:
        return 5, 0.0
    if progress.message:
        return 1, 0.0
    if progress.phase == "running":
        return 2, -(row.elapsed(now) or 0.0) / (progress.expected or 1.0)
    return (3, float(progress.position or 0)) if progress.phase == "queued" else (4, 0.0)


def _lines(
    rows: Sequence[Row], now: float, width: int, console: Console, named: bool
) -> Iterator[Text]:
    """A line for each row, in columns that are as wide as the screen allows."""
    labels = [_label(row) for row in rows]
    phase = max((len(PHASES[row.progress.phase]) for row in rows), default=0)
    wide = width >= _ROOM_FOR_BAR and any(_done(row, now) is not None for row in rows)
    bar = (_SHORT_BAR if named else _BAR) if wide else 0
    others = [list(_cells(row, now, bar, console)) for row in rows]
    taken = max(map(_width, others), default=0)
    label = max(width - phase - taken, _LEAST, int(width * _SHARE))
    label = min(label, max(map(cell_len, labels), default=0))
    for row, name, cells in zip(rows, labels, others, strict=True):
        known = _cut(PHASES[row.progress.phase].capitalize(), phase, pad=True)
        first = [_cut(name, label, "dim", pad=True)] if named else []
        yield _line([*first, known, *cells], width)


def _width(cells: Sequence[Text]) -> int:
    """How much room cells want beside each other, with the gaps before and behind them."""
    wanted = (min(cell.cell_len, _ENOUGH) for cell in cells if cell)
    return sum(each + len(_GAP) for each in wanted) + len(_GAP)


def _line(cells: Sequence[Text], width: int) -> Text:
    """Cells beside each other, up to the first one for which there is no room."""
    line = Text()
    for cell in cells:
        gap = _GAP if line else ""
        left = width - line.cell_len - len(gap)
        if left < min(cell.cell_len, _LEAST):
            break
        cell.truncate(left, overflow="ellipsis")
        line = Text.assemble(line, gap, cell)
    return line


def _label(row: Row) -> str:
    """The name of a row; of a task's id, the beginning is enough for every command."""
    task = row.task or ""
    return row.label if row.label == task else row.label.replace(task, task[:12])


def _cells(row: Row, now: float, bar: int, console: Console) -> Iterator[Text]:
    """What is said of a row behind its phase."""
    progress, elapsed = row.progress, clock(row.elapsed(now))
    if progress.message:
        message = sanitize(progress.message).removeprefix("Waiting: ")
        yield Text(message, "dim" if progress.turn else "yellow")
        return
    yield Text(elapsed.ljust(_CLOCK) if bar else elapsed)
    if bar:
        yield _bar(_done(row, now), bar, console)
    yield Text(_details(row))


def _done(row: Row, now: float) -> float | None:
    """How much of the expected time has passed, or of the file has arrived, up to 1."""
    progress, elapsed = row.progress, row.elapsed(now)
    if progress.phase == "downloading" and progress.total:
        return min(1.0, progress.done / progress.total)
    if progress.phase == "running" and progress.expected and elapsed is not None:
        return min(0.97, elapsed / progress.expected)  # A full one would claim that it is done.
    return None


def _bar(done: float | None, width: int, console: Console) -> Text:
    if done is None:
        return Text(" " * width)
    mark, full = "-" if console.options.ascii_only else "━", int(done * width)
    rest = " " if console.color_system is None or console.no_color else mark
    return Text.assemble((mark * full, "bar.complete"), (rest * (width - full), "bar.back"))


def _details(row: Row) -> str:
    progress = row.progress
    if progress.phase == "downloading":
        return _bytes(row)
    if progress.phase == "running" and progress.expected:
        return f"usually {clock(progress.expected)}"
    if progress.phase == "queued" and progress.position is not None:
        return f"number {progress.position} in the queue"
    return ""


def _bytes(row: Row) -> str:
    progress = row.progress
    text = bytes_text(progress.done, progress.total)
    if row.began is not None and row.at > row.began[0]:
        speed = (progress.done - row.began[1]) / (row.at - row.began[0])
        text += f", {bytes_text(int(speed))}/s"
    return text
