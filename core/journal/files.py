"""The files in the home folder: images waiting to be sent, and videos that were paid for."""

import errno
import os
import time
import weakref
from contextlib import suppress
from os import PathLike
from pathlib import Path

from attrs import define, field

from ..atomic import replacing, try_file
from ..errors import JournalError
from ..home import advise, make_private
from ..images import ImageFile
from ..text import sanitize

#: How old a partial file has to be, in seconds, to be one that nobody is writing any more.
_ABANDONED = 24 * 60 * 60.0
#: How often those are looked for, in seconds.
_SWEPT = 60 * 60.0


@define(eq=False)
class Store:
    """
    The images and videos in the home folder.

    The home may be moved while it is in use, and its journal with it: from its first use on, this
    is the store of that one folder, and never makes another one in its place.
    """

    home: Path
    _identity: tuple[int, int] | None = field(default=None, init=False)
    _writable: bool = field(default=False, init=False)
    #: When partial files were looked for, on the clock that is never set.
    _swept: float | None = field(default=None, init=False)
    #: The home, opened, where the system lets files be opened in it wherever it is.
    _opened: int | None = field(default=None, init=False)

    # -- folders ---------------------------------------------------------------------------

    def prepare(self) -> None:
        """Check that videos can be stored, by trying; raises `JournalError` if they cannot."""
        try:
            folder = self.folder("videos")
            if not self._writable:
                # The longest name that is used there.
                try_file(folder / f"k26-{'0' * 16}.mp4.w-{os.urandom(8).hex()}.part")
                self._writable = True
        except OSError as error:
            problem = f"Videos cannot be stored in {sanitize(self.home)}"
            raise JournalError(advise(problem, error)) from error

    def folder(self, name: str, mode: int = 0o777) -> Path:
        """A folder in the home, which is made, with `mode`, if it is missing; raises `OSError`."""
        if self._identity is None:
            make_private(self.home)
        if not self._is_here():
            raise OSError(
                errno.ESTALE, f"the home folder {self.home} has been moved or deleted meanwhile"
            )
        folder = self.home / name
        try:
            folder.mkdir(mode, exist_ok=True)
        except FileExistsError as error:  # A link, perhaps, to a disk that is not mounted.
            raise NotADirectoryError(errno.ENOTDIR, f'"{name}" there is no folder') from error
        return folder

    def stay_open(self) -> None:
        """Open the home itself, for `open_anywhere`; raises `OSError`."""
        if self._opened is None and os.open in os.supports_dir_fd:
            self._opened = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY)
            weakref.finalize(self, os.close, self._opened)

    def open_anywhere(self, path: str | PathLike[str], flags: int) -> int:
        """
        Open a file in the home, which may have been moved since `stay_open`.

        `path` is where the file was; returns the descriptor. Raises `OSError`.
        """
        if self._opened is None:
            return os.open(path, flags)
        return os.open(Path(path).relative_to(self.home), flags, dir_fd=self._opened)

    def _is_here(self) -> bool:
        """Whether the home is the folder that it was at first."""
        try:
            found = self.home.stat()
        except OSError:
            return False
        identity = found.st_dev, found.st_ino
        self._identity = self._identity or identity
        return self._identity == identity

    # -- videos ----------------------------------------------------------------------------

    def make_room(self) -> None:
        """
        Make the folder for videos, and delete the partial files of workers that were killed.

        Those are looked for at most once an hour: there may be many thousands of videos. Raises
        `OSError`.
        """
        folder = self.folder("videos")
        if self._swept is not None and time.monotonic() - self._swept < _SWEPT:
            return
        self._swept = time.monotonic()
        for part in folder.glob("k26-*.mp4.*.part"):
            with suppress(OSError):
                if part.stat().st_mtime < time.time() - _ABANDONED:
                    part.unlink()

    def video_path(self, task: str) -> Path:
        """Where a task's video is stored; nothing in the name comes from the provider."""
        return self.home / "videos" / f"{task}.mp4"

    def find(self, task: str, file: str | None = None) -> Path | None:
        """
        The stored video of a task, or else the `file` that the journal names; None without either.

        It is whole: a video gets its name only once it is complete, and on the disk.
        """
        self._is_here()
        places = [self.video_path(task), *([] if file is None else [Path(file)])]
        return next((path for path in places if _has_contents(path)), None)

    def thumbnail_path(self, task: str) -> Path:
        """Where the first picture of a task's video is kept, once somebody has looked at it."""
        return self.video_path(task).with_suffix(".jpg")

    def delete_video(self, task: str) -> None:
        """Delete a task's video, and its thumbnail; raises `JournalError`."""
        for path in (self.video_path(task), self.thumbnail_path(task)):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                problem = f"{sanitize(path)} cannot be deleted"
                raise JournalError(advise(problem, error)) from error

    # -- images ----------------------------------------------------------------------------

    def save_image(self, image: ImageFile) -> str:
        """Save an image until its task is submitted; returns the name for `load_image`."""
        path = self.home / "images" / image.name
        try:
            if not path.exists():
                self.folder("images")
                with replacing(path) as temporary:
                    temporary.write_bytes(image.data)
        except OSError as error:
            problem = f"The image cannot be saved in {sanitize(path.parent)}"
            raise JournalError(advise(problem, error)) from error
        return image.name

    def load_image(self, name: str) -> ImageFile:
        return ImageFile.read(self.home / "images" / name)

    def delete_image(self, name: str) -> None:
        (self.home / "images" / name).unlink(missing_ok=True)


def _has_contents(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False


#: What is kept in the home folder, beside the journal.
_OWN = (
    "config.lock", "config.toml", "images", "keys.lock", "keys.toml", "receipts", "videos",
    "workers",
)  # fmt: skip


def is_own(path: Path, home: Path) -> bool:
    """Whether kling26 keeps files of its own at a path, which is without links."""
    real = Path(os.path.realpath(home))
    if not path.is_relative_to(real):
        return False
    first = path.relative_to(real).parts[0]
    return first in _OWN or first.startswith("journal.sqlite3")
