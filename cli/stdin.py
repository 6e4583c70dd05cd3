"""What comes from stdin: a prompt, or a table."""

import io
import os
import sys
import threading
import time

from ..core.errors import UsageError
from . import streams
from .streams import say

#: The longest prompt that is read, in bytes: far more than any provider takes.
_LONGEST = 1_000_000
#: How long the main thread waits at a time: on every system, signals are handled in between.
_GLANCE = 0.1
_PIECE = 65536


def read_prompt(timeout: float) -> str:
    """
    The text on stdin, up to its end, without the blanks and line ends there.

    Raises `UsageError` if it is empty, too long, not UTF-8, or has not ended after `timeout`
    seconds.
    """
    content = read_bytes("the prompt", _LONGEST, timeout)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("The prompt on stdin is not UTF-8 text.") from error
    text = text.replace("\r\n", "\n").rstrip()
    if not text.strip():
        raise UsageError("The prompt on stdin is empty.")
    return text


def read_bytes(what: str, longest: int, timeout: float) -> bytes:
    """
    All that comes on stdin, which is `what`: "the prompt".

    Raises `UsageError` if it has more than `longest` bytes, or has not ended after `timeout`
    seconds.
    """
    begin = what.capitalize()
    if "stdin" in streams.missing:
        raise UsageError(f"{begin} cannot be read from stdin, which is closed.")
    if sys.stdin.isatty():
        end = "Ctrl-Z and Enter" if os.name == "nt" else "Ctrl-D"
        say(f"Type {what}; end it with {end} on a line of its own.")
    content = _content(what, longest, timeout)
    if len(content) > longest:
        size = f"{longest // 10**6} MB" if longest >= 10**7 else f"{longest // 1000} kB"
        raise UsageError(f"{begin} on stdin is longer than {size}.")
    return content


def _content(what: str, longest: int, timeout: float) -> bytes:
    """What comes on stdin; a byte more than the longest is enough."""
    try:
        number = sys.stdin.fileno()
    except io.UnsupportedOperation:  # No file, but a stand-in that does not wait.
        return sys.stdin.buffer.read(longest + 1)
    found, failed = bytearray(), list[OSError]()

    def read() -> None:
        # Not by `sys.stdin`, whose lock a hanging thread would hold when the program ends.
        try:
            while len(found) <= longest and (piece := os.read(number, _PIECE)):
                found.extend(piece)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=read, name="kling26-stdin", daemon=True)
    thread.start()
    end = time.monotonic() + timeout
    while thread.is_alive():
        if time.monotonic() >= end:
            raise UsageError(f"Time ran out before {what} on stdin had ended. Nothing was sent.")
        thread.join(_GLANCE)
    if failed:
        raise UsageError(f"{what.capitalize()} cannot be read from stdin: {failed[0].strerror}.")
    return bytes(found)
