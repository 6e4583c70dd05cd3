"""Fetching the video: downloaded to a partial file, checked, and moved into the store."""

import asyncio
import logging
from pathlib import Path

from ..atomic import move_into_place
from ..errors import ProviderError, ResultUnavailable
from ..http.addresses import AddressRefused
from ..http.download import DeadLink, Download, DownloadInterrupted, TooLarge
from ..http.pacing import backoff
from ..status import Status, Ticket
from ..text import reason
from .context import JobContext
from .video import UnplayableVideo, check_video

logger: logging.Logger = logging.getLogger("kling26")

#: How many links are tried.
_LINKS = 5


async def fetch(context: JobContext, ticket: Ticket, status: Status) -> tuple[Path, str | None]:
    """
    Store the video of a task that succeeded; returns its path and the link it came from.

    Raises `ResultUnavailable`, which says why; the task can be resumed.
    """
    url, problem = status.url, ""
    for attempt in range(1, _LINKS + 1):
        try:
            return await _download(context, url), url
        # A refused URL may have been sent too early, or by mistake.
        except (DeadLink, DownloadInterrupted, AddressRefused) as error:
            problem = str(error)
            logger.info("Fetching the video of %s: %s", context.id, error)
        except (TooLarge, OSError) as error:
            raise _unavailable(context, reason(error)) from error
        if attempt < _LINKS:
            await asyncio.sleep(backoff(attempt))
            url = await _another_link(context, ticket, url)
    raise _unavailable(context, problem)


def _unavailable(context: JobContext, problem: str) -> ResultUnavailable:
    return ResultUnavailable(
        f"The video is finished at {context.provider.title}, but could not be fetched: {problem}."
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
        return url
    return status.url or url


async def _download(context: JobContext, url: str | None) -> Path:
    """Download one link into the store; returns the path."""
    if url is None:
        raise DeadLink("the provider did not send a URL")
    await asyncio.to_thread(context.store.folder, "videos")
    path = context.store.video_path(context.id)
    # One per worker: another one, believed dead, may still be writing.
    part = path.with_name(f"{path.name}.{context.journal.worker.id}.part")
    await asyncio.to_thread(_clean_up, path)

    def report(done: int, total: int | None) -> None:
        context.report("downloading", done=done, total=total)

    download = Download(url, part, context.downloads, context.task.realm, report)
    await download.run(finish=lambda: _put_in_place(part, path))
    return path


def _clean_up(path: Path) -> None:
    """Delete partial files of earlier runs: they may be of another version of the file."""
    for old in path.parent.glob(f"{path.name}.*.part"):
        old.unlink(missing_ok=True)


def _put_in_place(part: Path, path: Path) -> None:
    """Check the file and move it into the store; raises `DownloadInterrupted` if unplayable."""
    try:
        check_video(part)
    except UnplayableVideo as error:
        part.unlink(missing_ok=True)
        raise DownloadInterrupted(f"the link did not lead to a playable video: {error}") from error
    move_into_place(part, path)
