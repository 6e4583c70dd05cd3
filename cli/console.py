"""Where the command line says things: results on stdout, everything else on stderr."""

import io
import json
import logging
import os
import sys
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ..core.errors import Kling26Error
from ..core.settings import Settings
from ..core.text import sanitize

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.results import Video

#: The keys of the JSON object; all of them are always present.
FACTS = ("task", "provider", "state", "task_id", "url", "file", "cost", "error")

_verbose = False


class Unwritten(OSError):
    """Stdout cannot be written to."""


def set_up(verbose: bool) -> None:
    """Choose how much is logged, and make every file name printable."""
    global _verbose  # noqa: PLW0603 - one console per process.
    _verbose = verbose
    if isinstance(sys.stdout, io.TextIOWrapper):
        # In UTF-8, a file name is printed as the bytes it consists of.
        utf8 = sys.stdout.encoding.lower() == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")
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
            say(record.getMessage())  # Without the traceback that may be with it.


def say(text: str) -> None:
    """Print a line for the person at the screen."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def result(text: str) -> None:
    """Print a line of the result; raises `Unwritten`."""
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
    """Print what went wrong; with `as_json`, the JSON object on stdout too."""
    say(text)
    if _verbose:
        say(_without_keys(traceback.format_exc().rstrip()))
    if as_json:
        result(as_object(error, task, text=text))


def shown(error: Exception) -> str:
    """An unexpected error on one line, without any key."""
    return _without_keys(sanitize(f"{type(error).__name__}: {error}"))


def as_object(
    error: Kling26Error | None = None,
    task: "Task | None" = None,
    video: "Video | None" = None,
    text: str | None = None,
) -> str:
    """The JSON object of a task, or of an error before there was one; `text` is the error's."""
    facts: dict[str, object] = dict.fromkeys(FACTS)
    for source in (error, task, video):
        known = {name: getattr(source, name, None) for name in FACTS[:-1]}
        facts |= {name: value for name, value in known.items() if value is not None}
    if task is not None:
        facts["task"] = task.id
    if video is not None:
        facts |= {"state": "stored", "file": str(video.file)}
    facts["error"] = text
    return json.dumps(facts)


def _without_keys(text: str) -> str:
    """`text` without any key, in case an error of another library quotes one."""
    for key in _keys():
        text = text.replace(key, "(key)")
    return text


def _keys() -> Iterator[str]:
    """Everything that may be a key: rather one word too many than one too few."""
    for name, value in os.environ.items():
        if name.upper().endswith(("KEY", "TOKEN")) and len(value.strip()) > 5:
            yield value.strip()
    with suppress(Exception):
        stored = tomllib.loads((Settings().home / "keys.toml").read_text("utf-8"))
        yield from (key for key in stored.values() if isinstance(key, str) and key)
