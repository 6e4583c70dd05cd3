"""Requests as HTTP and JSON want them: content types, headers, bodies."""

import json
from collections.abc import Iterator
from typing import NoReturn

import httpx

from ..wire_form import wire_parts
from .asking import choices
from .base import FREE
from .forms import Forms
from .judging import fail, flow_name

#: A text with letters that no header can have.
FOREIGN = "Ein Reiher – 鷺 – 🪶"


class WellFormed(Forms):
    """How requests are put on the wire."""

    def test_requests_are_well_formed(self) -> None:
        """
        JSON is called JSON, bodies are UTF-8, headers are ASCII, and a GET has no body.

        What to do: pass `json=`, `data=` or `files=` to `httpx.Request`, which sets the headers.
        """
        for name in self._sampled():
            for request in self._requests(name):
                self._check_request(flow_name(name), request)
        for start in self._starts():
            for choice in choices(self.provider, start.request):
                values = [FOREIGN] if choice.name == "prompt" else choice.values
                for value in values:
                    for asked in self._settled(start.but(choice.name, value)) or ():
                        for request in self._submitting(asked.request, self._taken(asked)):
                            self._check_request("submit", request)

    def _check_request(self, flow: str, request: httpx.Request) -> None:
        for problem in _problems(request):
            fail(f"{flow}: {request.method} {request.url.path} {problem}.")


def _problems(request: httpx.Request) -> Iterator[str]:
    content, kind = request.read(), request.headers.get("content-type", "")
    for name, value in request.headers.raw:
        if not (value.isascii() and value.decode("ascii").isprintable()):
            yield f"has the header {name.decode('latin-1')} with more than printable ASCII"
    if content and request.method in FREE:
        yield "has a body; put it into the query"
    media, _, parameters = kind.lower().partition(";")
    if "charset" in parameters and "utf-8" not in parameters:
        yield f"is called {kind}; send UTF-8"
    if content:
        yield from _body_problems(request, content, media.strip())


def _body_problems(request: httpx.Request, content: bytes, media: str) -> Iterator[str]:
    called, text = media == "application/json" or media.endswith("+json"), _utf8(content)
    if text is None and (called or media.startswith(("text/", "application/x-www-form"))):
        yield "has a body that is not UTF-8"
    value: object = None
    try:
        value = json.loads(text or "", parse_constant=_no_number)
    except ValueError as error:
        if called and text is not None:
            yield f"is called {media}, but its body is no JSON: {error}"
    if isinstance(value, dict | list) and not called:
        yield f"has a body of JSON, but is called {media or 'nothing'}; pass it as json="
    if media.startswith("multipart/") and not wire_parts(request):
        yield "has a form without its boundary; leave the Content-Type to httpx, or name it there"


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _utf8(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
