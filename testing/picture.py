"""A picture for tests, whose bytes never change, so that a cassette may have them."""

from base64 import b64decode

from ..core.images import ImageFile

#: A grey PNG of 320 x 320 pixels.
PICTURE: ImageFile = ImageFile(
    b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAUAAAAFAAQMAAAD3XjfpAAAAA1BMVEWAgICQdD0xAAAAI0lEQVR4"
        "2u3BAQ0AAADCoPdPbQ8HFAAAAAAAAAAAAAAAAPwaM0AAAWQoMfMAAAAASUVORK5CYII="
    )
)
