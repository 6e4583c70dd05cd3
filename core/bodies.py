"""Bodies of requests: JSON without what was not given, and forms with files."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, overload

from .images import ImageFile

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


def without_none(**fields: T | None) -> dict[str, T]:
    """
    The fields of a JSON object, without those that are None.

    >>> without_none(prompt="A red fox", seconds=5, webhook_url=None)
    {'prompt': 'A red fox', 'seconds': 5}
    """
    return {name: value for name, value in fields.items() if value is not None}


@overload
def image_text(image: None, spell: Callable[[ImageFile], str] = ...) -> None: ...
@overload
def image_text(image: str | ImageFile, spell: Callable[[ImageFile], str] = ...) -> str: ...
@overload
def image_text(
    image: str | ImageFile | None, spell: Callable[[ImageFile], str] = ...
) -> str | None: ...
def image_text(
    image: str | ImageFile | None, spell: Callable[[ImageFile], str] = ImageFile.data_url
) -> str | None:
    """
    An image inside JSON: a URL as it is, and a file as `spell` writes it; None for None.

    >>> image_text(ImageFile(b"x"), ImageFile.base64), image_text("https://a.example/fox.png")
    ('eA==', 'https://a.example/fox.png')
    """
    return spell(image) if isinstance(image, ImageFile) else image


def form_request(url: str, fields: Mapping[str, str | ImageFile]) -> "httpx.Request":
    """
    A POST of a multipart form, whose fields are texts and images.

    Equal fields make equal bytes: the boundary is made from them, so that equal requests are equal.
    """
    import httpx

    files: dict[str, tuple[str | None, bytes, str] | tuple[None, bytes]] = {}
    digest = hashlib.sha256()
    for name, value in fields.items():
        if isinstance(value, ImageFile):
            files[name] = value.name, value.data, value.mime_type
        else:
            files[name] = None, value.encode()
        for part in (name.encode(), files[name][1]):
            digest.update(b"%d:%b" % (len(part), part))
    kind = f"multipart/form-data; boundary={digest.hexdigest()[:32]}"
    return httpx.Request("POST", url, files=files, headers={"Content-Type": kind})
