"""Whether a request is the one that a cassette has next, and if not, what differs."""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from attrs import frozen

from ..core.settings import origin
from .form_bodies import MediaType, by_name, form, kept
from .scrubbing import parsed
from .secrets import common_length

#: What a cassette keeps of a request, as JSON.
Request = Mapping[str, Any]

_NOTHING = object()
_SHOWN = 60


@frozen
class Place:
    """A place in which two requests differ, such as "body.input.duration"."""

    path: str
    asked: str
    has: str

    def __str__(self) -> str:
        return f"{self.path}: asked {self.asked}, the cassette has {self.has}"


def line_of(request: Request) -> str:
    """Like "POST https://api.acme.example/v1/videos"."""
    return f"{request['method']} {request['uri']}"


def differences(asked: Request, has: Request) -> list[Place]:
    """Where two requests differ; the order of names means nothing, the type of a value does."""
    places = []
    if _target(asked) != _target(has):
        places.append(Place("request", line_of(asked), line_of(has)))
    places += _places("query", _query(asked), _query(has))
    if (one := content_type(asked)) != (other := content_type(has)):
        places.append(Place("content-type", one or "none", other or "none"))
    return [*places, *_places("body", meaning(asked), meaning(has))]


def content_type(request: Request) -> str:
    """What a request says that its body is, without a boundary; empty if it says nothing."""
    return str(MediaType.read(_header(request, "content-type")))


def meaning(request: Request) -> Any:
    """A body as it is compared: JSON, the fields of a form, text, or a digest of bytes."""
    body = request["body"]
    if isinstance(body, Mapping):
        return by_name(_with_digests(part) for part in body["form"])
    if not body:
        return _NOTHING
    raw = body.encode() if isinstance(body, str) else body
    parts = form(_header(request, "content-type"), raw)
    if parts is not None:
        return by_name(parts)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return {"length": len(raw), "sha256": sha256(raw).hexdigest()}
    value = parsed(text)
    return text if value is None else value


def _with_digests(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part as it is recorded, of which the content may have been written down."""
    rest = dict(part)
    value = rest.pop("value", None)
    if isinstance(value, bytes):
        return rest | kept(value)
    return rest if value is None else rest | {"value": value}


def _header(request: Request, name: str) -> str:
    return ", ".join(request["headers"].get(name, []))


def _target(request: Request) -> object:
    """All of a URL that is not its query, however it is escaped."""
    uri = str(request["uri"])
    return request["method"], origin(uri), quote(urlsplit(uri).path or "/", safe="%/:@!$&'()*+,;=~")


def _query(request: Request) -> Any:
    pairs = parse_qsl(urlsplit(str(request["uri"])).query, keep_blank_values=True)
    return by_name({"name": name, "value": value} for name, value in pairs)


def _places(path: str, asked: Any, has: Any) -> Iterator[Place]:
    if isinstance(asked, dict) and isinstance(has, dict):
        for name in dict.fromkeys([*asked, *has]):
            one, other = (each.get(name, _NOTHING) for each in (asked, has))
            yield from _places(f"{path}.{name}", one, other)
    elif isinstance(asked, list) and isinstance(has, list) and len(asked) == len(has):
        for at, (one, other) in enumerate(zip(asked, has, strict=True)):
            yield from _places(f"{path}[{at}]", one, other)
    elif type(asked) is not type(has) or asked != has:
        yield Place(path, *_shown(asked, has))


def _shown(*values: Any) -> Iterator[str]:
    """Two values as JSON, from shortly before the place where they begin to differ."""
    texts = [
        "nothing" if value is _NOTHING else json.dumps(value, ensure_ascii=False)
        for value in values
    ]
    start = max(0, common_length(*texts) - _SHOWN // 2) if max(map(len, texts)) > _SHOWN else 0
    for text in texts:
        part = text[start : start + _SHOWN]
        yield ("…" if start else "") + part + ("…" if start + _SHOWN < len(text) else "")
