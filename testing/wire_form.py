"""A request as it is sent, flattened into one mapping, so that a difference can be named."""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

import httpx

#: A request's values by their paths: "method", "url", "query.page", "header.x-id", "body.prompt".
WireForm = Mapping[str, object]

#: Headers that httpx adds by itself, or that say nothing about the video.
_USUAL = ("accept", "accept-encoding", "connection", "content-length", "content-type", "host",
          "transfer-encoding", "user-agent")  # fmt: skip


def wire_form(request: httpx.Request) -> WireForm:
    """Method, URL, query, headers and body of a request, each value under its path."""
    form: dict[str, object] = {
        "method": request.method,
        "url": str(request.url.copy_with(query=None)),
    }
    form |= {f"query.{name}": value for name, value in request.url.params.multi_items()}
    form |= {
        f"header.{name}": value for name, value in request.headers.items() if name not in _USUAL
    }
    return form | dict(_body(request))


def changed(one: WireForm, other: WireForm) -> list[str]:
    """The paths where two forms differ in value or JSON type, or that only one of them has."""
    paths = [*one, *(path for path in other if path not in one)]
    return [path for path in paths if _exact(one, path) != _exact(other, path)]


def contains(form: WireForm, text: str) -> bool:
    """Whether the text is part of any value."""
    return any(isinstance(value, str) and text in value for value in form.values())


def _exact(form: WireForm, path: str) -> tuple[type, object] | None:
    return (type(form[path]), form[path]) if path in form else None


def _body(request: httpx.Request) -> Iterator[tuple[str, object]]:
    text = request.read().decode("utf-8", "replace")
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        for name, value in parse_qsl(text, keep_blank_values=True):
            yield f"body.{name}", value
        return
    try:
        yield from _flat("body", json.loads(text))
    except ValueError:
        boundary = re.search(r"boundary=([^;]+)", kind)
        yield "body", text.replace(boundary[1], "boundary") if boundary else text


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}", inner)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _flat(f"{path}[{index}]", inner)
    else:
        yield path, value
