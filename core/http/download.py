"""
Downloading a file: streamed to a partial file, and resumed after an interruption.

The link comes from the provider and is not trusted: it never gets the key, and must not lead into
the user's own network.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import httpx
from attrs import define, field

from ..errors import Kling26Error
from ..status import Realm
from ..text import sanitize
from . import addresses
from .client import USER_AGENT
from .pacing import backoff, now

#: The maximum size of a video, in bytes.
MAX_VIDEO = 2 * 1024**3
_MAX_REDIRECTS = 5
#: How many times each link is tried.
_ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(30.0, connect=15.0, pool=None)
#: The minimum time between progress reports, in seconds.
_REPORT_EVERY = 0.1


class DownloadInterrupted(Kling26Error):
    """The download was interrupted; the same link may work again."""


class TooLarge(Kling26Error):
    """The file is larger than any video, so no link is worth another try."""


class DeadLink(Kling26Error):
    """The link does not work; another one may."""


@define
class Download:
    """
    One link, downloaded to `part`.

    Outside the sandbox, the link is checked before it is followed. `report` is called with the
    bytes received and the total, which is None if the server does not send it.
    """

    url: str
    part: Path
    client: httpx.AsyncClient
    realm: Realm
    report: Callable[[int, int | None], None]
    #: The total in bytes, if the server sends it.
    _total: int | None = field(default=None, init=False)
    #: Whether the server supports ranges, and its validator (RFC 9110, section 8.8) for the file.
    _ranges: bool = field(default=False, init=False)
    _validator: str | None = field(default=None, init=False)
    _reported: float = field(default=0.0, init=False)

    async def run(self, finish: Callable[[], None]) -> None:
        """
        Download the file and call `finish` in a thread, with several attempts.

        `finish` may raise `DownloadInterrupted` if the file is not complete. Raises that,
        `DeadLink`, `TooLarge`, `AddressRefused`, or `OSError` if the file cannot be written.
        """
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._try(finish)
            except DownloadInterrupted:
                await asyncio.sleep(backoff(attempt) / 2)
        return await self._try(finish)

    async def _try(self, finish: Callable[[], None]) -> None:
        try:
            await self._fetch_missing()
            await asyncio.to_thread(finish)
        except FileNotFoundError as error:
            # Another worker, which believed this one to be dead, deleted it.
            raise DownloadInterrupted("the partial file was removed") from error

    async def _fetch_missing(self) -> None:
        have = self.part.stat().st_size if self._ranges and self.part.exists() else 0
        try:
            reply = await self._open(have)
        except httpx.TransportError as error:
            reason = sanitize(error) or "no reason given"
            raise DownloadInterrupted(f"the connection broke ({reason})") from error
        try:
            await self._save(reply, have if self._resumes(reply, have) else 0)
        except httpx.TransportError as error:
            raise DownloadInterrupted(f"the download was cut off ({sanitize(error)})") from error
        finally:
            await reply.aclose()

    async def _open(self, have: int) -> httpx.Response:
        """The reply with the file, after redirects, each of which is checked."""
        url = self.url
        for _ in range(_MAX_REDIRECTS + 1):
            reply = await self._get(url, have)
            location = reply.headers.get("location")
            if not (reply.is_redirect and location):
                return await self._check_status(reply)
            await reply.aclose()
            url = urljoin(url, location)
        raise DeadLink(f"the link redirects more than {_MAX_REDIRECTS} times")

    async def _get(self, url: str, have: int) -> httpx.Response:
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise DeadLink(f'the link "{sanitize(url, 100)}" is not a URL') from error
        failure: httpx.TransportError = httpx.ConnectError("the host name has no IP address")
        for address in await self._addresses(target):
            request = httpx.Request(
                "GET",
                target,
                headers=self._headers(have),
                extensions={"timeout": _TIMEOUT.as_dict()},
            )
            if address is not None:
                addresses.pin(request, address)
            try:
                return await self.client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    def _headers(self, have: int) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Accept": "*/*"}
        if have:
            headers["Range"] = f"bytes={have}-"
        if have and self._validator is not None:
            headers["If-Range"] = self._validator
        return headers

    async def _addresses(self, url: httpx.URL) -> list[str | None]:
        """The IP addresses to try for a URL; None means to connect by host name."""
        if self.realm == "sandbox":
            return [None]
        # Plain http is allowed: a paid video is not secret, and no key is sent there.
        checked = await addresses.resolve(url, local=self.realm == "loopback", unencrypted=True)
        return [*checked] or [None]

    async def _check_status(self, reply: httpx.Response) -> httpx.Response:
        if reply.status_code in (200, 206):
            return reply
        await reply.aclose()
        status = reply.status_code
        if status == 416:
            self._ranges = False  # The part does not belong to this file: start again.
        if status in (408, 416, 425, 429) or status >= 500:
            raise DownloadInterrupted(f"the link answered HTTP {status}")
        raise DeadLink(f"the link answered HTTP {status}")

    def _resumes(self, reply: httpx.Response, have: int) -> bool:
        """Whether the reply continues the part, and is of the same file."""
        if reply.status_code != 206:
            return False
        start, _, total = reply.headers.get("content-range", "").partition("/")
        same = self._total is None or total in ("*", str(self._total))
        if same and start.startswith(f"bytes {have}-"):
            return True
        self._ranges = False
        raise DownloadInterrupted("the server sent a different part than the one requested")

    async def _save(self, reply: httpx.Response, offset: int) -> None:
        self._read_headers(reply, offset)
        _check_size(self._total or 0)
        done = offset
        with self.part.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            async for chunk in reply.aiter_raw():
                file.write(chunk)
                done += len(chunk)
                _check_size(done)
                self._report_progress(done)
        if self._total is not None and done != self._total:
            raise DownloadInterrupted(f"the server announced {self._total} bytes and sent {done}")
        self._report_progress(done, last=True)

    def _read_headers(self, reply: httpx.Response, offset: int) -> None:
        headers = reply.headers
        length = headers.get("content-length", "")
        self._total = offset + int(length) if length.isascii() and length.isdigit() else None
        self._ranges = reply.status_code == 206 or headers.get("accept-ranges") == "bytes"
        etag = headers.get("etag", "")
        # A weak validator does not guarantee equal bytes (RFC 9110, section 13.1.5).
        self._validator = headers.get("last-modified") if etag[:2] in ("", "W/") else etag

    def _report_progress(self, done: int, last: bool = False) -> None:
        if last or now() - self._reported >= _REPORT_EVERY:
            self._reported = now()
            self.report(done, self._total)


def _check_size(size: int) -> None:
    if size > MAX_VIDEO:
        raise TooLarge(f"it is larger than {MAX_VIDEO // 1024**3} GiB")
