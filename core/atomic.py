"""Files that are written completely or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Yield a temporary file next to `path`, which replaces `path` when the block ends.

    Only its owner can read it (0600). If the block raises, `path` is unchanged.
    """
    # A short name: one derived from `path` might be too long for the file system.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".k26-", suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
