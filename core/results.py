"""What a caller gets in the end."""

from pathlib import Path

from attrs import frozen

from .errors import Kling26Error
from .task import Task


@frozen
class Video:
    """
    A video that is here.

    `file` is where it was written; `cost` counts the provider's `cost_unit`, where told.
    `reused` says that it had been paid for before, at `paid` (seconds since the epoch).
    """

    task: str
    provider: str
    task_id: str | None
    url: str | None
    file: Path
    cost: float | None
    reused: bool
    paid: float | None


@frozen
class Outcome:
    """How one of several tasks ended: its row, and the video or the error."""

    task: Task
    video: Video | None
    error: Kling26Error | None
