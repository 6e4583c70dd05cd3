"""The progress of tasks, on stderr: live on a terminal, else a line for each change."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from attrs import define, field

from ..core.progress import Listener, Progress
from ..core.text import sanitize
from .ends import End
from .estimate import Estimate
from .progress_texts import PHASES, found_text, phase_text, title
from .row import Row
from .streams import Channel, say
from .tally import Tally
from .texts import Providers

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

#: How long a log has no head line, first and then each time, in seconds.
_FIRST, _AGAIN = 5.0, 30.0


@define
class Display:
    """
    What is shown of all tasks, for as long as the `with` block lasts.

    One task is a line of its own. After `expect`, there are many, each with a label, and a head
    line says how far they are. Everything may be called from any thread.
    """

    #: Whether nothing is shown; the tasks are noted all the same.
    quiet: bool = False
    #: A clock that is never set, in seconds.
    clock: Callable[[], float] = time.monotonic
    #: The installed providers, by name.
    providers: Providers = field(factory=dict)
    #: The latest progress of each task that has reported anything.
    tasks: dict[str, Progress] = field(factory=dict, init=False)
    #: The rows that have begun, by their labels; a task without one is its own.
    rows: dict[str, Row] = field(factory=dict, init=False)
    #: The sums over all rows, if there are many.
    tally: Tally | None = field(default=None, init=False)
    _labels: dict[str, str] = field(factory=dict, init=False)
    _live: "Live | None" = field(default=None, init=False)
    #: What was said last, of a row or of all, and when.
    _said: dict[str, tuple[str, float]] = field(factory=dict, init=False)

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

        stderr: Any = Channel(sys.stderr)  # What cannot be shown does not matter.
        console = Console(file=stderr, markup=False, highlight=False, emoji=False)
        if console.is_terminal and not console.is_dumb_terminal:
            self._show_on(console)

    def _show_on(self, console: "Console") -> None:
        """Begin a live display, below whatever is on the screen by now."""
        from rich.live import Live

        # It is ours before it starts: an interrupt in between must not leave it on the screen.
        self._live = Live(
            console=console,
            get_renderable=lambda: self._shown(console),
            transient=True,
            # Results go to stdout; rich would otherwise redirect them to its console.
            redirect_stdout=False,
        )
        self._live.start(refresh=True)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Make room for results on the same terminal."""
        live = self._live
        if live is None:
            yield
            return
        live.stop()
        try:
            yield
        finally:
            # Another one: the old one would wipe as many lines as it had, which are not its own.
            self._show_on(live.console)

    # -- many rows -------------------------------------------------------------------------

    def expect(
        self,
        total: int,
        limit_usd: float | None = None,
        *,
        spent_usd: float = 0.0,
        pace: float | None = None,
        jobs: int | None = None,
    ) -> Tally:
        """
        Show a head line over `total` rows, from which it tells how far they are.

        See `Tally` and `Estimate` for the rest, which may be left out.
        """
        self.tally = Tally(total, limit_usd, spent_usd, Estimate(pace, jobs))
        self._said[""] = "", self.clock() + _FIRST - _AGAIN
        return self.tally

    def listener(self, label: str) -> Listener:
        """The listener for one row of many, which may have no task yet."""
        label = sanitize(label, 200)
        self.rows.setdefault(label, Row(label))
        return partial(self._hear, label)

    def name(self, task: str, label: str, taken: bool = False, *, reused: bool = False) -> None:
        """
        Call a task by this label; what it reports comes to `listen`.

        `taken` says whether its provider has it already, `reused` that another run has paid for it.
        """
        self._labels[task] = label = sanitize(label, 200)
        self.rows.setdefault(label, Row(label, task, taken, is_reused=reused))

    def ended(self, label: str, end: End, *, told: bool = False) -> None:
        """
        Note how a row ended.

        A log has a line on each video that is here, unless the command has `told` that itself. Why
        another one is not, the command has to say.
        """
        label, now = sanitize(label, 200), self.clock()
        row = self.rows.setdefault(label, Row(label))
        if self.tally is None or row.state is not None:
            return
        row.state = end.state
        self.tally.add(end, label)
        if end.state in ("here", "reused"):
            self.tally.estimate.made(row, now)
        made = end.state == "here" or (end.state == "reused" and row.is_watched)
        if self._on_log and made and not told:
            say(f"{label}: here")
        self._say_head(now)

    # -- listening -------------------------------------------------------------------------

    def listen(self, progress: Progress) -> None:
        """The listener for the runner."""
        self._hear(self._labels.get(progress.task, progress.task), progress)

    def _hear(self, label: str, progress: Progress) -> None:
        row, now = self.rows.setdefault(label, Row(label)), self.clock()
        remark, begun = _remark(progress), row.begun
        if remark is None or progress.task not in self.tasks:
            self.tasks[progress.task] = progress
        row.is_reused |= progress.phase == "found" and progress.standing != "unsent"
        taken = row.taken
        if remark is None or not begun:
            row.hear(progress, now)
        new = begun and row.taken and not taken
        if self.tally is not None:
            self._hear_among(row, progress, new, now)
        elif not self.quiet:
            self._hear_alone(row, progress, remark)

    def _hear_alone(self, row: Row, progress: Progress, remark: str | None) -> None:
        if remark is not None:
            self._say(row, progress, remark)
        # What is rehearsed is to be seen, however soon it is over.
        told = self._live is None or (progress.sandbox and progress.message)
        if told and progress.phase in PHASES:
            text = phase_text(progress, self._title(progress))
            if self._said.get(row.label, ("", 0.0))[0] != text:
                self._said[row.label] = text, self.clock()
                self._say(row, progress, text)

    def _say(self, row: Row, progress: Progress, text: str) -> None:
        alone = self._live is not None and len(self.rows) < 2
        say(text if alone or progress.phase == "found" else f"{row.label}: {text}")

    def _hear_among(self, row: Row, progress: Progress, new: bool, now: float) -> None:
        """
        Say what matters of one of many rows: with a line for each phase, nobody would read it.

        That an equal one was found is in the head line.
        """
        if new and self.tally is not None:
            self.tally.estimate.take(now)
        if self.quiet:
            return
        if progress.phase == "note":
            say(f"{row.label}: {sanitize(progress.message, 1000)}")
        if self._on_log and new:
            say(f"{row.label}: accepted by {self._title(progress)}")
        elif self._on_log and progress.phase in PHASES and progress.message and not progress.turn:
            self._say_trouble(row, progress.message, now)
        self._say_head(now)

    def _say_trouble(self, row: Row, message: str, now: float) -> None:
        """Say what holds a row up, unless that was just said of another one."""
        kind = re.sub(r"\d+", "", message)
        if now - self._said.get(kind, ("", -_AGAIN))[1] >= _AGAIN:
            self._said[kind] = message, now
            say(f"{row.label}: {sanitize(message)}")

    def _say_head(self, now: float) -> None:
        """Say on a log how far the rows are, now and then."""
        before, at = self._said[""]
        if self.tally is None or not self._on_log or now - at < _AGAIN:
            return
        if self.tally.counts.total() >= self.tally.total:
            return  # The command says how it ended.
        text = self.tally.head(list(self.rows.values()), now)
        if text != before:
            self._said[""] = text, now
            say(text)

    def _title(self, progress: Progress) -> str:
        provider = self.providers.get(progress.provider)
        return title(progress.provider, provider, progress.sandbox)

    @property
    def _on_log(self) -> bool:
        return self._live is None and not self.quiet

    # -- live ------------------------------------------------------------------------------

    def _shown(self, console: "Console") -> "RenderableType":
        from . import live

        rows, now = list(self.rows.values()), self.clock()
        return live.screen(rows, self.tally, now, console)


def _remark(progress: Progress) -> str | None:
    """A sentence that is not about a phase of the task, or None."""
    if progress.phase == "found":
        return found_text(progress)
    return sanitize(progress.message, 1000) if progress.phase == "note" else None
