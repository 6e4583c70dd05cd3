"""What is wrong with a journal, in words for whoever has to put it right."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import suppress

from ..errors import JournalBusy, JournalError
from ..home import remedy
from ..text import reason, sanitize
from .address import Address, BadAddress

_EXAMPLES = (
    "a URL such as sqlite:////home/me/journal.sqlite3 or postgresql+psycopg://me@host/kling26"
)

#: What SQLite needs beside a journal to open it, in bytes: shared memory and a log.
_NEEDED = 256 * 1024
#: What is wrong, by what SQLite, the system or a driver says.
_PROBLEMS = {
    "readonly": "is read-only",
    "read-only": "is read-only",
    "permission denied": "cannot be opened by this user",
    "unable to open": "cannot be opened",
    "is full": "cannot be written, because the disk is full",
    "no space left": "cannot be written, because the disk is full",
    "not a database": "is damaged, or is not a journal",
    "malformed": "is damaged",
    "no module named": "needs a database driver that is not installed",
    "can't load plugin": "is in a database of an unknown kind",
    "disk i/o error": "cannot be used on that file system",
    "locking protocol": "cannot be used on that file system",
}


def journal_error(address: Address, error: Exception, patience: float) -> JournalError:
    """
    The error for one of SQLAlchemy, a driver or the system; `patience` is in seconds.

    The other one is its cause, unless that quotes a secret of the address.
    """
    words = _words(address, error)
    problem = next((_PROBLEMS[sign] for sign in _PROBLEMS if sign in words.lower()), None)
    if isinstance(error, BadAddress):
        problem = words
    elif "file system" in (problem or "") and _is_full(address):
        # SQLite could not even make room for the memory that processes share.
        problem = _PROBLEMS["is full"]
    if problem is None and "locked" in words.lower():
        found: JournalError = JournalBusy(
            f"The journal {address} is busy: other processes kept it locked for {patience:.0f} "
            "seconds."
        )
    else:
        said = f"The journal {address} {problem or f'cannot be used ({words})'}."
        found = JournalError(f"{said} {_remedy(address, error, problem)}".strip())
    found.__cause__ = None if _tells_secrets(address, error) else error
    return found


def _is_full(address: Address) -> bool:
    """Whether the disk of the journal's file has less room than SQLite needs to open it."""
    with suppress(OSError, BadAddress):
        if (file := address.file()) is not None:
            return shutil.disk_usage(file.parent).free < _NEEDED
    return False


def _remedy(address: Address, error: Exception, problem: str | None) -> str:
    problem = problem or ""
    if "that file system" in problem:
        return f"Set {address.source} to a file on a local disk, or to a PostgreSQL database."
    if "driver" in problem:
        return f"Set {address.source} to {_EXAMPLES}; the latter needs the extra kling26[postgres]."
    if isinstance(error, BadAddress) or "unknown kind" in problem:
        return f"Set {address.source} to {_EXAMPLES}."
    if not address.is_default():
        return f"Check {address.source}."
    if "damaged" in problem:
        return ""
    full = errno.ENOSPC if "disk is full" in problem else None
    return remedy(full or getattr(error, "errno", None))


def _words(address: Address, error: Exception) -> str:
    """What was said, without the secrets of the address."""
    words = reason(getattr(error, "orig", None) or error)
    for secret in address.secrets():
        words = words.replace(secret, "***")
    return sanitize(words, 160)


def _tells_secrets(address: Address, error: BaseException) -> bool:
    # What failed with a statement was connected, and no longer speaks of the address.
    if getattr(error, "statement", None) is not None:
        return False
    secrets = address.secrets()
    return any(secret in str(each) for each in _chain(error) for secret in secrets)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
