"""The check of a video: its container is complete, and its pictures can be decoded."""

from pathlib import Path
from typing import BinaryIO

from . import iso, matroska
from .frames import Span, first_picture, play
from .problem import End, UnplayableVideo


def check_video(path: Path, seconds: float | None = None) -> None:
    """
    Raise `UnplayableVideo` unless the file is a whole MP4, MOV or WebM video that plays.

    `seconds` is how long it has to be if its container does not say where it ends.
    """
    try:
        with path.open("rb") as file:
            demuxer, end = _read_container(file)
        span = play(path, demuxer)
    except MemoryError as error:
        raise UnplayableVideo("it takes too much memory to check") from error
    if not end.proven and _missing(span, end.stated, seconds) > span.gap / 2:
        raise UnplayableVideo("its end is missing")


def picture_of(path: Path, size: int) -> bytes:
    """The first picture of a video, as a JPEG of at most `size` pixels; may raise the same."""
    try:
        with path.open("rb") as file:
            demuxer, _ = _read_container(file)
        return first_picture(path, demuxer, size)
    except MemoryError as error:
        raise UnplayableVideo("it takes too much memory to show") from error


def _read_container(file: BinaryIO) -> tuple[str, End]:
    """FFmpeg's demuxer for the file, by its first bytes, and what the container says."""
    start = file.read(12)
    if start.startswith(matroska.MAGIC):
        return "matroska", matroska.find_end(file)
    if start[4:8] in iso.FIRST_BOXES:
        return "mov", iso.find_end(file)
    raise UnplayableVideo("it is not a video file")


def _missing(span: Span, stated: float | None, expected: float | None) -> float:
    """How many seconds are missing at the end, as far as can be told."""
    if stated is not None:
        return stated - span.last
    return float("inf") if expected is None else expected - (span.end - span.start)
