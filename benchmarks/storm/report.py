"""What is needed to look into what went wrong in a storm."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from .hosts import Town
from .judging import Case


def told(cases: Iterable[Case], town: Town) -> Iterator[str]:
    """Each case in some lines: the order, its rows in the journals, and what the logs say."""
    for case in cases:
        yield f"{case.kind}: {case.what}"
        if case.order is not None:
            yield f"  {case.order.provider}, {case.order.prompt!r}"
        for task in case.tasks:
            yield (
                f"  {task.id} {task.state} as {task.task_id}, worker {task.worker}, "
                f"generation {task.generation}, sending {task.sending}: {task.error}"
            )
            yield from (f"    {line}" for line in _log_of(task.id, town))


def _log_of(task: str, town: Town) -> Iterator[str]:
    """The last lines of each log that name a task."""
    for process in town.processes.values():
        with suppress(OSError):
            text = process.out.read_text() + process.err.read_text()
            lines = [line for line in text.splitlines() if task in line]
            for line in lines[-4:]:
                yield f"{process.address} at {process.host.name} ({process.fate}): {line[:300]}"
