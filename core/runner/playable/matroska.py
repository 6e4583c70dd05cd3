"""
WebM and Matroska files (RFC 8794, RFC 9559): is all that they list there?

A file is one Segment of elements, most of them Clusters of pictures and sound. A recording that was
written on the fly states no size for the Segment, and perhaps none for its Clusters; then the Cues,
an index that comes last, or the duration can tell where it ends.
"""

import math
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from .boxes import CUT, DAMAGED, read
from .problem import End, UnplayableVideo

#: What a file begins with: the id of its header.
MAGIC = b"\x1a\x45\xdf\xa3"

# Ids of elements, with the bits that mark their length.
_SEGMENT, _INFO, _CLUSTER, _CUES = 0x18538067, 0x1549A966, 0x1F43B675, 0x1C53BB6B
_SCALE, _DURATION = 0x2AD7B1, 0x4489
#: Nanoseconds in a unit of time, if the file does not say.
_USUAL_SCALE = 1_000_000


class _Element(NamedTuple):
    """An element; `end` is None if its size is unknown."""

    id: int
    start: int
    end: int | None


def find_end(file: BinaryIO) -> End:
    """What the file says of its end; raises `UnplayableVideo` if something of it is missing."""
    size = os.fstat(file.fileno()).st_size
    segment = next((each for each in _elements(file, 0, size) if each.id == _SEGMENT), None)
    if segment is None:
        raise UnplayableVideo("it has no video stream")
    if segment.end is not None:
        return End(proven=True)
    stated, last = None, 0
    for element in _elements(file, segment.start, size):
        if element.id in (_CLUSTER, _CUES):
            last = element.id
        elif element.id == _INFO and element.end is not None:
            stated = _duration(file, element.start, element.end)
    return End(last == _CUES, stated)


def _elements(file: BinaryIO, at: int, end: int) -> Iterator[_Element]:
    """
    The elements in a part of the file, and those inside a Cluster of unknown size among them.

    Raises `UnplayableVideo` for one that is longer than the part.
    """
    while at < end:
        id_width = _width(file, at, longest=4)
        if id_width is None:
            return  # Padding.
        size_width = _width(file, at + id_width, longest=8)
        if size_width is None:
            raise UnplayableVideo(DAMAGED)
        id, size = read(file, at, id_width), read(file, at + id_width, size_width)
        start = at + id_width + size_width
        value = int.from_bytes(size, "big") & ((1 << 7 * size_width) - 1)
        unknown = value == (1 << 7 * size_width) - 1
        at = start if unknown else start + value
        if at > end:
            raise UnplayableVideo(CUT)
        yield _Element(int.from_bytes(id, "big"), start, None if unknown else at)


def _width(file: BinaryIO, at: int, longest: int) -> int | None:
    """How many bytes a number takes, by the zeros in front; None if it is no number."""
    width = 9 - read(file, at, 1)[0].bit_length()
    return width if width <= longest else None


def _duration(file: BinaryIO, start: int, end: int) -> float | None:
    """The duration in a segment's information, in seconds, if it has one."""
    scale, duration = _USUAL_SCALE, 0.0
    for element in _elements(file, start, end):
        width = (element.end or element.start) - element.start
        if element.id == _SCALE and 0 < width <= 8:
            scale = int.from_bytes(read(file, element.start, width), "big")
        elif element.id == _DURATION and width in (4, 8):
            (duration,) = struct.unpack(
                ">f" if width == 4 else ">d", read(file, element.start, width)
            )
    seconds = duration * scale / 1e9
    return seconds if math.isfinite(seconds) and seconds > 0 else None
