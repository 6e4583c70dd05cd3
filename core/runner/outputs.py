"""Writing the stored video to the outputs that users asked for."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import JournalError, NotDelivered
from ..journal.journal import Journal
from ..journal.outputs import Output, write_output
from ..journal.task import Task
from ..text import reason, sanitize
from ..threads import in_thread


async def write_outputs(journal: Journal, task: Task, own: Output | None, recorded: bool) -> Path:
    """
    Write the video of a stored task to all outputs that are owed, and to the caller's `own`.

    `recorded` says whether `own` is in the journal, unless that failed: it is not if the video was
    stored already. Returns the path for this caller. Raises `NotDelivered` if its own output cannot
    be written or, without one, any of them; whatever cannot be written is still owed.
    """
    owed: dict[Path, Output] = {}
    with suppress(JournalError):  # The video is here; a journal error must not withhold it.
        owed = {output.path: output for output in await journal.pending_outputs(task.id)}
    wanted = dict(owed)
    if own is not None and not (recorded and own.path in owed):
        wanted[own.path] = own
    failures: dict[Path, OSError] = {}
    for path, output in wanted.items():
        try:
            await _write(journal, task, output, recorded or path in owed)
        except OSError as error:
            failures[path] = error
    if own is not None:
        failures = {path: error for path, error in failures.items() if path == own.path}
    if failures:
        raise _not_written(task, failures)
    written = [str(task.file), *map(str, wanted)] if own is None else [str(own.path)]
    return Path(written[-1])


async def _write(journal: Journal, task: Task, output: Output, recorded: bool) -> None:
    """Write the video to one output, and record that, or else that it is owed."""
    try:
        found = await in_thread(write_output, Path(str(task.file)), output)
    except OSError:
        with suppress(JournalError):
            await journal.owe_output(task.id, output)
        raise
    if recorded:
        with suppress(JournalError):
            await journal.mark_written(task.id, Output(output.path, found))


def _not_written(task: Task, failures: Mapping[Path, OSError]) -> NotDelivered:
    first, *others = [
        f"could not be written to {sanitize(path, 1000)}: {reason(error)}."
        for path, error in failures.items()
    ]
    sentences = [f"The video is stored as {task.file}, but {first}"]
    return NotDelivered(" ".join([*sentences, *(f"It {each}" for each in others)]))
