"""What a terminal shows of tasks while they run: never more than fits on the screen."""

from collections.abc import Iterator, Sequence
from heapq import nsmallest

from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..core.text import bytes_text, sanitize
from .progress_texts import PHASES, clock
from .tally import Row, Tally

_GAP = 2
_BAR, _SHORT_BAR = 30, 12
#: How wide a screen must be for a bar, and how much of it labels and phases may take.
_ROOM_FOR_BAR = 60
_CLOCK = 7


def screen(
    rows: Sequence[Row], tally: Tally | None, now: float, width: int, height: int
) -> RenderableType:
    """The head line, if there are many rows, and below it as many of them as there is room for."""
    open_rows = [row for row in rows if row.state is None and row.progress.phase in PHASES]
    room = max(1, height - 1) - (tally is not None)
    if len(open_rows) > room:
        room -= 1  # For the line that says so.
    shown = nsmallest(max(0, room), open_rows, key=lambda row: _rank(row, now))
    parts: list[RenderableType] = []
    if tally is not None:
        parts.append(Text(_fitting(tally.head(rows, now), width), "bold", no_wrap=True))
    if shown:
        parts.append(_table(shown, now, width, named=tally is not None or len(open_rows) > 1))
    if len(shown) < len(open_rows) and room >= 0:
        more = f"and {len(open_rows) - len(shown)} more"
        parts.append(Text(set_cell_size(more, min(width, len(more))), "dim", no_wrap=True))
    return Group(*parts)


def _fitting(parts: Sequence[str], width: int) -> str:
    """As many of these as fit into a line, the first ones; the very first one cut if need be."""
    line = _cut(parts[0], width)
    for part in parts[1:]:
        if cell_len(f"{line} · {part}") > width:
            break
        line += f" · {part}"
    return line


def _cut(text: str, width: int) -> str:
    """A text that is no wider than that."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}…" if width > 1 else "…"[:width]


def _rank(row: Row, now: float) -> tuple[int, float]:
    """What matters comes first: downloads, trouble, what is nearly done, and then the queue."""
    progress = row.progress
    if progress.phase == "downloading":
        return 0, 0.0
    if progress.message:
        return 1, 0.0
    elapsed = row.elapsed(now) or 0.0
    if progress.phase == "running":
        return 2, -elapsed / (progress.expected or 1.0)
    return (3, float(progress.position or 0)) if progress.phase == "queued" else (4, -row.at)


def _table(rows: Sequence[Row], now: float, width: int, named: bool) -> Table:
    """A line for each row, whose columns are as wide as the screen allows."""
    bar = 0 if width < _ROOM_FOR_BAR else _SHORT_BAR if named else _BAR
    phases = [PHASES[row.progress.phase].capitalize() for row in rows]
    labels = [_label(row) for row in rows] if named else []
    widths = _widths(labels, phases, bar, width)
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for each in widths:
        grid.add_column(width=each, no_wrap=True, overflow="ellipsis")
    for row, cells in zip(rows, _cells(rows, labels, phases, now, bar), strict=True):
        style = "yellow" if row.progress.message else ""
        grid.add_row(*cells[: len(widths)], style=style)
    return grid


def _widths(labels: Sequence[str], phases: Sequence[str], bar: int, width: int) -> list[int]:
    """The widths of the columns, the last of which has what is left; narrow ones are left out."""
    widths = []
    if labels:
        widths.append(min(max(map(cell_len, labels)), max(8, width * 2 // 5)))
    widths += [max(map(len, phases)), _CLOCK, *([bar] if bar else [])]
    used = 0
    for number, each in enumerate(widths):
        if used + each > width:
            last = width - used
            return [*widths[:number], *([last] if last > 0 else [])]
        used += each + _GAP
    return [*widths, width - used] if width > used else widths


def _cells(
    rows: Sequence[Row], labels: Sequence[str], phases: Sequence[str], now: float, bar: int
) -> Iterator[list[RenderableType]]:
    for number, row in enumerate(rows):
        cells: list[RenderableType] = [Text(labels[number], "dim")] if labels else []
        cells += [Text(phases[number]), Text(clock(row.elapsed(now)))]
        if bar:
            cells.append(_bar(row, now, bar) or "")
        yield [*cells, Text(_details(row))]


def _label(row: Row) -> str:
    """The name of a row; of a task's id, the beginning is enough for every command."""
    task = row.progress.task
    return row.label if row.label == task else row.label.replace(task, task[:12])


def _bar(row: Row, now: float, width: int) -> ProgressBar | None:
    """How much of the expected time has passed, or of the file has arrived."""
    progress, elapsed = row.progress, row.elapsed(now)
    if progress.phase == "downloading" and progress.total:
        return ProgressBar(progress.total, progress.done, width=width)
    if progress.phase == "running" and progress.expected and elapsed is not None:
        # Only an estimate: a full bar would claim that it is done.
        return ProgressBar(1.0, min(0.97, elapsed / progress.expected), width=width)
    return None


def _details(row: Row) -> str:
    progress = row.progress
    if progress.message:
        return sanitize(progress.message)
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
