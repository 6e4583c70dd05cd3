"""
The index of a track in an MP4 or MOV (ISO/IEC 14496-12, sections 8.6 and 8.7).

Samples, which are pictures or bits of sound, lie in chunks. The index lists where each chunk
begins, how many samples it has, and how long each sample is.
"""

from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from .boxes import CUT, DAMAGED, Box, boxes, child, number, numbers
from .problem import UnplayableVideo

#: A byte has at most so many samples: some old codecs count those of the sound they unpack to.
SAMPLES_PER_BYTE = 16


def handler(file: BinaryIO, track: Box) -> bytes:
    """What a track has: `vide`, `soun` or something else."""
    box = child(file, track, b"mdia", b"hdlr")
    return b"" if box is None else number(file, box, 8).to_bytes(4, "big")


def check_samples(file: BinaryIO, track: Box, size: int) -> None:
    """Raise `UnplayableVideo` unless all samples of a track are in the file, of `size` bytes."""
    _check_references(file, track)
    table = child(file, track, b"mdia", b"minf", b"stbl")
    if table is None:
        raise UnplayableVideo(DAMAGED)
    lengths, done = _lengths(file, table, sound=handler(file, track) == b"soun"), 0
    for claimed in (lengths.samples, _timed(file, table, b"stts"), _timed(file, table, b"ctts")):
        # FFmpeg would make room for each of them.
        if claimed > SAMPLES_PER_BYTE * size:
            raise UnplayableVideo(DAMAGED)
    for offset, samples in _chunks(file, table):
        samples = min(samples, lengths.samples - done)
        if offset + lengths.of(done, samples) > size:
            raise UnplayableVideo(CUT)
        done += samples
    if done < lengths.samples:
        raise UnplayableVideo(DAMAGED)


def _check_references(file: BinaryIO, track: Box) -> None:
    """A track may refer to another file for its samples (section 8.7.2)."""
    table = child(file, track, b"mdia", b"minf", b"dinf", b"dref")
    if table is None:
        return
    for entry in boxes(file, table.start + 8, table.end):
        if number(file, entry, 0) & 1 == 0:
            raise UnplayableVideo("its pictures or its sound are in another file")


class _Lengths(NamedTuple):
    """The lengths of all samples: the `same` for each of them, or each its own."""

    samples: int
    same: int
    each: "array[int]"

    def of(self, first: int, count: int) -> int:
        """The length of some samples that follow each other, in bytes."""
        return sum(self.each[first : first + count]) if self.each else self.same * count


def _lengths(file: BinaryIO, table: Box, sound: bool) -> _Lengths:
    if (box := child(file, table, b"stsz")) is not None:
        same, count = number(file, box, 4), number(file, box, 8)
        if same == 0:
            return _Lengths(count, 0, numbers(file, box, 12, count))
        # In old MOV files, 1 means that the length depends on the codec.
        return _Lengths(count, 0 if sound and same == 1 else same, array("I"))
    if (box := child(file, table, b"stz2")) is None:
        raise UnplayableVideo(DAMAGED)
    bits, count = number(file, box, 7, 1), number(file, box, 8)
    if bits == 4:
        pairs = numbers(file, box, 12, (count + 1) // 2, "B")
        return _Lengths(count, 0, array("B", (half for byte in pairs for half in divmod(byte, 16))))
    return _Lengths(count, 0, numbers(file, box, 12, count, "B" if bits == 8 else "H"))


def _timed(file: BinaryIO, table: Box, kind: bytes) -> int:
    """How many samples a table of times has: a count and a time in each entry."""
    box = child(file, table, kind)
    if box is None:
        return 0
    return sum(numbers(file, box, 8, 2 * number(file, box, 4))[::2])


def _chunks(file: BinaryIO, table: Box) -> Iterator[tuple[int, int]]:
    """Where each chunk begins, in bytes of the file, and how many samples it has."""
    runs = child(file, table, b"stsc")
    box, code = child(file, table, b"stco"), "I"
    if box is None:
        box, code = child(file, table, b"co64"), "Q"
    if runs is None or box is None:
        raise UnplayableVideo(DAMAGED)
    offsets = numbers(file, box, 8, number(file, box, 4), code)
    entries = numbers(file, runs, 8, 3 * number(file, runs, 4))
    # Each run of chunks lasts until the next one begins; chunks are numbered from 1.
    firsts = [*entries[0::3], len(offsets) + 1]
    for (first, following), samples in zip(pairwise(firsts), entries[1::3], strict=True):
        for chunk in range(first, min(following, len(offsets) + 1)):
            yield offsets[chunk - 1], samples
