"""Files that are there whole, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    A temporary file beside `path`, which takes its place once it has been written.

    It is for its owner alone (0600). Where the block fails, `path` stays as it was.
    """
    # A short name: one made from the file's own may be too long for the file system.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".k26-", suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
