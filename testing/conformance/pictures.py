"""The bytes of a picture arrive as they are, under their own name and type."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from random import Random

import httpx

from ...core.errors import Kling26Error
from ...core.images import ImageFile
from ..padding import padded
from ..samples import play
from ..spoiling import at, parsed, places, put
from ..wire_form import wire_form, wire_parts
from .asking import Asked
from .forms import Forms
from .judging import fail

#: The endings of file names, by Pillow's name of the format.
ENDINGS = {
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "tiff": ("tif", "tiff"),
    "heif": ("heif", "heic"),
    "jpeg2000": ("jp2", "j2k", "jpf"),
}
#: A file name, or the path of a URL, that ends like a picture's.
NAMED = re.compile(r"[^\s?#]*\.(png|jpe?g|jpe|jfif|webp|gif|bmp|tiff?|hei[cf]|avif)", re.IGNORECASE)
TYPED = re.compile(r"image/[\w.+-]+", re.IGNORECASE)
#: What may be said of a picture's type without lying.
UNTYPED = ("application/octet-stream", "binary/octet-stream")
#: The largest picture that is tried, in bytes: what many services take.
LARGE = 10 * 1000 * 1000
COLOURS = ("grey", "teal", "olive", "navy", "maroon", "purple", "silver", "white", "red", "lime")


class Pictures(Forms):
    """Pictures that are given as files."""

    def test_pictures_arrive_whole(self) -> None:
        """
        A picture in each accepted format and of the smallest size arrives byte for byte.

        What to do: send `image.data` as it is, or `image.base64()`.
        """
        limits = self.provider.limits
        for kind in limits.image_formats:
            for side in {max(320, limits.image_pixels), limits.image_pixels}:
                self._check_arrives(drawn(kind, side, side), "")
        for kind in limits.image_formats[:1]:
            self._check_arrives(_noise(kind, max(640, limits.image_pixels)), "")
            self._check_large(_large(kind, max(320, limits.image_pixels), limits.image_bytes))
            self._check_arrives(_ended(kind, max(320, limits.image_pixels)), " and zeros after it")
        for kind in limits.image_formats:
            for picture in _twins(kind, max(320, limits.image_pixels)):
                self._check_arrives(picture, " after another one of the same size")

    def test_pictures_keep_their_name_and_type(self) -> None:
        """
        Whatever a request says about a picture's media type or file name is right.

        What to do: send `image.mime_type` and `image.name`.
        """
        side = max(320, self.provider.limits.image_pixels)
        for kind in self.provider.limits.image_formats:
            picture = drawn(kind, side, side)
            for name, request in self._carrying(picture) or ():
                for where, said in _sayings(request):
                    if _is_wrong(said, picture, where):
                        fail(f"{name} calls a {kind.upper()} {said}, in {where}.")

    def test_the_urls_of_uploads_are_kept(self) -> None:
        """
        `upload` returns the URL that the service gave, whole: many are signed in their query.

        What to do: return what `self.read_url(…)` returns.
        """
        replies, returned = (
            self._samples().replies.get("upload"),
            self._samples().values.get("upload"),
        )
        if not replies or not self.provider.can("upload"):
            return
        requests: list[httpx.Request] = []
        given: set[str] = set()
        signed = [_signed(reply, given) for reply in replies]
        outcome = self._outcome("upload", signed, requests=requests)
        if returned in given and outcome != f"{returned}{_mark(str(returned))}":
            fail(
                f"upload returned {outcome} when the service gave {returned}{_mark(str(returned))}."
            )
        asked = {str(request.url) for request in self._requests("upload")}
        for each in (given - asked) if returned not in given else ():
            if each.partition("?")[0] == returned:
                fail(f"upload returned {returned} when the service gave {each}.")
        for request in requests:
            url = str(request.url)
            for each in given:
                if url == each or (url.startswith(each) and each + _mark(each) != url):
                    fail(f"upload asks for {url} when the service gave {each}{_mark(each)}.")

    def _check_arrives(self, picture: ImageFile | None, when: str) -> None:
        requests = self._carrying(picture)
        if picture is None or requests is None:
            return
        contents = [content for _, request in requests for content in _contents(request)]
        # A large file may be sent in pieces.
        contents.append(b"".join(each.read() for _, each in requests if not _is_wrapped(each)))
        if picture.data not in contents:
            (width, height), kind = picture.size, (picture.format or "").upper()
            fail(
                f"{'upload' if self.provider.can('upload') else 'submit'} sends other bytes than "
                f"those of a {kind} of {width} x {height} pixels{when}."
            )

    def _check_large(self, picture: ImageFile | None) -> None:
        """The same with a quick look first: everything else takes its time with megabytes."""
        carrying = self._carrying(picture)
        if picture is None or carrying is None:
            return
        marks = (picture.data, picture.base64().encode())
        bodies = (request.read() for _, request in carrying)
        if not any(mark in body for body in bodies for mark in marks):
            self._check_arrives(picture, f" and {picture.length:,} bytes")

    def _carrying(self, picture: ImageFile | None) -> list[tuple[str, httpx.Request]] | None:
        """The requests in which a picture is sent, each with its flow; None if it is refused."""
        asked = None if picture is None else self._settled(Asked(self._plain(picture)))
        if picture is None or asked is None:
            return None
        if not self.provider.can("upload"):
            options = self._taken(asked[0])
            return [("submit", each) for each in self._submitting(asked[0].request, options)]
        replies = self._samples().replies.get("upload")
        if not replies:
            return None
        requests: list[httpx.Request] = []
        with suppress(Kling26Error):  # It is another picture's reply; what was sent counts.
            play(self.provider.upload(picture), replies, requests)
        return [("upload", each) for each in requests]


@lru_cache
def drawn(kind: str, width: int, height: int, colour: str = "grey") -> ImageFile | None:
    """A picture in a format; None if Pillow cannot write it."""
    from PIL import Image

    file = BytesIO()
    try:
        Image.new("RGB", (width, height), colour).save(file, kind)
    except (KeyError, OSError, ValueError):
        return None
    picture = ImageFile(file.getvalue())
    return picture if picture.format == kind else None


def _is_wrapped(request: httpx.Request) -> bool:
    """Whether a body is not the bytes of a file themselves, but has them in a form or in JSON."""
    kind: str = request.headers.get("content-type", "")
    return kind.startswith(("multipart/", "application/json", "application/x-www-form"))


@lru_cache
def _noise(kind: str, side: int) -> ImageFile | None:
    """A picture that cannot be made smaller: some hundred kilobytes."""
    from PIL import Image

    size, file = (640, 640), BytesIO()
    noise = Random(26).randbytes(3 * size[0] * size[1])  # noqa: S311 - it is no secret.
    try:
        Image.frombytes("RGB", size, noise).resize((side, side)).save(file, kind)
    except (KeyError, OSError, ValueError):
        return None
    return ImageFile(file.getvalue())


@lru_cache
def _large(kind: str, side: int, limit: int) -> ImageFile | None:
    """A picture of the largest size that is allowed, or of `LARGE`."""
    picture = drawn(kind, side, side)
    data = picture and padded(picture.data, kind, min(limit, LARGE))
    return ImageFile(data) if data else None


def _ended(kind: str, side: int) -> ImageFile | None:
    """A picture with zeros after its end, as some cameras write them."""
    picture = drawn(kind, side, side)
    return picture and ImageFile(picture.data + b"\0\0")


def _twins(kind: str, side: int) -> Sequence[ImageFile]:
    """Different pictures of the same size in pixels and, if possible, in bytes."""
    found: dict[int, ImageFile] = {}
    for colour in COLOURS:
        picture = drawn(kind, side, side, colour)
        if picture is None:
            return []
        if picture.length in found:
            return [found[picture.length], picture]
        found[picture.length] = picture
    return list(found.values())[:2]


def _signed(reply: httpx.Response, given: set[str]) -> httpx.Response:
    """The reply with each of its URLs signed; those are added to what was `given`."""
    value = parsed(reply)
    for place in places(value):
        url = at(value, place)
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            given.add(url)
            value = put(value, place, f"{url}{_mark(url)}")
    return httpx.Response(reply.status_code, json=value) if given else reply


def _mark(url: str) -> str:
    """A signature, as object stores add it to a URL."""
    return f"{'&' if '?' in url else '?'}X-Sig=a%2Fb%3D&x=1"


def _contents(request: httpx.Request) -> Iterator[bytes]:
    """What may be a picture in a request: its body, the files in a form, base64 in JSON."""
    yield request.read()
    yield from (part.content for part in wire_parts(request))
    for value in wire_form(request).values():
        if isinstance(value, str) and len(value) > 40:
            yield _unbased(value)


def _unbased(text: str) -> bytes:
    """What base64 stands for, plain or in a ``data:`` URL."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()).translate({45: 43, 95: 47}), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _sayings(request: httpx.Request) -> Iterator[tuple[str, str]]:
    """What a request says about a picture, and where."""
    parts = wire_parts(request)
    for part in parts:
        if part.filename is not None:
            if part.media_type is not None:
                yield f"the Content-Type of the part {part.name}", part.media_type
            yield f"the file name of the part {part.name}", part.filename
    content = request.headers.get("content-type", "").partition(";")[0]
    if not parts and content.startswith("image/"):
        yield "the header Content-Type", content
    for path, value in wire_form(request).items():
        if not isinstance(value, str):
            continue
        where = path.removeprefix("body.")
        if value.startswith("data:"):
            yield where, value[5:80].partition(",")[0].partition(";")[0]
        elif TYPED.fullmatch(value) or (NAMED.fullmatch(value) and "://" not in value):
            yield where, value


def _is_wrong(said: str, picture: ImageFile | None, where: str) -> bool:
    kind = (picture.format or "") if picture is not None else ""
    if named := NAMED.fullmatch(said):
        return named[1].lower() not in ENDINGS.get(kind, (kind,))
    if "file name" in where or not said:
        return False
    return said.lower() not in (f"image/{kind}", *UNTYPED)
