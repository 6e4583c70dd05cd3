"""The progress of tasks, on stderr: live on a terminal, else a line for each change."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from attrs import define, field

from ..core.progress import Progress
from ..core.text import bytes_text, sanitize
from .progress_texts import PHASES, clock, found_text, phase_text
from .streams import Channel, say

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.progress_bar import ProgressBar

_BAR = 30


@define
class _Line:
    """The latest progress of a task, and when it came."""

    progress: Progress
    at: float
    #: When the download began, and at which byte, for its speed.
    began: tuple[float, int] | None = None

    @property
    def elapsed(self) -> float | None:
        """Seconds since the provider took the task, by now."""
        elapsed = self.progress.elapsed
        return None if elapsed is None else elapsed + time.monotonic() - self.at


@define
class Display:
    """
    What is shown of all tasks, for as long as the `with` block lasts.

    `listen` may be called from any thread.
    """

    #: Whether nothing is shown; the tasks are noted all the same.
    quiet: bool = False
    #: The tasks that have reported anything.
    tasks: dict[str, _Line] = field(factory=dict, init=False)
    _live: "Live | None" = field(default=None, init=False)
    _said: dict[str, str] = field(factory=dict, init=False)

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr.isatty():
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _start(self) -> None:
        from rich.console import Console
        from rich.live import Live

        stderr: Any = Channel(sys.stderr)  # What cannot be shown does not matter.
        console = Console(file=stderr, markup=False, highlight=False, emoji=False)
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(
                console=console,
                get_renderable=self._rows,
                transient=True,
                # Results go to stdout; rich would otherwise redirect them to its console.
                redirect_stdout=False,
            )
            self._live.start()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Make room for results on the same terminal."""
        live = self._live
        if live is not None:
            live.stop()
        yield
        if live is not None:
            live.start()

    def listen(self, progress: Progress) -> None:
        """The listener for the runner."""
        before = self.tasks.get(progress.task)
        remark = _remark(progress)
        if remark is not None and not self.quiet:
            self._say_remark(progress, remark)
        if remark is None or before is None:
            self.tasks[progress.task] = _line(progress, before)
        # What is rehearsed is to be seen, however soon it is over.
        told = self._live is None or (progress.sandbox and progress.message)
        if told and not self.quiet and progress.phase in PHASES:
            self._say_change(progress)

    def _say_remark(self, progress: Progress, remark: str) -> None:
        alone = self._live is not None and len(self.tasks) < 2
        say(remark if alone or progress.phase == "found" else f"{progress.task}: {remark}")

    def _say_change(self, progress: Progress) -> None:
        text = phase_text(progress)
        if self._said.get(progress.task) != text:
            self._said[progress.task] = text
            self._say_remark(progress, text)

    # -- the live line ---------------------------------------------------------------------

    def _rows(self) -> "RenderableType":
        from rich.table import Table
        from rich.text import Text

        shown = [line for line in list(self.tasks.values()) if line.progress.phase in PHASES]
        grid = Table.grid(padding=(0, 2, 0, 0))
        for line in shown:
            cells: list[RenderableType] = [Text(line.progress.task, "dim")] if shown[1:] else []
            cells += [Text(PHASES[line.progress.phase].capitalize()), Text(clock(line.elapsed))]
            details = Text(_details(line), no_wrap=True, overflow="ellipsis")
            grid.add_row(*cells, _bar(line) or "", details)
        return grid


def _remark(progress: Progress) -> str | None:
    """A sentence that is not about a phase of the task, or None."""
    if progress.phase == "found":
        return found_text(progress)
    return sanitize(progress.message, 1000) if progress.phase == "note" else None


def _line(progress: Progress, before: _Line | None) -> _Line:
    """The line that follows one; a download remembers when it began."""
    line = _Line(progress, time.monotonic())
    if progress.phase == "downloading":
        line.began = before.began if before and before.began else (line.at, progress.done)
    return line


def _bar(line: _Line) -> "ProgressBar | None":
    """How much of the expected time has passed, or of the file has arrived."""
    from rich.progress_bar import ProgressBar

    progress = line.progress
    if progress.phase == "downloading" and progress.total:
        return ProgressBar(progress.total, progress.done, width=_BAR)
    if progress.phase == "running" and progress.expected and line.elapsed is not None:
        # Only an estimate: a full bar would claim that it is done.
        return ProgressBar(1.0, min(0.97, line.elapsed / progress.expected), width=_BAR)
    return None


def _details(line: _Line) -> str:
    progress = line.progress
    if progress.message:
        return sanitize(progress.message)
    if progress.phase == "downloading":
        return _bytes(line)
    if progress.phase == "running" and progress.expected:
        return f"usually {clock(progress.expected)}"
    if progress.phase == "queued" and progress.position is not None:
        return f"number {progress.position} in the queue"
    return ""


def _bytes(line: _Line) -> str:
    progress = line.progress
    text = bytes_text(progress.done, progress.total)
    if line.began is not None and line.at > line.began[0]:
        speed = (progress.done - line.began[1]) / (line.at - line.began[0])
        text += f", {bytes_text(int(speed))}/s"
    return text
