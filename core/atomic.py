"""Files that are written completely or not at all, and read only if they are files."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class NotAFile(OSError):
    """There is something else than an ordinary file at a path; `strerror` says what."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EINVAL, what)


_KINDS = {
    stat.S_IFDIR: "it is a folder",
    stat.S_IFIFO: "it is a pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


def look_at(path: Path) -> os.stat_result | None:
    """
    The file at `path`, or where a link there leads; None if there is nothing yet.

    Raises `NotAFile` for a folder, a pipe or a device, and `OSError` where nothing can be.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile(_KINDS.get(stat.S_IFMT(found.st_mode), "it is not a file"))
    return found


def full_path(path: Path) -> Path:
    """The path from the root on; raises `OSError` where the working folder has been deleted."""
    try:
        return path.absolute()
    except FileNotFoundError as error:
        gone = "the working folder has been deleted; give its full path"
        raise OSError(errno.ESTALE, gone) from error


def read_file(path: Path) -> bytes:
    """The contents of a file: reading a pipe or a device might never end. Raises `OSError`."""
    look_at(path)
    return path.read_bytes()


def try_file(path: Path) -> None:
    """Make a file and delete it, to see that one can be made there; raises `OSError`."""
    try:
        with path.open("xb") as file:
            file.write(bytes(4096))  # On a full disk, empty files can still be made.
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[Path]:
    """
    Yield a temporary file, which replaces `path` when the block ends.

    The new file has `mode`, less the umask. If `path` is a link, it stays, and the file that it
    leads to is replaced; other hard links to that file keep the old contents. If the block raises,
    or there is no ordinary file to replace (`NotAFile`), nothing changes.
    """
    look_at(path)
    target = Path(os.path.realpath(path))
    # A short name: one derived from `path` might be too long for the file system.
    temporary = target.with_name(f".k26-{os.urandom(6).hex()}.part")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield temporary
        move_into_place(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def move_into_place(temporary: Path, path: Path) -> None:
    """Let a file replace another in its folder, so that a power cut leaves one of them whole."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Save the names in a folder to the disk, on systems that can do that for a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
