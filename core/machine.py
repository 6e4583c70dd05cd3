"""What a machine, or a limit set on this process, lacks: no bug, and no fault of a folder."""

import errno
import os
from collections.abc import Iterator

_MEMORY = "There is not enough memory for this program (see ulimit -v)."
_LACKING = {
    errno.EMFILE: "This program may not open any more files (see ulimit -n).",
    errno.ENFILE: "This machine cannot open any more files.",
    errno.ENOMEM: _MEMORY,
}
#: How the dynamic loader says that there is no memory for a library; its error has no number.
_UNLOADED = ("failed to map segment", "cannot allocate memory", "cannot map zero-fill pages")
#: How many files an event loop opens, or a database.
_FILES = 4


def lack(error: BaseException) -> str | None:
    """What the machine lacks, as a sentence, if the error or one that it came from says so."""
    return next(filter(None, map(_lack, _chain(error))), None)


def _lack(error: BaseException) -> str | None:
    said = str(error).lower()
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, RuntimeError) and "can't start new thread" in said:
        return "This program may not start any more threads (see ulimit -u and ulimit -v)."
    if isinstance(error, ImportError) and any(sign in said for sign in _UNLOADED):
        return _MEMORY
    return _LACKING.get(error.errno or 0) if isinstance(error, OSError) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def check_files() -> None:
    """Raise `OSError` unless some more files can be opened: not everybody says that it failed."""
    opened: list[int] = []
    try:
        for _ in range(_FILES):
            opened.append(os.open(os.devnull, os.O_RDONLY))
    finally:
        for each in opened:
            os.close(each)
