"""
Fetching the video: streamed to a ``.part`` file, resumed, checked, and renamed into place.

The link is the provider's word and nothing more: it never sees the key, and it may not lead into
the user's own network.
"""

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import stamina
from attrs import define, field

from ..errors import Kling26Error, ProviderError, ResultUnavailable
from ..http import addresses
from ..http.client import USER_AGENT
from ..http.pacing import backoff, now
from ..status import Status, Ticket
from ..text import sanitize
from .video import NoVideo, check_video

if TYPE_CHECKING:
    from .job import Job

logger = logging.getLogger("kling26")

#: The largest video that is fetched, in bytes.
MAX_VIDEO = 2 * 1024**3
_MAX_REDIRECTS = 5
#: How often one link is tried, and how many links.
_TRIES = 4
_LINKS = 5
_TIMEOUT = httpx.Timeout(30.0, connect=15.0, pool=None)
#: Progress is told at most this often, in seconds.
_TELL_EVERY = 0.1


class _Trouble(Kling26Error):
    """A download that broke, and may be tried again at the same link."""


class _TooLarge(Kling26Error):
    """More than any video has, so that no link is worth another try."""


class _LinkDead(Kling26Error):
    """A link that gives no video; another one may."""


async def deliver(job: "Job", ticket: Ticket, status: Status) -> tuple[Path, str | None]:
    """
    The stored video of a task that succeeded, and the link that it came from.

    Raises `ResultUnavailable`, which says why; the task can be resumed.
    """
    url, problem = status.url, ""
    for attempt in range(1, _LINKS + 1):
        try:
            if url is None:
                raise _LinkDead("the provider does not say where it is")
            return await _fetch(job, url), url
        # An address that is not followed may have been told too early, or by mistake.
        except (_LinkDead, _Trouble, addresses.AddressRefused) as error:
            problem = str(error)
            logger.info("Fetching the video of %s: %s", job.id, error)
        except _TooLarge as error:
            raise _unavailable(job, str(error)) from error
        except OSError as error:
            raise _unavailable(job, f"{sanitize(error.strerror or error)}") from error
        if attempt < _LINKS:
            await asyncio.sleep(backoff(attempt))
            url = await _another_link(job, ticket, url)
    raise _unavailable(job, problem)


def _unavailable(job: "Job", problem: str) -> ResultUnavailable:
    return ResultUnavailable(
        f"The video is done at {job.provider.title}, but could not be fetched: {problem}. "
        f"Try again with: kling26 resume {job.id}"
    )


async def _another_link(job: "Job", ticket: Ticket, url: str | None) -> str | None:
    """A fresh link for a dead one: renewed, or as the provider tells it now."""
    try:
        if url is not None and job.provider.can("renew"):
            return await job.courier.ask(job.provider.renew(ticket, url))
    except ProviderError as error:
        logger.info("Renewing the link of %s: %s", job.id, error)
    try:
        status = await job.courier.ask(job.provider.poll(ticket))
    except ProviderError as error:
        logger.info("Asking again for the link of %s: %s", job.id, error)
        return url
    return status.url or url


async def _fetch(job: "Job", url: str) -> Path:
    """One link, tried several times."""
    download = _Download(job, url)
    await asyncio.to_thread(download.prepare)
    async for attempt in stamina.retry_context(
        on=_Trouble, attempts=_TRIES, timeout=None, wait_initial=0.5, wait_max=10
    ):
        with attempt:
            try:
                await download.run()
                await asyncio.to_thread(download.finish)
            except FileNotFoundError as error:
                # Another worker, which took this one for dead, cleaned up behind it.
                raise _Trouble("the unfinished file was removed") from error
    return download.path


@define
class _Download:
    job: "Job"
    url: str
    #: The total in bytes, where the server tells.
    _total: int | None = field(default=None, init=False)
    #: Whether the server takes ranges, and its mark of this version of the file.
    _ranges: bool = field(default=False, init=False)
    _mark: str | None = field(default=None, init=False)
    _told: float = field(default=0.0, init=False)

    @property
    def path(self) -> Path:
        return self.job.bench.store.video(self.job.id)

    @property
    def part(self) -> Path:
        # Each worker's own: one that was taken for dead may still be writing.
        worker = self.job.bench.journal.worker.id
        return self.path.with_name(f"{self.path.name}.{worker}.part")

    def prepare(self) -> None:
        """An empty start: what another run left behind may be of another version of the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for old in self.path.parent.glob(f"{self.path.name}.*.part"):
            old.unlink(missing_ok=True)

    async def run(self) -> None:
        """Fetch what is missing."""
        have = self.part.stat().st_size if self.part.exists() else 0
        if not self._ranges:
            have = 0
        try:
            reply = await self._open(have)
        except httpx.TransportError as error:
            raise _Trouble(
                f"the connection broke ({sanitize(error) or 'no reason given'})"
            ) from error
        try:
            await self._save(reply, have if self._resumes(reply, have) else 0)
        except httpx.TransportError as error:
            raise _Trouble(f"the download broke off ({sanitize(error)})") from error
        finally:
            await reply.aclose()

    def finish(self) -> None:
        """Check the whole file and put it in place."""
        try:
            check_video(self.part)
        except NoVideo as error:
            self.part.unlink(missing_ok=True)
            raise _Trouble(f"what the link gave is no video that plays: {error}") from error
        with self.part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.part, self.path)

    async def _open(self, have: int) -> httpx.Response:
        """The reply that carries the file, after redirects, each held against the guard."""
        url = self.url
        for _ in range(_MAX_REDIRECTS + 1):
            reply = await self._get(url, have)
            location = reply.headers.get("location")
            if not (reply.is_redirect and location):
                return await self._accepted(reply)
            await reply.aclose()
            url = urljoin(url, location)
        raise _LinkDead(f"the link redirects more than {_MAX_REDIRECTS} times")

    async def _get(self, url: str, have: int) -> httpx.Response:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Accept": "*/*"}
        if have:
            headers["Range"] = f"bytes={have}-"
        if have and self._mark is not None:
            headers["If-Range"] = self._mark
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise _LinkDead(f'the link "{sanitize(url, 100)}" is no address') from error
        candidates = await self._addresses(target)
        failure: httpx.TransportError = httpx.ConnectError("the name has no address")
        for address in candidates:
            request = httpx.Request(
                "GET", target, headers=headers, extensions={"timeout": _TIMEOUT.as_dict()}
            )
            if address is not None:
                addresses.pin(request, address)
            try:
                return await self.job.bench.downloads.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, url: httpx.URL) -> list[str | None]:
        """Where to connect to for a URL; None means by its name."""
        if self.job.task.realm == "sandbox":
            return [None]
        # A paid video is taken from where it is; it is no secret, and no key goes there.
        checked = await addresses.resolve(
            url, local=self.job.task.realm == "loopback", unencrypted=True
        )
        return [*checked] or [None]

    async def _accepted(self, reply: httpx.Response) -> httpx.Response:
        if reply.status_code in (200, 206):
            return reply
        await reply.aclose()
        status = reply.status_code
        if status == 416:
            self._ranges = False  # The part does not fit this file: from the start.
        if status in (408, 416, 425, 429) or status >= 500:
            raise _Trouble(f"the link answered HTTP {status}")
        raise _LinkDead(f"the link answered HTTP {status}")

    def _resumes(self, reply: httpx.Response, have: int) -> bool:
        """Whether the reply goes on where the part ends, in the same file."""
        if reply.status_code != 206:
            return False
        start, _, total = reply.headers.get("content-range", "").partition("/")
        same = self._total is None or total in ("*", str(self._total))
        if same and start.startswith(f"bytes {have}-"):
            return True
        self._ranges = False
        raise _Trouble("the server sent another part than was asked for")

    async def _save(self, reply: httpx.Response, offset: int) -> None:
        headers = reply.headers
        length = headers.get("content-length", "")
        self._total = offset + int(length) if length.isascii() and length.isdigit() else None
        self._ranges = reply.status_code == 206 or headers.get("accept-ranges") == "bytes"
        etag = headers.get("etag", "")
        # A weak mark cannot vouch for bytes (RFC 9110, section 13.1.5).
        self._mark = headers.get("last-modified") if etag[:2] in ("", "W/") else etag
        self._hold(self._total or 0)
        done = offset
        with self.part.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            async for chunk in reply.aiter_raw():
                file.write(chunk)
                done += len(chunk)
                self._hold(done)
                self._tell(done)
        if self._total is not None and done != self._total:
            raise _Trouble(f"the server announced {self._total} bytes and sent {done}")
        self._tell(done, last=True)

    def _hold(self, size: int) -> None:
        if size > MAX_VIDEO:
            raise _TooLarge(f"it is larger than {MAX_VIDEO // 1024**3} GiB")

    def _tell(self, done: int, last: bool = False) -> None:
        if last or now() - self._told >= _TELL_EVERY:
            self._told = now()
            self.job.tell("downloading", done=done, total=self._total)
