"""
Files over HTTP, in pieces and by Range (RFC 9110, section 14).

Written by hand, because Starlette's FileResponse reads through threads, and an emulator must
also run on an event loop whose time is virtual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ._conditions import Conditions
from ._faults import Reset

PIECE = 64 * 1024


@frozen
class Manner:
    """How a file is sent: well, unless it says otherwise."""

    #: Stop in the middle: the connection breaks, or is closed as if that had been all.
    cut: bool = False
    politely: bool = False
    #: At least so many pieces, with so many seconds between them.
    pieces: int = 1
    pause: float | None = None


WELL = Manner()


class FileResponse(Response):
    """The bytes of a file, or the range of them that was asked for."""

    def __init__(
        self,
        content: bytes,
        request: Request,
        conditions: Conditions,
        *,
        media_type: str = "video/mp4",
        ranges: bool = True,
        manner: Manner = WELL,
    ) -> None:
        etag = f'"{sha256(content).hexdigest()[:16]}"'
        span = asked_range(request, len(content), etag) if ranges else None
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
        self._manner, self._sleep = manner, conditions.sleep

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
            if self._manner.pause is not None:
                await self._sleep(self._manner.pause)
        if not self._manner.cut:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._manner.politely:
            raise Reset

    def _pieces(self) -> Iterator[bytes]:
        size = min(PIECE, max(1, len(self._content) // self._manner.pieces))
        end = len(self._content) // 2 if self._manner.cut else len(self._content)
        for start in range(0, end, size):
            yield self._content[start : min(end, start + size)]


def asked_range(request: Request, length: int, etag: str) -> range | None:
    """
    The bytes that a request asks for; None when it shall have them all.

    The range is empty, and stops at the length, when it lies outside of the file.
    """
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", "").strip())
    if asked is None or request.headers.get("if-range", etag) != etag:
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if not first:
        start, stop = max(0, length - int(last)), length
    else:
        start, stop = int(first), min(length, int(last) + 1) if last else length
    if last and first and int(last) < int(first):
        return None  # not a range at all, says the RFC: ignore it
    return range(start, stop) if start < stop else range(length, length)
