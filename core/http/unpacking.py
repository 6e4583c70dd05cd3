"""Bodies that are compressed although nobody asked for it, unpacked within bounds."""

import zlib

#: How many times over a body may be compressed.
_MOST_LAYERS = 5
#: zlib's window for gzip or zlib, told apart by their headers; and for a stream without a header,
#: which some servers send as "deflate".
_BY_HEADER, _BARE = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS
_PIECE = 1024
_DAMAGED = "it is damaged"


def unpack(content: bytes, codings: str, limit: int) -> tuple[bytes, str | None]:
    """
    The body of an answer with that Content-Encoding, and what is wrong with it, if anything.

    What exceeds `limit` bytes, at any layer, is left out. A body that is not compressed, whatever
    the header says, stays as it is; and so does one in a coding that is unknown here.
    """
    layers = [name for each in codings.split(",") if (name := each.strip().lower())]
    for name in layers[: -_MOST_LAYERS - 1 : -1]:
        if name in ("gzip", "x-gzip", "deflate"):
            content, problem = _inflate(content, limit)
            if problem is not None:
                return content, problem
    return content, None


def _inflate(packed: bytes, limit: int) -> tuple[bytes, str | None]:
    plain, problem = _inflate_stream(zlib.decompressobj(_BY_HEADER), packed, limit)
    if plain or problem is None:
        return plain, problem
    plain, problem = _inflate_stream(zlib.decompressobj(_BARE), packed, limit)
    # What is not compressed at all also looks like a damaged stream.
    return (packed, None) if problem == _DAMAGED else (plain, problem)


def _inflate_stream(
    stream: "zlib._Decompress", packed: bytes, limit: int
) -> tuple[bytes, str | None]:
    plain = bytearray()
    for start in range(0, len(packed), _PIECE):
        try:
            plain += stream.decompress(packed[start : start + _PIECE], limit + 1 - len(plain))
        except zlib.error:
            return bytes(plain), _DAMAGED
        if len(plain) > limit:
            return bytes(plain[:limit]), f"it is longer than {limit} bytes"
    return bytes(plain), None if stream.eof else "it was cut off"
