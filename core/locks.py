"""Files in the home folder that are read, changed and written by one process at a time."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import SettingsError
from .home import make_private
from .text import sanitize

#: How long to wait for another process that is changing the file, in seconds.
_PATIENCE = 10.0
#: How a file system says that it has no locks.
_NO_LOCKS = tuple(
    getattr(errno, name)
    for name in ("ENOSYS", "ENOLCK", "ENOTSUP", "EOPNOTSUPP", "EINVAL")
    if hasattr(errno, name)
)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """
    Nobody else changes a file meanwhile, so that what is set at the same time is kept.

    Raises `SettingsError` if somebody takes too long, and `OSError`.
    """
    from filelock import FileLock  # Slow to import.

    lock = FileLock(path.with_suffix(".lock"), mode=0o600, fallback_to_soft=False)
    make_private(path.parent)
    try:
        lock.acquire(timeout=_PATIENCE)
    except TimeoutError as error:
        raise SettingsError(
            f"{sanitize(path)} is being changed by another process; try again."
        ) from error
    except OSError as error:
        # Without locks, something is only lost if two people change it at the same moment.
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()
