"""
Files over HTTP, in pieces and by Range (RFC 9110, section 14).

Starlette's FileResponse reads in threads; an emulator must also run on an event loop whose time
is virtual, so it has its own.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Literal

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .conditions import Conditions
from .faults import Reset

PIECE = 64 * 1024  # bytes


@frozen
class Transfer:
    """How a file is sent: correctly, unless a field says otherwise."""

    #: Stop halfway and reset the connection, or close it as if the file were complete.
    cut: Literal["reset", "close"] | None = None
    #: At least this many pieces, each followed by a pause in seconds.
    pieces: int = 1
    pause: float | None = None


CORRECT = Transfer()


class FileResponse(Response):
    """The bytes of a file, or the range of them that the request asks for."""

    def __init__(
        self,
        content: bytes,
        request: Request,
        conditions: Conditions,
        *,
        media_type: str = "video/mp4",
        ranges: bool = True,
        transfer: Transfer = CORRECT,
    ) -> None:
        etag = f'"{sha256(content).hexdigest()[:16]}"'
        span = requested_range(request, len(content), etag) if ranges else None
        super().__init__(None, 200, {"ETag": etag}, media_type)
        if ranges:
            self.headers["Accept-Ranges"] = "bytes"
        if span is not None and not span:
            self.status_code, content = 416, b""
            self.headers["Content-Range"] = f"bytes */{span.stop}"
        elif span is not None:
            self.status_code = 206
            self.headers["Content-Range"] = f"bytes {span[0]}-{span[-1]}/{len(content)}"
            content = content[span[0] : span[-1] + 1]
        self.headers["Content-Length"] = str(len(content))
        self._content = content if request.method == "GET" else b""
        self._transfer, self._sleep = transfer, conditions.sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        for piece in self._pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if self._transfer.pause is not None:
                await self._sleep(self._transfer.pause)
        match self._transfer.cut:
            case None:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            case "reset":
                raise Reset

    def _pieces(self) -> Iterator[bytes]:
        size = min(PIECE, max(1, len(self._content) // self._transfer.pieces))
        end = len(self._content) // 2 if self._transfer.cut else len(self._content)
        for start in range(0, end, size):
            yield self._content[start : min(end, start + size)]


def requested_range(request: Request, length: int, etag: str) -> range | None:
    """
    The bytes that a request asks for; None if it asks for all of them.

    A range outside the file is returned as an empty one that stops at the file's length.
    """
    header = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", "").strip())
    if header is None or request.headers.get("if-range", etag) != etag:
        return None
    first, last = header.groups()
    if not first and not last:
        return None
    if not first:
        start, stop = max(0, length - int(last)), length
    else:
        start, stop = int(first), min(length, int(last) + 1) if last else length
    if last and first and int(last) < int(first):
        return None  # An invalid range, which the RFC says to ignore.
    return range(start, stop) if start < stop else range(length, length)
