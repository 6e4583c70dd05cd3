"""What a caller gets in the end."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from ..errors import Kling26Error
from ..journal.task import Task
from ..provider import Provider


@frozen
class Video:
    """
    A video that is here.

    `file` is where it was written; `cost` is what it took, where told, and counts `cost_unit`.
    `reused` says that it had been paid for before, at `paid` (seconds since the epoch).
    """

    task: str
    provider: str
    task_id: str | None
    url: str | None
    file: Path
    cost: float | None
    cost_unit: str | None
    reused: bool
    paid: float | None


@frozen
class Outcome:
    """How one of several tasks ended: its row, and the video or the error."""

    task: Task
    video: Video | None
    error: Kling26Error | None


def cost_unit(task: Task, providers: Mapping[str, Provider]) -> str | None:
    """What the cost of a task counts; None if it has none, or nobody knows any more."""
    if task.cost is None or task.cost_unit is not None:
        return task.cost_unit
    provider = providers.get(task.provider)  # The row is older than the column.
    return provider.cost_unit if provider else None
