"""What an emulator looks at in a picture: its size."""

from __future__ import annotations

import base64
import binascii
import io


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height, or None when it is no picture."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def decoded(text: str) -> bytes | None:
    """The bytes of base64, plain or in a ``data:`` address; None when it is neither."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def placeholder() -> bytes:
    """A picture in the place of one that would have to be fetched from the network."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (640, 360), "gray").save(file, "PNG")
    return file.getvalue()
