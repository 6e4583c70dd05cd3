"""
The standard streams, any of which may be missing, full, or no longer read.

Nothing but the standard library is imported here, because this comes first.
"""

import atexit
import os
import select
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, TextIO

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

#: The names of those that were missing.
missing: set[str] = set()


def fill() -> None:
    """
    Put the null device wherever a standard stream is missing.

    Else the next file that is opened would get its number, and what is meant for stderr.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # Always the lowest number that is free.
            missing.add(name)
        if getattr(sys, name) is None or getattr(sys, name).closed:
            missing.add(name)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def say(text: str) -> None:
    """Print a line for the person at the screen, if there is one."""
    if sys.stderr is not None:  # For `print`, None is stdout.
        with suppress(OSError, ValueError):
            write(sys.stderr, f"{text}\n")


def write(stream: TextIO, text: str) -> None:
    """
    Write all of a text; raises `OSError` or `ValueError`.

    Python gives up on a pipe that does not block when it is full, and keeps what it could not write
    for an exit that fails because of it.
    """
    if not isinstance(stream, TextIOWrapper):
        print(text, end="", file=stream, flush=True)
        return
    _flush(stream)
    raw: Any = getattr(stream.buffer, "raw", stream.buffer)
    left = _encoded(text.replace("\n", os.linesep), stream.encoding)
    while left:
        written: int | None = raw.write(left)
        if written is None:
            _wait_for_room(stream)
        left = left[written or 0 :]


def _flush(stream: TextIOWrapper) -> None:
    """Write what others have left in a stream."""
    while True:
        try:
            return stream.flush()
        except BlockingIOError:
            _wait_for_room(stream)


def _wait_for_room(stream: TextIOWrapper) -> None:
    select.select([], [stream], [])


def _encoded(text: str, encoding: str) -> bytes:
    """The text, and a file name in it as the bytes that it consists of where that is possible."""
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace")


class Channel:
    """A stream for text that is not lost unnoticed: `error` says why something was."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.error: OSError | ValueError | None = None

    def write(self, text: str) -> int:
        self.put(text)
        return len(text)

    def put(self, text: str) -> bool:
        """Write a text; False if that was not possible."""
        try:
            write(self.stream, text)
        except (OSError, ValueError) as error:
            self.error = error
            return False
        return True

    def flush(self) -> None:
        """Everything is written at once."""

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    @property
    def encoding(self) -> str:
        return self.stream.encoding


def take_stdout() -> TextIO:
    """
    A stream that leads where stdout did, whose number leads to stderr from now on.

    So do child processes and libraries in C. Where stdout is not a file descriptor, it is returned.
    """
    try:
        sys.stdout.flush()
        if sys.stdout.fileno() != 1:
            return sys.stdout
        taken = open(os.dup(1), "w", encoding=sys.stdout.encoding)  # noqa: SIM115
        os.dup2(2, 1)
    except (OSError, ValueError):
        return sys.stdout
    return taken


@atexit.register
def settle() -> None:
    """Write what is left, or drop it: Python would try again, and exit with 120."""
    for stream in filter(None, (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
