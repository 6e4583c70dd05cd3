"""Bodies of requests: JSON without what was not given, and forms with files."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

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


def form_request(url: str, fields: Mapping[str, str | ImageFile]) -> "httpx.Request":
    """
    A POST of a multipart form, whose fields are texts and images.

    Equal fields make equal bytes: the boundary is made from them, so that a cassette can be played.
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
