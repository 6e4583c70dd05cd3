"""The first picture of each video, taken once and kept beside it."""

import asyncio
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import replacing
from ..core.journal.files import Store
from ..core.threads import in_thread

if TYPE_CHECKING:
    from ..core.runner.video import VideoChecker

#: Its width or height, whichever is greater, in pixels.
_SIZE = 480


def stored_video(store: Store, task: str) -> Path | None:
    """A task's video, if it is in the store; a link in its place may lead anywhere."""
    path = store.find(task)
    if path is None or path.resolve().parent != path.parent.resolve():
        return None
    return path


async def thumbnail(store: Store, task: str, video: Path) -> bytes:
    """
    The thumbnail of a video, as a JPEG; raises `UnplayableVideo` or `OSError`.

    To be called on the background loop.
    """
    kept = await in_thread(_kept, store.thumbnail_path(task))
    if kept:
        return kept
    async with _turn():
        picture = await _checker().picture(video, _SIZE)
    with suppress(OSError):  # Without room on the disk, it is taken again the next time.
        await in_thread(_keep, store.thumbnail_path(task), video, picture)
    return picture


@cache
def _turn() -> asyncio.Lock:
    """One at a time, so that no paid video waits for more than one picture to be checked."""
    return asyncio.Lock()


@cache
def _checker() -> "VideoChecker":
    from ..core.runner.video import VideoChecker

    return VideoChecker()


def _kept(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _keep(path: Path, video: Path, picture: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(picture)
    if not video.exists():  # It has just been forgotten, and its picture with it.
        path.unlink(missing_ok=True)
