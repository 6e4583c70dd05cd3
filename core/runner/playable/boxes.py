"""The boxes that MP4 and MOV files are made of (ISO/IEC 14496-12, section 4.2)."""

import sys
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from .problem import UnplayableVideo

CUT = "its end is missing"
DAMAGED = "its index is damaged"


class Box(NamedTuple):
    """A box: where it begins, where its content does, and where it ends, in bytes of the file."""

    kind: bytes
    at: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """The size of the content, in bytes."""
        return self.end - self.start


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """
    The boxes in a part of the file.

    Raises `UnplayableVideo` for one that is longer than the part. What is too short for a box, or
    does not look like one, is padding, and nothing after it is read.
    """
    while start + 8 <= end:
        size, kind = int.from_bytes(read(file, start, 4)), read(file, start + 4, 4)
        header = 8
        if size == 1:
            size, header = int.from_bytes(read(file, start + 8, 8)), 16
        elif size == 0:  # The last box, up to the end.
            size = end - start
        if size < header or not _is_name(kind):
            return
        if start + size > end:
            raise UnplayableVideo(CUT)
        yield Box(kind, start, start + header, start + size)
        start += size
    if any(read(file, start, end - start)):
        raise UnplayableVideo(CUT)  # In the middle of a header; zeros are padding.


def _is_name(kind: bytes) -> bool:
    # Apple's names may begin with ©, in Mac OS Roman.
    return all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in kind)


def child(file: BinaryIO, box: Box, *path: bytes) -> Box | None:
    """The first box at a path below another, or None."""
    inner = box
    for kind in path:
        found = next(
            (each for each in boxes(file, inner.start, inner.end) if each.kind == kind), None
        )
        if found is None:
            return None
        inner = found
    return inner


def number(file: BinaryIO, box: Box, offset: int, size: int = 4) -> int:
    """An unsigned number in a box; raises `UnplayableVideo` if the box is too short for it."""
    if offset + size > box.size:
        raise UnplayableVideo(DAMAGED)
    return int.from_bytes(read(file, box.start + offset, size))


def numbers(file: BinaryIO, box: Box, offset: int, count: int, code: str = "I") -> "array[int]":
    """
    So many unsigned numbers in a box, of the size that `array` has for the code.

    Raises `UnplayableVideo` if the box is too short for them.
    """
    table = array(code)
    if offset + count * table.itemsize > box.size:
        raise UnplayableVideo(DAMAGED)
    table.frombytes(read(file, box.start + offset, count * table.itemsize))
    if sys.byteorder == "little":
        table.byteswap()
    return table


def read(file: BinaryIO, at: int, size: int) -> bytes:
    """So many bytes of the file; raises `UnplayableVideo` if it ends before."""
    file.seek(at)
    content = file.read(size)
    if len(content) < size:
        raise UnplayableVideo(CUT)
    return content
