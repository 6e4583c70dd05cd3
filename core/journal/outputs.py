"""Outputs: the files outside the home folder that videos are written to."""

import errno
import filecmp
import os
import shutil
import stat
from collections.abc import MutableMapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from ..atomic import full_path, look_at, replacing, try_file
from ..errors import OutputRefused
from ..text import reason, sanitize
from .files import is_own

#: The longest path that the journal has room for, in characters.
LONGEST = 1000


@frozen
class Output:
    """
    A path that a video is to be written to, and what was there when that was requested.

    `found` identifies that file; it is None if there was none.
    """

    path: Path
    found: str | None = None


class Unsuitable(OSError):
    """A video cannot be written to a path, for the reason in `strerror`."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EINVAL, why)


def identify(found: os.stat_result | None) -> str | None:
    """
    What tells a file from another one that is put in its place, or written into it.

    Not its number or that of its device: on many network file systems and after a restart, the same
    file may have others.
    """
    return None if found is None else f"{found.st_size}:{found.st_mtime_ns}"


# -- before paying -----------------------------------------------------------------------------


def check_output(
    output: str | PathLike[str],
    home: Path,
    what: str = "The video",
    tried: MutableMapping[Path, int] | None = None,
) -> Output:
    """
    The output, and what is there now.

    Raises `OutputRefused` if `what` could not be written there later: all of that is tried, but for
    replacing what is there. Of many outputs, `tried` has the folders in which a file has been made,
    with the length of its name: trying takes a millisecond, and only a longer one is news.
    """
    text = os.fspath(output)
    try:
        path = _absolute(text)
        found = look_at(path)
        target = Path(os.path.realpath(path))
        if is_own(target, home):
            raise Unsuitable("kling26 keeps its own files there")
        if found is not None:
            _check_replaceable(target, found)
        length = len(os.fsencode(target.name))
        if tried is None or tried.get(target.parent, 0) < length:
            _try_name(target)
        if tried is not None:
            tried[target.parent] = max(length, tried.get(target.parent, 0))
    except (OSError, RuntimeError, ValueError) as error:
        raise OutputRefused(
            f'{what} cannot be written to "{_shown(text)}": {_why(error)}.'
        ) from error
    return Output(path, identify(found))


def _absolute(text: str) -> Path:
    try:
        text.encode()  # The journal cannot keep a name in another encoding.
    except UnicodeEncodeError as error:
        raise Unsuitable("its name is not valid UTF-8") from error
    path = full_path(Path(text).expanduser())
    if path.is_dir():
        raise Unsuitable("it is a folder; name a file in it")
    if os.path.basename(text) in ("", ".", ".."):
        raise Unsuitable("it names a folder; give a file")
    if len(str(path)) > LONGEST:
        raise Unsuitable(os.strerror(errno.ENAMETOOLONG))
    return path


def _check_replaceable(target: Path, found: os.stat_result) -> None:
    """Raise `OSError` if a file may not be replaced, even in a folder that can be written to."""
    effective = os.access in os.supports_effective_ids
    writable = os.access(target, os.W_OK, effective_ids=effective)
    if not writable or _is_kept(target.parent.stat(), found):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if os.path.ismount(target):
        raise Unsuitable("it is a mount point; name a file in a folder that is mounted")
    if any(_is_stream(number, found) for number in (1, 2)):
        raise Unsuitable("the output of this program goes there")


def _is_kept(folder: os.stat_result, found: os.stat_result) -> bool:
    """Whether only somebody else can replace a file in a folder such as /tmp."""
    user = getattr(os, "geteuid", lambda: 0)()
    return bool(folder.st_mode & stat.S_ISVTX) and user not in (0, folder.st_uid, found.st_uid)


def _is_stream(number: int, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(number), found)
    except OSError:
        return False


def _try_name(target: Path) -> None:
    """
    Raise `OSError` unless a file of that name can be made in that folder.

    It is made in a folder inside that one: nobody may take an empty file for the video. What
    `os.access` says would not do: it does not know of read-only disks, or of names.
    """
    with TemporaryDirectory(dir=target.parent, prefix=".k26-") as folder:
        try_file(Path(folder, target.name))


def _shown(text: str) -> str:
    with suppress(OSError):  # There may be no current folder any more.
        text = os.path.abspath(text)
    return sanitize(text, 200)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0, reason(error))
    return "there is no such user" if isinstance(error, RuntimeError) else "it is not a file name"


_REASONS = {
    errno.ENOENT: "there is no such folder",
    errno.ENOTDIR: "there is no such folder",
    errno.EACCES: "you have no permission to write there",
    errno.EPERM: "you have no permission to write there",
}


# -- once it is paid ---------------------------------------------------------------------------


def write_output(video: Path, output: Output) -> str | None:
    """
    Copy the video to an output, completely or not at all; returns what identifies the copy.

    Raises `OSError`, also if there is another file than the one that was to be replaced.
    """
    there = look_at(output.path)
    if there is None or not _is_copy(video, there, output):
        if there is not None and identify(there) != output.found:
            raise Unsuitable("another file was put there meanwhile, and stays until you move it")
        with replacing(output.path, mode=0o666) as copy:
            shutil.copyfile(video, copy)
    return identify(look_at(output.path))


def _is_copy(video: Path, there: os.stat_result, output: Output) -> bool:
    """Whether the video is there already: whoever wrote it may have had no time to say so."""
    same_size = there.st_size == video.stat().st_size
    return same_size and filecmp.cmp(video, output.path, shallow=False)
