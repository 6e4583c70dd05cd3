"""Handing over: the stored video, written wherever it is wanted."""

import asyncio
from contextlib import suppress
from pathlib import Path

from ..errors import JournalError, NotDelivered
from ..journal.files import copy_video
from ..journal.journal import Journal
from ..journal.task import Task


async def write_outputs(journal: Journal, task: Task, output: Path | None) -> Path:
    """
    Write the video of a stored task to `output` and wherever else it is wanted.

    Returns where this caller finds it; raises `NotDelivered` where that cannot be written.
    """
    stored = written = Path(str(task.file))
    wanted = [] if output is None else [str(output)]
    with suppress(JournalError):  # The video is here; that is no reason to keep it back.
        wanted += await journal.pending_outputs(task.id)
    for path in map(Path, dict.fromkeys(wanted)):
        try:
            await asyncio.to_thread(copy_video, stored, path)
        except OSError as error:
            if output not in (None, path):
                continue  # Wanted by somebody else, and still to be written.
            raise NotDelivered(
                f"The video is stored as {stored}, but could not be written to {path}: "
                f"{error.strerror}."
            ) from error
        written = path
        with suppress(JournalError):
            await journal.mark_written(task.id, str(path))
    return output or written
