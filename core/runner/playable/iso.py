"""
MP4 and MOV files (ISO/IEC 14496-12, QuickTime File Format): is all that they list there?

A plain file has one index (`moov`) of all its samples. A fragmented one has another in front of
each fragment, and says where it ends in up to three places: its length (`mehd`), the sizes of its
segments (`sidx`), and a list of the fragments at its very end (`mfra`).
"""

import os
from typing import BinaryIO

from . import fragments
from .boxes import CUT, Box, boxes, child, number
from .problem import End, UnplayableVideo
from .samples import check_samples, handler

#: What a file begins with: `ftyp`, and old MOV files also with another one.
FIRST_BOXES = frozenset([b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"])


def find_end(file: BinaryIO) -> End:
    """What the file says of its end; raises `UnplayableVideo` if something of it is missing."""
    size = os.fstat(file.fileno()).st_size
    outline = list(boxes(file, 0, size))
    index = next((box for box in outline if box.kind == b"moov"), None)
    if index is None:
        raise UnplayableVideo("its index is missing")
    tracks = [box for box in boxes(file, index.start, index.end) if box.kind == b"trak"]
    kinds = {track: handler(file, track) for track in tracks}
    if b"vide" not in kinds.values():
        raise UnplayableVideo("it has no video stream")
    for track, kind in kinds.items():
        if kind in (b"vide", b"soun"):
            check_samples(file, track, size)
    if child(file, index, b"mvex") is None:
        return End(proven=True)
    return _end_of_fragments(file, index, outline, size)


def _end_of_fragments(file: BinaryIO, index: Box, outline: list[Box], size: int) -> End:
    """As `find_end`, for a file in fragments."""
    heads = [box for box in outline if box.kind == b"moof"]
    listed = sum(fragments.length(file, head, size) for head in heads)
    if listed > sum(box.size for box in outline if box.kind == b"mdat"):
        raise UnplayableVideo(CUT)
    if not heads:
        return End(proven=False, stated=_stated_length(file, index))
    last = [box for box in outline if box.at > heads[-1].at]
    if not any(box.kind == b"mdat" for box in last):
        raise UnplayableVideo(CUT)
    proven = any(box.kind == b"mfra" for box in last) or _listed(file, outline, heads, size)
    return End(proven, _stated_length(file, index))


def _listed(file: BinaryIO, outline: list[Box], heads: list[Box], size: int) -> bool:
    """Whether one index of segments in front of the fragments reaches to the last of them."""
    for box in outline:
        if box.kind == b"sidx":
            listed = fragments.segments(file, box)
            if listed.end > size:
                raise UnplayableVideo(CUT)
            # One with a single segment may be the index of that one, with others after it.
            if box.at < heads[0].at and listed.segments > 1 and listed.end > heads[-1].at:
                return True
    return False


def _stated_length(file: BinaryIO, index: Box) -> float | None:
    """The length that the file says it has, in seconds, if it does."""
    movie, length = child(file, index, b"mvhd"), child(file, index, b"mvex", b"mehd")
    if movie is None or length is None:
        return None
    units = number(file, movie, 20 if number(file, movie, 0, 1) else 12)
    width = 8 if number(file, length, 0, 1) else 4
    return (number(file, length, 4, width) / units or None) if units else None
