"""
Downloading a file: streamed to a partial file, and resumed after an interruption.

The link comes from the provider and is not trusted: it never gets the key, and must not lead into
the user's own network.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import httpx
from attrs import define, field, frozen

from .. import refusals
from ..errors import Kling26Error
from ..status import Realm
from ..text import sanitize
from . import addresses
from .client import USER_AGENT
from .codings import CodingError, Decoder
from .pacing import backoff, now
from .parts import Part, WrongPart

#: The maximum size of a video, in bytes.
MAX_VIDEO = 2 * 1024**3
_MAX_REDIRECTS = 5
#: How many times in a row each link is tried without getting further.
_ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(30.0, connect=15.0, pool=None)
#: How long the headers of a reply may take, in seconds: httpx only limits the wait for each byte.
_HEADERS_TIMEOUT = 60.0
#: The slowest pace, in bytes per second, and the time over which it is measured, in seconds.
_SLOWEST, _MEASURED = 4096, 30.0
#: How long a link may ask to wait, in seconds.
_LONGEST_PAUSE = 60.0
#: The minimum time between progress reports, in seconds.
_REPORT_EVERY = 0.1


class DownloadInterrupted(Kling26Error):
    """The download was interrupted; the same link may work again after `pause` seconds."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class TooLarge(Kling26Error):
    """The file is larger than any video, so no link is worth another try."""


class DeadLink(Kling26Error):
    """The link does not work; another one may."""


@frozen
class Break:
    """An interruption: why, the bytes that are here and the total, and whether they still count."""

    reason: str
    done: int
    total: int | None
    resumable: bool


def _ignore(_: Break) -> None:
    """A listener for interruptions that ignores them."""


@define
class Download:
    """
    One link, downloaded to `part`.

    Outside the sandbox, the link is checked before it is followed. `report` is called with the
    bytes received and the total, which is None if the server does not send it; `on_break` with each
    interruption after which the download goes on.
    """

    url: str
    part: Path
    client: httpx.AsyncClient
    realm: Realm
    report: Callable[[int, int | None], None]
    on_break: Callable[[Break], None] = _ignore
    #: The total in bytes, if the server has said it.
    _total: int | None = field(default=None, init=False)
    #: What identifies the file that is in `part`; None if the download cannot be resumed.
    _validator: str | None = field(default=None, init=False)
    #: The most bytes that any attempt has got to.
    _most: int = field(default=0, init=False)
    _reported: float = field(default=0.0, init=False)
    #: How far the latest attempt has got, in bytes.
    _done: int = field(default=0, init=False)

    async def run(self, finish: Callable[[], Awaitable[None]]) -> None:
        """
        Download the file and await `finish`, with several attempts.

        An attempt that got further, at no less than the slowest pace, is not counted.
        `finish` may raise `DownloadInterrupted` if the file is not complete. Raises that,
        `DeadLink`, `TooLarge`, `AddressRefused`, `NetworkSettingsError`, or `OSError` if the file
        cannot be written.
        """
        attempt, most, since = 1, 0, now()
        while True:
            try:
                return await self._try(finish)
            except DownloadInterrupted as error:
                pause = error.pause
                # Some servers send a file in many small parts, or cut off each reply.
                if self._most - most > _SLOWEST * (now() - since):
                    attempt, most, since = 1, self._most, now()
                elif attempt == _ATTEMPTS:
                    raise
                else:
                    pause = max(backoff(attempt) / 2, pause)
                    attempt += 1
                self.on_break(Break(str(error), self._done, self._total, self._resumable))
            await asyncio.sleep(pause)

    async def _try(self, finish: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._fetch_missing()
            await finish()
        except FileNotFoundError as error:
            # Another worker, which believed this one to be dead, deleted it.
            raise DownloadInterrupted("the partial file was removed") from error

    @property
    def _resumable(self) -> bool:
        """Whether the next attempt may go on with what is in `part`."""
        return self._validator is not None and self.part.exists()

    async def _fetch_missing(self) -> None:
        self._done = have = self.part.stat().st_size if self._resumable else 0
        try:
            async with asyncio.timeout(_HEADERS_TIMEOUT):
                reply = await self._open(have)
        except TimeoutError as error:
            raise DownloadInterrupted("the server did not answer in time") from error
        except httpx.TransportError as error:
            reason = sanitize(error) or "no reason given"
            raise DownloadInterrupted(f"the connection broke ({reason})") from error
        try:
            await self._save(reply, self._accept(reply, have))
        except httpx.TransportError as error:
            raise DownloadInterrupted(f"the download was cut off ({sanitize(error)})") from error
        except CodingError as error:
            raise DownloadInterrupted(str(error)) from error
        finally:
            await reply.aclose()

    async def _open(self, have: int) -> httpx.Response:
        """The reply with the file, after redirects, each of which is checked."""
        url = addresses.read_url(self.url)
        for _ in range(_MAX_REDIRECTS + 1):
            reply = await self._get(url, have)
            location = reply.headers.get("location")
            if not (reply.is_redirect and location):
                return await self._check_status(reply)
            await reply.aclose()
            url = addresses.read_url(location, str(url))
        raise DeadLink(f"the link redirects more than {_MAX_REDIRECTS} times")

    async def _get(self, url: httpx.URL, have: int) -> httpx.Response:
        failure: httpx.TransportError = httpx.ConnectError("the host name has no IP address")
        for address in await self._addresses(url):
            request = httpx.Request(
                "GET",
                url,
                headers=self._headers(have),
                extensions={"timeout": _TIMEOUT.as_dict()},
            )
            if address is not None:
                addresses.pin(request, address)
            try:
                return await self._send(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self.client.send(request, stream=True)
        except (httpx.InvalidURL, httpx.RemoteProtocolError, ValueError) as error:
            # httpx prepares the request that a redirect asks for, even if nobody will send it.
            if isinstance(error, httpx.RemoteProtocolError) and not _is_bad_redirect(error):
                raise
            raise DeadLink("the link redirects to what is not a URL") from error

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
            addresses.check_scheme(url, local=True, unencrypted=True)
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
            self._start_over()  # The part does not belong to this file.
        if status in (408, 416, 425, 429) or status >= 500:
            pause = min(refusals.retry_after(reply) or 0.0, _LONGEST_PAUSE)
            raise DownloadInterrupted(f"the link answered HTTP {status}", pause)
        raise DeadLink(f"the link answered HTTP {status}")

    def _accept(self, reply: httpx.Response, have: int) -> Part:
        """What the reply contains: the file from its start, or what is missing after `have`."""
        try:
            found = Part.read(reply)
        except WrongPart as error:
            self._start_over()
            raise DownloadInterrupted(f"the server sent a part of the file, but {error}") from error
        if found.start == 0:
            self._validator = found.validator
            self._total = self._total if found.total is None else found.total
        elif found.start != have or found.coding:
            self._start_over()
            raise DownloadInterrupted("the server sent a different part than the one requested")
        elif not self._belongs(found):
            self._start_over()
            raise DownloadInterrupted("the file has changed during the download")
        _check_size(self._total or 0)
        return found

    def _belongs(self, found: Part) -> bool:
        """Whether a part is of the file that the download began with."""
        # Without a validator it may be a part of anything.
        return found.validator == self._validator and (
            None in (found.total, self._total) or found.total == self._total
        )

    def _start_over(self) -> None:
        self._validator = self._total = None

    async def _save(self, reply: httpx.Response, found: Part) -> None:
        with self.part.open("r+b" if found.start else "wb") as file:
            if found.start:  # ext4 writes a file that was cut to nothing to the disk at its close.
                file.seek(found.start)
                file.truncate()
            if found.coding:
                decoder = Decoder(found.coding)
                await self._receive(reply, found, lambda chunk: _write(file, decoder.feed(chunk)))
                _write(file, decoder.finish())
            else:
                await self._receive(reply, found, file.write)
        self._check_end(found, self._done)
        self._report_progress(self._done, last=True)

    async def _receive(
        self, reply: httpx.Response, found: Part, write: Callable[[bytes], object]
    ) -> None:
        """Write what arrives, in thousands of chunks; the pace is looked at now and then."""
        done, pace, due = found.start, _Pace(found.start), 0.0
        try:
            async for chunk in reply.aiter_raw():
                done += len(chunk)
                _check_size(done)
                write(chunk)
                if (moment := now()) >= due:
                    due = moment + _REPORT_EVERY
                    pace.check(done)
                    self._report_progress(done)
        finally:
            self._done, self._most = done, max(self._most, done)

    def _check_end(self, found: Part, done: int) -> None:
        """Raise `DownloadInterrupted` unless as much arrived as was announced, in every reply."""
        end = None if found.length is None else found.start + found.length
        for announced in (end, self._total):
            if announced not in (None, done):
                raise DownloadInterrupted(f"the server announced {announced} bytes and sent {done}")

    def _report_progress(self, done: int, last: bool = False) -> None:
        if last or now() - self._reported >= _REPORT_EVERY:
            self._reported = now()
            self.report(done, self._total)


@define
class _Pace:
    """How fast a file arrives; `_before` is how many bytes there were when the measuring began."""

    _before: int
    _since: float = field(factory=now, init=False)

    def check(self, done: int) -> None:
        """Raise `DownloadInterrupted` if too little has arrived for some time."""
        elapsed = now() - self._since
        if elapsed < _MEASURED:
            return
        if done - self._before < _SLOWEST * elapsed:
            raise DownloadInterrupted(
                f"only {done - self._before} bytes arrived in {elapsed:.0f} seconds"
            )
        self._before, self._since = done, now()


def _is_bad_redirect(error: httpx.RemoteProtocolError) -> bool:
    return isinstance(error.__context__, httpx.InvalidURL)


def _write(file: BinaryIO, pieces: Iterable[bytes]) -> None:
    """Write what has been unpacked, which may be far more than what arrived."""
    for piece in pieces:
        file.write(piece)
        _check_size(file.tell())


def _check_size(size: int) -> None:
    if size > MAX_VIDEO:
        raise TooLarge(f"it is larger than {MAX_VIDEO // 1024**3} GiB")
