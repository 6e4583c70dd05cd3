"""Responses: JSON, and what no API means to send: web pages, truncated bodies, wrong types."""

import json
from collections.abc import Collection, Mapping

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from .faults import Reset


class AsciiJSONResponse(JSONResponse):
    """JSON in ASCII, because a quoted prompt may contain a lone surrogate."""

    def render(self, content: object) -> bytes:
        return json.dumps(content).encode()


def web_page(status: int = 200) -> Response:
    """The page that a proxy in front of an API shows when the API is in trouble."""
    return HTMLResponse(
        "<!DOCTYPE html><html><head><title>Just a moment</title></head>"
        "<body><h1>Checking your connection</h1></body></html>",
        status,
    )


def retry_after(seconds: float | None) -> dict[str, str]:
    """The header Retry-After, or no header for None."""
    return {} if seconds is None else {"Retry-After": f"{seconds:g}"}


class TruncatedResponse(Response):
    """Announces a whole response, sends its first `length` bytes, and breaks off."""

    def __init__(self, whole: Response, length: int) -> None:
        super().__init__(bytes(whole.body)[:length], whole.status_code)
        self.raw_headers: list[tuple[bytes, bytes]] = whole.raw_headers

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


def without(value: object, names: Collection[str]) -> object:
    """The same structure without the fields of these names."""
    match value:
        case Mapping():
            kept = {name: inner for name, inner in value.items() if name not in names}
            return {name: without(inner, names) for name, inner in kept.items()}
        case list() | tuple():
            return [without(inner, names) for inner in value]
        case _:
            return value


def wrong_types(value: object) -> object:
    """The same structure with the same names, and each leaf in another JSON type."""
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


def end_of_id(text: str, task_id: str) -> int:
    """
    Where an id ends in a body of ASCII JSON: behind its quotes or, for a number, what follows it.

    Raises `ValueError` if it is not there.
    """
    quoted = json.dumps(task_id)
    if (start := text.rfind(quoted)) >= 0:
        return start + len(quoted)
    return text.rindex(task_id) + len(task_id) + 1
