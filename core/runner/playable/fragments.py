"""The fragments of an MP4 (ISO/IEC 14496-12, section 8.8): is all that they list there?"""

from typing import BinaryIO, NamedTuple

from .boxes import DAMAGED, Box, boxes, child, number, numbers
from .problem import UnplayableVideo
from .samples import SAMPLES_PER_BYTE

# The flags of a `trun` (section 8.8.8): which fields it has.
_DATA_OFFSET, _FIRST_FLAGS, _DURATION, _SIZE, _FLAGS, _TIME = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800
# The flags of a `tfhd` (section 8.8.7), and the fields before the size of a sample.
_DEFAULT_SIZE = 0x10
_FIELDS_BEFORE_SIZE = ((0x1, 8), (0x2, 4), (0x8, 4))


def length(file: BinaryIO, fragment: Box, size: int) -> int:
    """
    How many bytes the samples of a fragment (`moof`) take, at least.

    Raises `UnplayableVideo` if it lists more samples than a file of `size` bytes can have.
    """
    total = 0
    for track in boxes(file, fragment.start, fragment.end):
        if track.kind != b"traf":
            continue
        usual = _usual_size(file, track)
        for run in boxes(file, track.start, track.end):
            if run.kind == b"trun":
                total += _run_length(file, run, usual, size)
    return total


def _usual_size(file: BinaryIO, track: Box) -> int:
    """The size of a sample where its run does not say it; 0 if that is in `moov`, if anywhere."""
    header = child(file, track, b"tfhd")
    if header is None:
        raise UnplayableVideo(DAMAGED)
    flags = number(file, header, 0)
    if not flags & _DEFAULT_SIZE:
        return 0
    before = sum(width for flag, width in _FIELDS_BEFORE_SIZE if flags & flag)
    return number(file, header, 8 + before)


def _run_length(file: BinaryIO, run: Box, usual: int, size: int) -> int:
    flags, count = number(file, run, 0), number(file, run, 4)
    if count > SAMPLES_PER_BYTE * size:
        raise UnplayableVideo(DAMAGED)  # FFmpeg would make room for each of them.
    if not flags & _SIZE:
        return usual * count
    start = 8 + 4 * (bool(flags & _DATA_OFFSET) + bool(flags & _FIRST_FLAGS))
    fields = [flag for flag in (_DURATION, _SIZE, _FLAGS, _TIME) if flags & flag]
    table = numbers(file, run, start, count * len(fields))
    return sum(table[fields.index(_SIZE) :: len(fields)])


class Segments(NamedTuple):
    """A `sidx` (section 8.16.3): how many segments it lists, and where the last one ends."""

    segments: int
    end: int


def segments(file: BinaryIO, box: Box) -> Segments:
    """What a `sidx` lists."""
    width = 8 if number(file, box, 0, 1) else 4
    first = number(file, box, 12 + width, width)
    start = 12 + 2 * width + 2
    count = number(file, box, start, 2)
    # The top bit says whether a segment has an index of its own.
    sizes = [size & 0x7FFFFFFF for size in numbers(file, box, start + 2, 3 * count)[::3]]
    return Segments(count, box.end + first + sum(sizes))
