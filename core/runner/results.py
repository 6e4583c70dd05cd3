"""The results that callers get."""

from pathlib import Path

from attrs import frozen

from ..errors import Kling26Error
from ..journal.task import Task


@frozen
class Video:
    """
    A video on this machine.

    `file` is its path; `cost` is what the provider charged, if known, in `cost_unit`. `reused`
    means that the video was requested before; `paid` is when the provider accepted it, in seconds
    since the epoch; `sandbox` means that it is a rehearsal.
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
    """How a task ended: its row, and either the video or the error."""

    task: Task
    video: Video | None
    error: Kling26Error | None
