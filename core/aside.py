"""Standard streams whose text goes to stderr: stdout belongs to the results of kling26."""

import io
import sys
import threading
from contextlib import suppress
from typing import Any, TextIO

from .redaction import environment_keys, redact

#: So many characters of a line are shown; and so many are looked at, in which a key may be.
_SHOWN, _READ = 1000, 10_000


class _Aside(io.RawIOBase):
    """
    Bytes that come out on stderr, as text; nothing fails here, whatever becomes of them.

    It may outlive its time as a standard stream, in a handler of `logging`. Until it is settled,
    what other threads print goes to `others`, and only `most` lines are shown, without the keys in
    the environment.
    """

    def __init__(self, others: TextIO | None = None, most: int | None = None) -> None:
        self._stderr: TextIO | None = sys.stderr
        self._thread = threading.get_ident()
        self._others, self._most = others, most
        self._left = most or 0
        self._rest = ""
        # As they are now: they may be printed after they are taken from the environment.
        keys = environment_keys() if most else ()
        self._keys = [line for key in keys for line in (key, *key.splitlines())]

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        target = self._target()
        return target is not None and target.isatty()

    def fileno(self) -> int:
        """For a child process whose output is to come here."""
        target = self._target()
        if target is None:
            raise io.UnsupportedOperation("there is no stderr")
        return target.fileno()

    def write(self, data: Any) -> int:
        ours = self._others is None or threading.get_ident() == self._thread
        with suppress(Exception):
            text = bytes(data).decode("utf-8", "replace")
            if not ours:
                _put(self._others, text)
            elif self._most is None:
                _put(self._target(), self._redacted(text))
            else:
                self._take(text)
        return len(data)

    def settle(self) -> None:
        """Its time as a standard stream is over."""
        with suppress(Exception):
            if self._rest:
                self._show(self._rest)
        self._others = self._most = None

    def _take(self, text: str) -> None:
        """Show what are whole lines, in which no part of a key is left for later."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._show(f"{self._rest}{line[:_READ]}\n")
            self._rest = ""
        self._rest = (self._rest + rest[:_READ])[:_READ]

    def _show(self, line: str) -> None:
        self._left -= 1
        if self._left >= 0:
            line = self._redacted(line)
            whole = len(line) <= _SHOWN
            _put(self._target(), line if whole else f"{line[:_SHOWN]}…\n")
        elif self._left == -1:
            _put(self._target(), f"Only the first {self._most} lines of this are shown.\n")

    def _redacted(self, text: str) -> str:
        for key in self._keys:
            text = redact(text, key)
        return text

    def _target(self) -> TextIO | None:
        """Stderr as it is now, for a live display may have it, unless that leads back here."""
        now: TextIO | None = sys.stderr
        return self._stderr if isinstance(getattr(now, "buffer", None), _Aside) else now


def _put(target: TextIO | None, text: str) -> None:
    if target is not None:
        target.write(text)
        target.flush()


def aside(others: TextIO | None = None, most: int | None = None) -> io.TextIOWrapper:
    """A standard stream whose text goes to stderr; see `_Aside`."""
    return io.TextIOWrapper(
        _Aside(others, most),  # type: ignore[arg-type]
        encoding="utf-8",
        errors="backslashreplace",
        newline="",
        write_through=True,
    )
