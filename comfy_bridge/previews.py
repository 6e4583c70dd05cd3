"""The videos as ComfyUI's page plays them on the node."""

import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import comfyui

if TYPE_CHECKING:
    from ..core.runner.results import Video

logger: logging.Logger = logging.getLogger("kling26")

#: A folder of ours in ComfyUI's temporary one: its page reads no others.
FOLDER = "kling26"


def previews(videos: "Iterable[Video]") -> dict[str, Any]:
    """
    What the page is told of the videos to play; copies for it are made, where that is possible.

    A disk that is full takes the preview from a video, and not the video.
    """
    shown = []
    for video in videos:
        name = f"{video.task}{video.file.suffix}"
        try:
            _lay(video.file, comfyui.temporary_folder() / FOLDER / name)
        except OSError as error:
            logger.warning("%s has no preview: %s", video.task, error.strerror or error)
        else:
            shown.append({"filename": name, "subfolder": FOLDER, "type": "temp"})
    return {"images": shown, "animated": (True,)} if shown else {}


def _lay(file: Path, target: Path) -> None:
    """Put a file there under another name, without a copy where the disk allows that."""
    if target.exists() and target.stat().st_size == file.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with suppress(OSError):
        os.link(file, target)
        return
    shutil.copyfile(file, target)
