"""Fetching the video: downloaded to a partial file, checked, and moved into the store."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from ..atomic import move_into_place
from ..errors import NetworkSettingsError, ProviderError, ResultUnavailable
from ..http.addresses import AddressRefused
from ..http.download import Break, DeadLink, Download, DownloadInterrupted, TooLarge
from ..http.pacing import backoff, now
from ..rehearsal import of_money
from ..status import Status, Ticket
from ..text import bytes_text, reason
from ..threads import in_thread
from .context import JobContext
from .video import UnplayableVideo

logger: logging.Logger = logging.getLogger("kling26")

#: How many links are tried.
_LINKS = 5
#: How long no other interruption is told of, in seconds.
_QUIET = 10.0


async def fetch(context: JobContext, ticket: Ticket, status: Status) -> tuple[Path, str | None]:
    """
    Store the video of a task that succeeded; returns its path and the link it came from.

    Raises `ResultUnavailable`, which says why; the task can be resumed.
    """
    context.checker.start()
    url, problem = status.url, ""
    for attempt in range(1, _LINKS + 1):
        pause = backoff(attempt)
        try:
            return await _download(context, url), url
        # A refused URL may have been sent too early, or by mistake.
        except (DeadLink, DownloadInterrupted, AddressRefused) as error:
            problem = str(error)
            pause = max(pause, error.pause if isinstance(error, DownloadInterrupted) else 0.0)
            logger.info("Fetching the video of %s: %s", context.id, error)
            if attempt < _LINKS:
                message = f"The video could not be fetched: {problem}. Looking for another link."
                context.report("note", message=message)
        except (TooLarge, NetworkSettingsError, OSError) as error:
            raise _unavailable(context, reason(error)) from error
        if attempt < _LINKS:
            await asyncio.sleep(pause)
            url = await _another_link(context, ticket, url)
    raise _unavailable(context, problem)


def _unavailable(context: JobContext, problem: str) -> ResultUnavailable:
    paid = of_money(context.provider, " and paid for")
    return ResultUnavailable(
        f"The video is finished at {context.provider.title}{paid}, but could not be fetched: "
        f"{problem}."
    )


async def _another_link(context: JobContext, ticket: Ticket, url: str | None) -> str | None:
    """A fresh link instead of a dead one: renewed, or polled again."""
    provider = context.provider
    try:
        if url is not None and provider.can("renew"):
            return await context.client.ask(provider.renew(ticket, url))
    except ProviderError as error:
        logger.info("Renewing the link of %s: %s", context.id, error)
    try:
        status = await context.client.ask(provider.poll(ticket))
    except ProviderError as error:
        logger.info("Polling again for the link of %s: %s", context.id, error)
        context.report_message(str(error))
        return url
    return status.url or url


async def _download(context: JobContext, url: str | None) -> Path:
    """Download one link into the store; returns the path."""
    if url is None:
        raise DeadLink("the provider did not send a URL")
    path = context.store.video_path(context.id)
    # One per worker: another one may be writing its own.
    part = path.with_name(f"{path.name}.{context.journal.worker.id}.part")

    def report(done: int, total: int | None) -> None:
        context.report("downloading", done=done, total=total)

    async def finish() -> None:
        await _put_in_place(context, part, path)

    breaks = _Breaks(context)
    download = Download(url, part, context.downloads, context.task.realm, report, breaks.tell)
    async with context.client.concurrency.downloads.slot():
        await in_thread(context.store.make_room)
        try:
            await download.run(finish)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return path


@define
class _Breaks:
    """Tells of a download's interruptions, but not of all: some links break off at each MB."""

    context: JobContext
    _told: float | None = field(default=None, init=False)

    def tell(self, broken: Break) -> None:
        """Tell of one, unless another was told of a moment ago."""
        if self._told is not None and now() - self._told < _QUIET:
            return
        self._told = now()
        if broken.done:
            where = bytes_text(broken.done, broken.total)
            following = "going on" if broken.resumable else "starting over"
            message = f"The download broke off at {where}; {following}."
        else:
            message = f"The download was interrupted: {broken.reason}. Trying again."
        self.context.report("note", message=message)


async def _put_in_place(context: JobContext, part: Path, path: Path) -> None:
    """Check the file and move it into the store; raises `DeadLink` if it is no whole video."""
    try:
        await context.checker.check(part, context.task.duration)
    except UnplayableVideo as error:
        raise DeadLink(f"the link did not lead to a playable video: {error}") from error
    await in_thread(move_into_place, part, path)
