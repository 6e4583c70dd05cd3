"""
Content codings (RFC 9110, section 8.4.1), which every request asks the server not to use.

What uses one all the same is decoded if the bytes bear it out: some servers announce a coding and
send the file as it is.
"""

import zlib
from collections.abc import Iterator
from itertools import chain

from attrs import define, field

#: How many times over an answer may be compressed.
_MOST_LAYERS = 5
#: How much is unpacked at a time, in bytes.
_PIECE = 256 * 1024
#: How many bytes show whether they have a coding.
_START = 12
_KNOWN = ("gzip", "x-gzip", "deflate")
_GZIP = 16 + zlib.MAX_WBITS
#: What each member of a gzip file begins with (RFC 1952, section 2.3.1).
_MEMBER = b"\x1f\x8b"
#: The boxes that an MP4 or MOV begins with, after the length of the first one, and a WebM.
_VIDEO_BOXES, _WEBM = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"), b"\x1a\x45\xdf\xa3"


class CodingError(ValueError):
    """The bytes cannot be decoded; the message says why."""


def unpack(content: bytes, codings: str, limit: int) -> tuple[bytes, str | None]:
    """
    The body of an answer with that Content-Encoding, and what is wrong with it, if anything.

    What exceeds `limit` bytes, at any layer, is left out. A body that is not compressed, whatever
    the header says, stays as it is; and so does one in a coding that is unknown here.
    """
    layers = [name for each in codings.split(",") if (name := each.strip().lower())]
    for name in layers[: -_MOST_LAYERS - 1 : -1]:
        if name in _KNOWN:
            content, problem = _unpack_layer(content, name, limit)
            if problem is not None:
                return content, problem
    return content, None


def _unpack_layer(packed: bytes, coding: str, limit: int) -> tuple[bytes, str | None]:
    plain, decoder = bytearray(), Decoder(coding)
    try:
        for piece in chain(decoder.feed(packed), decoder.finish()):
            plain += piece
            if len(plain) > limit:
                return bytes(plain[:limit]), f"it is longer than {limit} bytes"
    except CodingError as error:
        # Without a header, what is not compressed at all looks damaged.
        return (bytes(plain), str(error)) if plain or coding != "deflate" else (packed, None)
    return bytes(plain), None


@define
class Decoder:
    """Unpacks what arrives, a bounded piece at a time; `coding` is the reply's Content-Encoding."""

    coding: str
    _start: bytes = field(default=b"", init=False)
    _begun: bool = field(default=False, init=False)
    #: None if the bytes are passed on as they are.
    _unpacker: "zlib._Decompress | None" = field(default=None, init=False)
    _window: int | None = field(default=None, init=False)
    #: The bytes after the end, as far as they show whether another member begins there.
    _after: bytes = field(default=b"", init=False)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The next pieces of the file; raises `CodingError`."""
        if not self._begun:
            self._start += data
            if len(self._start) < _START:
                return
            data = self._begin()
        yield from self._unpack(data)

    def finish(self) -> Iterator[bytes]:
        """What is left at the end of the reply; raises `CodingError` if the end is missing."""
        if not self._begun:
            yield from self._unpack(self._begin())
        if self._unpacker is None:
            return
        if not self._unpacker.eof or self._after == _MEMBER[:1]:
            raise CodingError("the end of the compressed data is missing")

    def _begin(self) -> bytes:
        self._begun = True
        if not _is_video(self._start):
            self._window = _window(self.coding, self._start)
            if self._window is not None:
                self._unpacker = zlib.decompressobj(self._window)
        return self._start

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        if self._unpacker is None:
            yield data
            return
        try:
            while True:
                if self._unpacker.eof and not (data := self._next_member(data)):
                    return
                piece = self._unpacker.decompress(data, _PIECE)
                data = self._unpacker.unconsumed_tail or self._unpacker.unused_data
                yield piece
                if not data and len(piece) < _PIECE:
                    return
        except zlib.error as error:
            raise CodingError("the compressed data is damaged") from error

    def _next_member(self, data: bytes) -> bytes:
        """
        The bytes of the next member of a gzip file (RFC 1952, section 2.2), for a new unpacker.

        Empty if `data` begins with anything else, which is padding.
        """
        data = self._after + data
        if self._window != _GZIP or not data.startswith(_MEMBER):
            self._after = data[: len(_MEMBER)]
            return b""
        self._after = b""
        self._unpacker = zlib.decompressobj(_GZIP)
        return data


def _window(coding: str, start: bytes) -> int | None:
    """What zlib is told in order to unpack a coding; None if the bytes do not have it."""
    if coding in _KNOWN[:2]:
        return _GZIP if start.startswith(_MEMBER) else None
    if coding in _KNOWN:
        # Some servers leave out the header that RFC 1950 prescribes.
        has_header = start[:1] == b"\x78" and int.from_bytes(start[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
    raise CodingError(f'the server used the content coding "{coding}" without being asked')


def _is_video(start: bytes) -> bool:
    return start[4:8] in _VIDEO_BOXES or start.startswith(_WEBM)
