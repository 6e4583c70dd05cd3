"""What the command line says: results on stdout; progress, errors and remarks on stderr."""

import io
import json
import logging
import os
import sys
import time
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from attrs import define, field

from ..core.errors import Kling26Error
from ..core.progress import Phase, Progress
from ..core.settings import Settings
from ..core.text import sanitize

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.progress_bar import ProgressBar

    from ..core.journal.task import Task
    from ..core.runner.results import Video

#: The keys of the JSON object, all of them always there.
FACTS = ("task", "provider", "state", "task_id", "url", "file", "cost", "error")

_verbose = False


class Unwritten(OSError):
    """Stdout does not take what is printed."""


def set_up(verbose: bool) -> None:
    """Choose how much is logged, and let every name of a file be printable."""
    global _verbose  # noqa: PLW0603 - one console per process.
    _verbose = verbose
    if isinstance(sys.stdout, io.TextIOWrapper):
        # In UTF-8 a file's name goes out as the very bytes it has.
        utf8 = sys.stdout.encoding.lower() == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")
    handler = _LogLines()
    if verbose:
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
        logging.getLogger("kling26").setLevel(logging.DEBUG)
        logging.getLogger("httpx").setLevel(logging.INFO)
        logging.getLogger().addHandler(handler)
    else:
        # What a user has to know of other libraries' trouble is told by the commands.
        logging.getLogger().addHandler(logging.NullHandler())
        logging.getLogger("kling26").addHandler(handler)


class _LogLines(logging.Handler):
    """Log records as lines on stderr, where a live line makes room for them."""

    def emit(self, record: logging.LogRecord) -> None:
        if _verbose:
            say(_without_keys(self.format(record)))
        elif record.levelno >= logging.WARNING:
            say(record.getMessage())  # Without the traceback that may be with it.


def say(text: str) -> None:
    """A line for the person at the screen."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def result(text: str) -> None:
    """A line of what was asked for."""
    try:
        print(text, flush=True)
    except OSError as error:
        raise Unwritten(*error.args) from error


def fail(
    text: str,
    *,
    task: "Task | None" = None,
    error: Kling26Error | None = None,
    as_json: bool = False,
) -> None:
    """Say what went wrong; on stdout too, as the JSON object, where that was asked for."""
    say(text)
    if _verbose:
        say(_without_keys(traceback.format_exc().rstrip()))
    if as_json:
        result(as_object(error, task, text=text))


def bug(error: Exception) -> str:
    """The sentence for an error that should not be."""
    what = _without_keys(sanitize(f"{type(error).__name__}: {error}"))
    return f"This is a bug in kling26: {what}; run it again with --verbose to see where."


def as_object(
    error: Kling26Error | None = None,
    task: "Task | None" = None,
    video: "Video | None" = None,
    text: str | None = None,
) -> str:
    """The JSON object of a task, or of an error before there was one."""
    facts: dict[str, object] = dict.fromkeys(FACTS)
    for source in (error, task, video):
        told = {name: getattr(source, name, None) for name in FACTS[:-1]}
        facts |= {name: value for name, value in told.items() if value is not None}
    if task is not None:
        facts["task"] = task.id
    if video is not None:
        facts |= {"state": "stored", "file": str(video.file)}
    facts["error"] = text
    return json.dumps(facts)


def _without_keys(text: str) -> str:
    """`text` without any key, should a foreign error have put one into its words."""
    for key in _keys():
        text = text.replace(key, "(key)")
    return text


def _keys() -> Iterator[str]:
    """Whatever may be a key: better one word too many left out than one too few."""
    for name, value in os.environ.items():
        if name.upper().endswith(("KEY", "TOKEN")) and len(value.strip()) > 5:
            yield value.strip()
    with suppress(Exception):
        stored = tomllib.loads((Settings().home / "keys.toml").read_text("utf-8"))
        yield from (key for key in stored.values() if isinstance(key, str) and key)


# -- progress ----------------------------------------------------------------------------------

_WORDS: dict[Phase, str] = {
    "uploading": "uploading the image",
    "submitting": "submitting",
    "waiting": "waiting",
    "queued": "queued",
    "running": "generating",
    "downloading": "downloading",
}
_MB = 1e6
_BAR = 30


@define
class _Line:
    """The latest that a task told, and when."""

    progress: Progress
    at: float
    #: When the download began, and at which byte, for its speed.
    began: tuple[float, int] | None = None

    @property
    def elapsed(self) -> float | None:
        """Seconds since the provider took the task, by now."""
        told = self.progress.elapsed
        return None if told is None else told + time.monotonic() - self.at


@define
class Display:
    """
    How far tasks are, told from any thread: live on a terminal, else a line per change.

    It is shown for as long as the `with` block lasts.
    """

    #: The tasks that have told anything.
    tasks: dict[str, _Line] = field(factory=dict, init=False)
    _live: "Live | None" = field(default=None, init=False)
    _said: dict[str, str] = field(factory=dict, init=False)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _start(self) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, markup=False, highlight=False, emoji=False)
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(
                console=console,
                get_renderable=self._rows,
                transient=True,
                # Results are for stdout, which rich would otherwise lead to its own console.
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

    def tell(self, progress: Progress) -> None:
        """The listener for the runner."""
        before = self.tasks.get(progress.task)
        line = _Line(progress, time.monotonic(), before.began if before else None)
        if progress.phase == "downloading":
            line.began = line.began or (line.at, progress.done)
        else:
            line.began = None
        if progress.phase == "note":
            if progress.message:
                say(progress.message)
            if before is not None:
                return
        self.tasks[progress.task] = line
        if self._live is None:
            self._say_change(progress)

    def _say_change(self, progress: Progress) -> None:
        text = _in_words(progress)
        if text is not None and self._said.get(progress.task) != text:
            self._said[progress.task] = text
            say(f"{progress.task}: {text}")

    # -- the live line ---------------------------------------------------------------------

    def _rows(self) -> "RenderableType":
        from rich.table import Table
        from rich.text import Text

        shown = [line for line in list(self.tasks.values()) if line.progress.phase in _WORDS]
        grid = Table.grid(padding=(0, 2, 0, 0))
        for line in shown:
            cells: list[RenderableType] = [Text(line.progress.task, "dim")] if shown[1:] else []
            cells += [Text(_WORDS[line.progress.phase].capitalize()), Text(_clock(line.elapsed))]
            details = Text(_details(line), no_wrap=True, overflow="ellipsis")
            grid.add_row(*cells, _bar(line) or "", details)
        return grid


def _in_words(progress: Progress) -> str | None:
    """A change of state for a log; None where there is nothing to say."""
    words = _WORDS.get(progress.phase)
    if words is None:
        return None
    if progress.message:
        return sanitize(progress.message)
    if progress.phase in ("submitting", "queued"):
        return f"{words} {'to' if progress.phase == 'submitting' else 'at'} {progress.provider}"
    return words


def _bar(line: _Line) -> "ProgressBar | None":
    """How much of the expected time has passed, or of the file has come."""
    from rich.progress_bar import ProgressBar

    progress = line.progress
    if progress.phase == "downloading" and progress.total:
        return ProgressBar(progress.total, progress.done, width=_BAR)
    if progress.phase == "running" and progress.expected and line.elapsed is not None:
        # It is an expectation: a full bar would promise that it is done.
        return ProgressBar(1.0, min(0.97, line.elapsed / progress.expected), width=_BAR)
    return None


def _details(line: _Line) -> str:
    progress = line.progress
    if progress.message:
        return sanitize(progress.message)
    if progress.phase == "downloading":
        return _bytes(line)
    if progress.phase == "running" and progress.expected:
        return f"usually {_clock(progress.expected)}"
    if progress.phase == "queued" and progress.position is not None:
        return f"number {progress.position} in the queue"
    return ""


def _bytes(line: _Line) -> str:
    progress = line.progress
    total = f" of {progress.total / _MB:.1f}" if progress.total else ""
    text = f"{progress.done / _MB:.1f}{total} MB"
    if line.began is not None and line.at > line.began[0]:
        speed = (progress.done - line.began[1]) / (line.at - line.began[0])
        text += f", {speed / _MB:.1f} MB/s"
    return text


def _clock(seconds: float | None) -> str:
    """
    A length of time as a clock shows it.

    >>> _clock(72.5)
    '1:12'
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
