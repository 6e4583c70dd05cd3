"""Pictures of any length that every decoder reads: what fills them is where they may have notes."""

import struct
import zlib
from random import Random

#: The most that a comment in a JPEG holds, in bytes.
COMMENT = 65_533


def padded(picture: bytes, kind: str, length: int) -> bytes | None:
    """The picture with about so many bytes, never more; None if its format is not known here."""
    if length <= len(picture):
        return None
    noise = Random(26).randbytes(length - len(picture))  # noqa: S311 - it is no secret.
    if kind == "png":  # A private chunk, before the last one.
        filling, place = _chunk(noise[:-12]), len(picture) - 12
    elif kind == "jpeg":  # Comments after the first mark, without any marks.
        filling, place = _comments(noise.replace(b"\xff", b"\0")), 2
    elif kind == "webp":  # A chunk of a type that readers pass over; the head has the length.
        noise = noise[: (len(noise) - 8) // 2 * 2]
        filling, place = b"NOTE" + struct.pack("<I", len(noise)) + noise, len(picture)
        picture = picture[:4] + struct.pack("<I", len(picture) + len(filling) - 8) + picture[8:]
    else:
        return None
    return picture[:place] + filling + picture[place:]


def _chunk(content: bytes) -> bytes:
    named = b"noTe" + content
    return struct.pack(">I", len(content)) + named + struct.pack(">I", zlib.crc32(named))


def _comments(content: bytes) -> bytes:
    each = COMMENT + 4
    pieces = (content[place : place + COMMENT] for place in range(0, len(content) - each, each))
    return b"".join(b"\xff\xfe" + struct.pack(">H", len(each) + 2) + each for each in pieces)
