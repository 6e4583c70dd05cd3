"""An image to start a video from, and whether it can be used."""

import hashlib
import warnings
from base64 import b64encode
from functools import cached_property
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path

from attrs import define, field

from .atomic import full_path, look_at
from .errors import ImageRefused
from .text import sanitize

_SUFFIXES = {"jpeg": "jpg"}
#: The most that is read from an image file, in bytes.
_MAX_FILE = 100 * 10**6
#: The most pixels: Pillow's own bound for what may be a decompression bomb. Decoding that many
#: takes up to a gigabyte of memory, as a WebP file.
_MAX_PIXELS = 1024**3 // 4 // 3
#: The most scans of a progressive JPEG. Cameras write about ten; each is a pass over all pixels.
_MAX_SCANS = 100
#: What every PNG file ends with, and Pillow does not look for.
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
# Many phones append a second picture to a JPEG file; Pillow calls that format MPO.
_FORMAT_ALIASES = {"mpo": "jpeg"}


class _Whole(BytesIO):
    """
    A file that must not be read beyond its end.

    By itself Pillow fills what is missing with grey where ``ImageFile.LOAD_TRUNCATED_IMAGES`` is
    set, as ComfyUI and many of its nodes do for the whole process.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data and size != 0:
            raise OSError("the file is incomplete")
        return data


def _has_gap(jpeg: bytes) -> bool:
    """
    Whether data is missing inside a JPEG, also if somebody has put an end to what was left of it.

    libjpeg makes up what is missing and only warns, which Pillow does not pass on; FFmpeg can be
    told to give up. What it cannot decode at all, such as 12 bits a colour, has no gap for us.
    """
    import av

    decoder = av.CodecContext.create("mjpeg", "r")
    # An eighth of the size is enough; everything is read.
    decoder.options = {"err_detect": "explode", "lowres": "3"}
    decoder.thread_count = 1
    try:
        decoder.decode(av.Packet(jpeg))
    except av.InvalidDataError:
        return True
    except av.FFmpegError:
        return False
    return False


@define(frozen=True, slots=False)
class ImageFile:
    """
    An image's bytes, unchanged: nothing is converted or scaled.

    `format` is Pillow's name in lower case, such as "jpeg", "png" or "webp", or None if Pillow
    cannot read the bytes; `size` is (width, height) in pixels.
    """

    data: bytes = field(repr=False)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "ImageFile":
        """Read the image at `path`; raises `ImageRefused` if that fails."""
        try:
            look_at(full_path(Path(path)))  # Opening a pipe may never end.
            with Path(path).open("rb") as file:
                data = file.read(_MAX_FILE + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ImageRefused(
                f'The image "{sanitize(fspath(path))}" cannot be read: {reason or "no such file"}.'
            ) from error
        if len(data) > _MAX_FILE:
            raise ImageRefused(
                f'The image "{sanitize(fspath(path))}" is larger than {_MAX_FILE // 10**6} MB, '
                "more than any provider accepts."
            )
        return cls(data)

    @cached_property
    def _measured(self) -> tuple[str | None, tuple[int, int]]:
        from PIL import Image  # Pillow is only needed for a request with an image.

        try:
            # Pillow also warns about images that it can read; only success or failure counts here.
            with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(self.data)) as image:
                kind = (image.format or "").lower()
                return _FORMAT_ALIASES.get(kind, kind) or None, image.size
        except (OSError, RuntimeError, SyntaxError, ValueError, Image.DecompressionBombError):
            return None, (0, 0)

    @cached_property
    def defect(self) -> str | None:
        """
        Why the image cannot be used, worded to follow "image"; None if it can be decoded.

        That takes up to 30 ms for a megapixel, so call it in a thread where others wait.
        """
        width, height = self.size
        if width * height > _MAX_PIXELS:
            most = _MAX_PIXELS // 10**6
            return f"must have at most {most} million pixels; got {width} x {height}."
        data = self.data
        if self.format == "jpeg" and data.count(_JPEG_SCAN) > _MAX_SCANS:
            return f"must be a JPEG of at most {_MAX_SCANS} scans."
        try:
            return None if self._decode(data) else "must be a single picture; this one is animated."
        except Exception:  # noqa: BLE001 - whatever Pillow's decoders raise means the same.
            return "must be a whole picture; this file is damaged or incomplete."

    def _decode(self, data: bytes) -> bool:
        """Decode all of the file, or raise; returns whether it is a single picture."""
        from PIL import Image

        formats = [(self.format or "").upper()]
        if not self._has_end(data) or (self.format == "jpeg" and _has_gap(data)):
            raise ValueError("a part is missing")
        with warnings.catch_warnings(action="ignore"):
            with Image.open(_Whole(data), formats=formats) as image:
                image.verify()  # The checksums, after which it has to be opened again.
            with Image.open(_Whole(data), formats=formats) as image:
                image.draft(None, (1, 1))  # Of a JPEG, everything is read, but less is computed.
                image.load()
                return image.format == "MPO" or not getattr(image, "is_animated", False)

    def _has_end(self, data: bytes) -> bool:
        """Whether the end of the last picture in the file is there: decoders may make one up."""
        if self.format == "png":
            return _PNG_END in data
        if self.format == "jpeg":
            return data.rfind(_JPEG_END) > data.rfind(_JPEG_SCAN)
        return True

    @property
    def format(self) -> str | None:
        return self._measured[0]

    @property
    def size(self) -> tuple[int, int]:
        return self._measured[1]

    @property
    def length(self) -> int:
        """How long the file is, in bytes."""
        return len(self.data)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hex: equal images make equal requests."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def name(self) -> str:
        """A file name derived from the bytes: only equal images share it."""
        kind = self.format or "bin"
        return f"{self.digest[:24]}.{_SUFFIXES.get(kind, kind)}"

    @property
    def mime_type(self) -> str:
        return f"image/{self.format}" if self.format else "application/octet-stream"

    def base64(self) -> str:
        """The bytes in base64, without a ``data:`` prefix."""
        return b64encode(self.data).decode("ascii")

    def data_url(self) -> str:
        """The bytes inside a URL: ``data:image/png;base64,…``."""
        return f"data:{self.mime_type};base64,{self.base64()}"


class ImageOnDisk(ImageFile):
    """
    An image that is read whenever its bytes are needed, and not kept: of many, memory has no room.

    What is read first counts: if the file has been changed since, `data` raises `ImageRefused`.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.__dict__["_path"] = Path(path)

    @property
    def path(self) -> Path:
        found: Path = self.__dict__["_path"]
        return found

    @property
    def data(self) -> bytes:
        data = ImageFile.read(self.path).data
        found = hashlib.sha256(data).hexdigest(), len(data)
        if self.__dict__.setdefault("_first", found) != found:
            raise ImageRefused(f'The image "{sanitize(self.path)}" was changed while it was used.')
        return data

    @property
    def _known(self) -> tuple[str, int]:
        """The digest and the length."""
        if "_first" not in self.__dict__:
            _ = self.data
        first: tuple[str, int] = self.__dict__["_first"]
        return first

    @property
    def length(self) -> int:
        return self._known[1]

    @property
    def digest(self) -> str:
        return self._known[0]


def as_image(value: "str | PathLike[str] | bytes | ImageFile | None") -> str | ImageFile | None:
    """Convert to an `ImageFile`: a path is read, bytes are wrapped. A URL stays as it is."""
    if value is None or value == "":
        return None
    if isinstance(value, ImageFile):
        return value
    if isinstance(value, bytes):
        return ImageFile(value)
    if isinstance(value, str) and value.lower().startswith(("http://", "https://")):
        return value
    return ImageFile.read(value)
