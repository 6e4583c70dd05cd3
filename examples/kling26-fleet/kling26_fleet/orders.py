"""A row as the queue keeps it, in JSON, with its pictures in the shared home."""

from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import attrs
from attrs import frozen
from kling26.core import ImageFile, VideoRequest

_PICTURES = ("image", "end_image")


@frozen
class Order:
    """A video that is wanted; `name` is what the row is called in messages."""

    name: str
    request: VideoRequest
    provider: str
    options: Mapping[str, object] | None = None
    output: Path | None = None
    sandbox: bool = False


def pack(order: Order, folder: Path) -> dict[str, Any]:
    """An order in JSON; its pictures are kept in `folder`. Raises `OSError`."""
    request = {
        field.name: _kept(getattr(order.request, field.name), folder)
        for field in attrs.fields(VideoRequest)
        if field.name != "task"
    }
    return {
        "name": order.name,
        "request": request,
        "provider": order.provider,
        "options": dict(order.options or {}),
        "output": None if order.output is None else str(order.output),
        "sandbox": order.sandbox,
    }


def unpack(packed: Mapping[str, Any], folder: Path) -> Order:
    """The order again; raises `ImageRefused` if a picture cannot be read."""
    request = dict(packed["request"])
    for name in _PICTURES:
        if isinstance(kept := request[name], dict):
            request[name] = ImageFile.read(folder / kept["kept"])
    output = packed["output"]
    return Order(
        packed["name"],
        VideoRequest(**request),
        packed["provider"],
        packed["options"] or None,
        None if output is None else Path(output),
        packed["sandbox"],
    )


def _kept(value: Any, folder: Path) -> Any:
    """A value of a request; for a picture, its name among those that the machines share."""
    if not isinstance(value, ImageFile):
        return value
    path = folder / value.digest
    if not path.exists():
        folder.mkdir(0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{token_hex(4)}")
        new.write_bytes(value.data)
        new.replace(path)
    return {"kept": path.name}
