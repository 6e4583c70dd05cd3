"""Answers: JSON, and what is no provider's: web pages, broken bodies, wrong types."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ._faults import Reset


class JSONAnswer(JSONResponse):
    """JSON in ASCII: an answer may quote a prompt, and a prompt may hold a lone surrogate."""

    def render(self, content: object) -> bytes:
        return json.dumps(content).encode()


def web_page(status: int = 200) -> Response:
    """What a proxy in front of a provider shows when it is in trouble."""
    return HTMLResponse(
        "<!DOCTYPE html><html><head><title>Just a moment</title></head>"
        "<body><h1>Checking your connection</h1></body></html>",
        status,
    )


def retry_after(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": f"{seconds:g}"}


class CutOff(Response):
    """The beginning of an answer, which announces the whole and then breaks off."""

    def __init__(self, whole: Response, length: int) -> None:
        super().__init__(bytes(whole.body)[:length], whole.status_code)
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        raise Reset


def wrong_types(value: object) -> object:
    """The same value with every leaf in another JSON type, and the names left as they are."""
    match value:
        case Mapping():
            return {name: wrong_types(inner) for name, inner in value.items()}
        case str():
            return len(value)
        case bool() | int() | float():
            return str(value)
        case list() | tuple():
            return {str(index): wrong_types(inner) for index, inner in enumerate(value)}
        case _:
            return []
