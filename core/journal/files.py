"""The files in the home folder: images waiting to be sent, and videos that were paid for."""

import os
import shutil
from pathlib import Path

from attrs import frozen

from ..atomic import replacing
from ..errors import JournalError, OutputRefused
from ..request import ImageFile
from ..text import sanitize


@frozen
class Store:
    """The images and videos in the home folder."""

    home: Path

    def video_path(self, task: str) -> Path:
        """Where a task's video is stored; nothing in the name comes from the provider."""
        return self.home / "videos" / f"{task}.mp4"

    def delete_video(self, task: str) -> None:
        self.video_path(task).unlink(missing_ok=True)

    def save_image(self, image: ImageFile) -> str:
        """Save an image until its task is submitted; returns the name for `load_image`."""
        path = self.home / "images" / image.name
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as temporary:
                    temporary.write_bytes(image.data)
        except OSError as error:
            raise JournalError(
                f"The image cannot be saved in {sanitize(path.parent)}: {error.strerror}."
            ) from error
        return image.name

    def load_image(self, name: str) -> ImageFile:
        return ImageFile.read(self.home / "images" / name)

    def delete_image(self, name: str) -> None:
        (self.home / "images" / name).unlink(missing_ok=True)


def check_output(output: Path) -> Path:
    """The absolute path of an output; raises `OutputRefused` if it cannot be written."""
    path = output.expanduser().absolute()
    if path.is_dir():
        reason = "it is a folder; name a file in it"
    elif not path.parent.is_dir():
        reason = "there is no such folder"
    elif not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        reason = "you have no permission to write there"
    else:
        return path
    raise OutputRefused(f'The video cannot be written to "{sanitize(path, 200)}": {reason}.')


def copy_video(video: Path, output: Path) -> None:
    """Copy the video to `output`, completely or not at all."""
    if output.exists() and output.samefile(video):
        return
    with replacing(output) as copy:
        shutil.copyfile(video, copy)
        copy.chmod(0o666 & ~_umask())


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
