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
    pending: list[str] = []
    with suppress(JournalError):  # The video is here; a journal error must not withhold it.
        pending = await journal.pending_outputs(task.id)
    own = [] if output is None else [str(output)]
    for name in dict.fromkeys([*own, *pending]):
        try:
            await asyncio.to_thread(copy_video, stored, Path(name))
        except OSError as error:
            if own and name not in own:
                continue  # Another caller's output, which stays pending.
            with suppress(JournalError):
                await journal.request_output(task.id, name)
            raise NotDelivered(
                f"The video is stored as {stored}, but could not be written to {name}: "
                f"{error.strerror}."
            ) from error
        written = Path(name)
        if name in pending:
            with suppress(JournalError):
                await journal.mark_written(task.id, name)
    return output or written
