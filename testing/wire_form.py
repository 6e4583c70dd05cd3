"""A request as it is sent, flattened into one mapping, so that a difference can be named."""

import json
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import BytesParser
from urllib.parse import parse_qsl

import httpx
from attrs import frozen

#: A request's values by their paths: "method", "url", "query.page", "header.x-id", "body.prompt".
WireForm = Mapping[str, object]

#: Headers that httpx adds by itself, or that say nothing about the video.
_USUAL = ("accept", "accept-encoding", "connection", "content-length", "content-type", "host",
          "transfer-encoding", "user-agent")  # fmt: skip


@frozen
class WirePart:
    """A part of a multipart form."""

    name: str
    filename: str | None
    media_type: str | None
    content: bytes


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


def is_wrapping(form: WireForm, path: str) -> bool:
    """Whether a value is a text of JSON, whose own values have paths, too."""
    return any(other.startswith((f"{path}.", f"{path}[")) for other in form)


def wire_parts(request: httpx.Request) -> list[WirePart]:
    """The parts of a multipart form (RFC 7578); none if the body is not one."""
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    boundary = header.get_boundary()
    if header.get_content_maintype() != "multipart" or boundary is None:
        return []
    pieces = (b"\r\n" + request.read()).split(b"\r\n--" + boundary.encode())
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> WirePart:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = BytesParser().parsebytes(head, headersonly=True)
    name = headers.get_param("name", "", "content-disposition")
    return WirePart(str(name), headers.get_filename(), headers.get("content-type"), content)


def _exact(form: WireForm, path: str) -> tuple[type, object] | None:
    return (type(form[path]), form[path]) if path in form else None


def _body(request: httpx.Request) -> Iterator[tuple[str, object]]:
    content, kind = request.read(), request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        for name, value in parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True):
            yield from _text(f"body.{name}", value)
    elif parts := wire_parts(request):
        for part in parts:
            yield from _text(f"body.{part.name}", _decoded(part.content))
            if part.filename is not None:
                yield f"body.{part.name} (its file name)", part.filename
    else:
        try:
            yield from _flat("body", json.loads(content))
        except ValueError:
            yield "body", _decoded(content)


def _decoded(content: bytes) -> object:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _text(path: str, value: object) -> Iterator[tuple[str, object]]:
    """A field of a form, and what is in it if that is JSON."""
    yield path, value
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            yield from _flat(path, json.loads(value))
        except ValueError:
            return


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}", inner)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _flat(f"{path}[{index}]", inner)
    elif isinstance(value, str):
        yield from _text(path, value)
    else:
        yield path, value
