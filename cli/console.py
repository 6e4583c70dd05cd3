"""Where the command line says things: results on stdout, everything else on stderr."""

import errno
import json
import logging
import os
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.aside import aside
from ..core.errors import Kling26Error
from ..core.pasted import plain_key
from ..core.runner.objects import task_object
from ..core.settings import Settings
from ..core.text import reason, sanitize
from . import streams
from .streams import Channel
from .streams import say as say

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.provider import Provider
    from ..core.runner.results import Video

#: How wide a terminal is that does not say.
_USUAL_WIDTH = 80

_verbose = False
_results: Channel | None = None


def set_up(verbose: bool) -> None:
    """Choose how much is logged, and keep stdout for results: the rest goes to stderr."""
    global _verbose, _results  # noqa: PLW0603 - one console per process.
    _verbose = verbose
    _results = Channel(streams.take_stdout())
    sys.stdout = aside()
    handler = _LogLines()
    if verbose:
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
        logging.getLogger("kling26").setLevel(logging.DEBUG)
        logging.getLogger("httpx").setLevel(logging.INFO)
        logging.getLogger().addHandler(handler)
    else:
        # The commands themselves report what users need to know of other libraries' errors.
        logging.getLogger().addHandler(logging.NullHandler())
        logging.getLogger("kling26").addHandler(handler)


class _LogLines(logging.Handler):
    """Log records as lines on stderr, where a live line makes room for them."""

    def emit(self, record: logging.LogRecord) -> None:
        if _verbose:
            say(_without_keys(self.format(record)))
        elif record.levelno >= logging.WARNING:
            say(_without_keys(record.getMessage()))  # Without the traceback that may be with it.


def results() -> Channel:
    """What stdout was when the command began."""
    return _results or Channel(sys.stdout)


def width() -> int | None:
    """How many columns the terminal of the results has; None if they do not go to one."""
    out = results()
    if not out.isatty():
        return None
    with suppress(OSError, ValueError):
        columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size(out.fileno()).columns
        return columns or _USUAL_WIDTH
    return _USUAL_WIDTH


class Rich:
    """A `rich.console.Console` for results, made when it is used: it takes long to import."""

    def __init__(self) -> None:
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        from rich.console import Console

        if self._made is None:
            self._made = Console(file=results(), width=width())  # type: ignore[arg-type]
        return getattr(self._made, name)


def result(text: str, file: Path | None = None) -> bool:
    """
    Print a line of the result; False if it cannot be written.

    `file` is the video that it is about: where that is must not be lost.
    """
    written = results().put(f"{text}\n")
    if file is not None and (not written or "stdout" in streams.missing):
        say(f"The video is here: {file}")
    return written


def unwritten() -> bool:
    """Whether some of the results could not be written, which is said unless nobody reads them."""
    error = results().error
    if error is not None and getattr(error, "errno", None) != errno.EPIPE:
        say(f"The output cannot be written: {reason(error)}.")
    return error is not None


def fail(
    text: str,
    *,
    error: Kling26Error | None = None,
    as_json: bool = False,
    lines: str | None = None,
) -> None:
    """Print what went wrong, perhaps in `lines`; with `as_json`, the JSON object on stdout too."""
    say(lines or text)
    if _verbose:
        say(_without_keys(traceback.format_exc().rstrip()))
    if as_json:
        result(as_object(error, text=text))


def shown(error: BaseException) -> str:
    """An unexpected error on one line, without any key."""
    return _without_keys(sanitize(f"{type(error).__name__}: {error}"))


def as_object(
    error: Kling26Error | None = None,
    task: "Task | None" = None,
    video: "Video | None" = None,
    text: str | None = None,
    provider: "Provider | None" = None,
    reused: bool = False,
) -> str:
    """
    The JSON object of a task, or of an error before there was one.

    See `task_object`; `text` is the error's.
    """
    found = task_object(task, provider, video=video, error=error, text=text, reused=reused)
    return json.dumps(found)


def answer(text: str, as_json: bool, facts: Callable[[], Mapping[str, object]]) -> bool:
    """Print a result: `text` for people, or the object with these facts for programs."""
    # A plug-in's values may be of any type.
    return result(json.dumps(facts(), default=str) if as_json else text)


def _without_keys(text: str) -> str:
    """`text` without any key, in case an error of another library quotes one."""
    for key in _keys():
        text = text.replace(key, "(key)")
    return text


def _keys() -> Iterator[str]:
    """Everything that may be a key: rather one word too many than one too few."""
    for name, value in os.environ.items():
        if name.upper().endswith(("KEY", "TOKEN")) and len(value.strip()) > 5:
            yield from {value.strip(), plain_key(value, (name,))[0] or value.strip()}
    with suppress(Exception):
        stored = tomllib.loads((Settings().home / "keys.toml").read_text("utf-8"))
        yield from (key for key in stored.values() if isinstance(key, str) and key)
