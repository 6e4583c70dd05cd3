"""What a caller gets in the end."""

from pathlib import Path

from attrs import frozen

from ..errors import Kling26Error
from ..journal.task import Task


@frozen
class Video:
    """
    A video that is here.

    `file` is where it was written; `cost` is what it took, where the provider says so, and counts
    `cost_unit`. `reused` says that it had been paid for before, at `paid` (seconds since the
    epoch); `sandbox` that it is a rehearsal.
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
    sandbox: bool = False


@frozen
class Outcome:
    """How one of several tasks ended: its row, and the video or the error."""

    task: Task
    video: Video | None
    error: Kling26Error | None
