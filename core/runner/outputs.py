"""Writing the stored video to the outputs that users asked for."""

import asyncio
from contextlib import suppress
from pathlib import Path

from ..errors import JournalError, NotDelivered
from ..journal.files import copy_video
from ..journal.journal import Journal
from ..journal.task import Task


async def write_outputs(journal: Journal, task: Task, output: Path | None) -> Path:
    """
    Write the video of a stored task to `output` and to the task's other pending outputs.

    Returns the path for this caller; raises `NotDelivered` if that cannot be written.
    """
    stored = written = Path(str(task.file))
    pending = [] if output is None else [str(output)]
    with suppress(JournalError):  # The video is here; a journal error must not withhold it.
        pending += await journal.pending_outputs(task.id)
    for path in map(Path, dict.fromkeys(pending)):
        try:
            await asyncio.to_thread(copy_video, stored, path)
        except OSError as error:
            if output not in (None, path):
                continue  # Another caller's output, which stays pending.
            raise NotDelivered(
                f"The video is stored as {stored}, but could not be written to {path}: "
                f"{error.strerror}."
            ) from error
        written = path
        with suppress(JournalError):
            await journal.mark_written(task.id, str(path))
    return output or written
