"""
Content codings of a download (RFC 9110, section 8.4.1), which it asks the server not to use.

A server that uses one all the same is decoded if the bytes bear it out: some announce a coding and
send the file as it is.
"""

import zlib
from collections.abc import Iterator

from attrs import define, field

#: How much is unpacked at a time, in bytes.
_PIECE = 256 * 1024
#: How many bytes show whether they have a coding.
_START = 12
_GZIP = 16 + zlib.MAX_WBITS
#: What each member of a gzip file begins with (RFC 1952, section 2.3.1).
_MEMBER = b"\x1f\x8b"
#: The boxes that an MP4 or MOV begins with, after the length of the first one, and a WebM.
_VIDEO_BOXES, _WEBM = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"), b"\x1a\x45\xdf\xa3"


class CodingError(ValueError):
    """The bytes cannot be decoded; the message says why."""


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
            raise CodingError("the end of the compressed file is missing")

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
            raise CodingError("the compressed file is damaged") from error

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
    if coding in ("gzip", "x-gzip"):
        return _GZIP if start.startswith(_MEMBER) else None
    if coding == "deflate":
        # Some servers leave out the header that RFC 1950 prescribes.
        has_header = start[:1] == b"\x78" and int.from_bytes(start[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
    raise CodingError(f'the server used the content coding "{coding}" without being asked')


def _is_video(start: bytes) -> bool:
    return start[4:8] in _VIDEO_BOXES or start.startswith(_WEBM)
