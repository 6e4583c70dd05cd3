"""What an emulator needs to know about an image: whether it is one, and its size."""

import base64
import binascii
import io


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, or None if the bytes are not an image."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def decode(text: str) -> bytes | None:
    """The bytes of base64, plain or in a ``data:`` URL; None if it is neither, or empty."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def placeholder() -> bytes:
    """A PNG that stands in for an image on the network, which an emulator never fetches."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (640, 360), "gray").save(file, "PNG")
    return file.getvalue()
