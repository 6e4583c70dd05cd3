"""
Forms as a cassette keeps them: part by part, whatever the boundary between them was.

A text is kept as it is; of anything else the length and the digest, which tell as well whether the
same was sent again::

    body:
      form:
      - name: purpose
        value: first frame
      - name: file
        filename: fox.png
        content_type: image/png
        length: 4711
        sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
"""

from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import HeaderParser
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from attrs import frozen

#: A part of a form, as JSON.
Part = dict[str, Any]

URLENCODED = "application/x-www-form-urlencoded"


@frozen
class MediaType:
    """A content type: its name in lower case, and its parameters."""

    name: str
    boundary: str | None
    rest: Mapping[str, str]

    @classmethod
    def read(cls, header: str) -> "MediaType":
        message = Message()
        message["content-type"] = header
        found = {name.lower(): value for name, value in message.get_params([], "content-type")[1:]}
        name = header.partition(";")[0].strip().lower()
        return cls(name, found.pop("boundary", None), found)

    @property
    def is_form(self) -> bool:
        return self.name == URLENCODED or self.name.startswith("multipart/")

    def __str__(self) -> str:
        """Without a boundary, and without the charset that everything has anyway."""
        rest = {name: value for name, value in self.rest.items() if value.lower() != "utf-8"}
        return "; ".join([self.name, *(f"{name}={rest[name]}" for name in sorted(rest))])


def form(content_type: str, body: bytes) -> list[Part] | None:
    """The parts of a body; None if it is no form after all."""
    kind = MediaType.read(content_type)
    if kind.name == URLENCODED:
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
        except ValueError:
            return None
        return [{"name": name, "value": value} for name, value in pairs]
    if not kind.name.startswith("multipart/"):
        return None
    return _multipart(kind.boundary, body)


def _multipart(boundary: str | None, body: bytes) -> list[Part] | None:
    # A recording of another tool may lack the boundary, or have its line ends changed.
    first = body.lstrip().partition(b"\n")[0].rstrip()
    opening = f"--{boundary}".encode() if boundary else first
    if not opening.startswith(b"--") or not body.lstrip().startswith(opening):
        return None
    end = b"\r\n" if opening + b"\r\n" in body else b"\n"
    pieces = (end + body.lstrip()).split(end + opening)
    if not pieces[-1].startswith(b"--"):
        return None
    return [_part(piece.removeprefix(end), end) for piece in pieces[1:-1]]


def _part(piece: bytes, end: bytes) -> Part:
    head, _, content = (end + piece).partition(end * 2)
    headers = HeaderParser().parsestr(head.lstrip().decode("utf-8", "replace"))
    name = headers.get_param("name", None, "content-disposition")
    found = {
        "name": name,
        "filename": headers.get_filename(),
        "content_type": headers.get("content-type"),
    }
    return {**{key: value for key, value in found.items() if value is not None}, **kept(content)}


def kept(content: bytes) -> Part:
    """What is kept of a part's content."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None and all(letter.isprintable() or letter in "\r\n\t" for letter in text):
        return {"value": text}
    return {"length": len(content), "sha256": sha256(content).hexdigest()}


def parts_of(fields: Mapping[str, object]) -> list[Part]:
    """The parts of a form that is given by its names; a list of values has a part for each."""
    parts: list[Part] = []
    for name, given in fields.items():
        for value in given if isinstance(given, list) else [given]:
            own = value if isinstance(value, Mapping) else {"value": str(value)}
            parts.append({"name": name, **own})
    return parts


def file(filename: str, content: bytes, content_type: str = "application/octet-stream") -> Part:
    """A file in a form, for `kling26.testing.cassettes.exchange`."""
    return {"filename": filename, "content_type": content_type, **kept(content)}


def by_name(parts: Iterable[Part]) -> dict[str, Any]:
    """A form for comparison: the order of its names means nothing, that under a name does."""
    found: dict[str, list[Any]] = {}
    for part in parts:
        rest = {key: value for key, value in part.items() if key != "name"}
        plain = rest["value"] if list(rest) == ["value"] else rest
        found.setdefault(str(part.get("name", "")), []).append(plain)
    return {name: each[0] if len(each) == 1 else each for name, each in found.items()}
