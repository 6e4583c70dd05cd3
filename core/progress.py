"""What a task reports while it runs."""

from collections.abc import Callable
from typing import Literal

from attrs import frozen

from .status import Standing

Phase = Literal[
    "found",
    "uploading",
    "submitting",
    "waiting",
    "queued",
    "running",
    "downloading",
    "stored",
    "note",
]


@frozen
class Progress:
    """
    One step of a task.

    With `phase` "found", an equal request was made before, at `since` (seconds since the epoch);
    `standing` is where its task stands, and `sandbox` whether it is a rehearsal.

    `elapsed` is the time since the provider accepted the task, and `expected` what such videos
    usually take, both in seconds; `done` and `total` are in bytes while downloading (total is None
    if the server does not send it). `message` is a sentence for the user, or None. In the phase
    "waiting", `turn` says that nothing is wrong: the task waits for its turn at the provider. What
    is `for_all` is true of all that are asked for together, and told with one of them.
    """

    task: str
    provider: str
    phase: Phase
    elapsed: float | None = None
    expected: float | None = None
    done: int = 0
    total: int | None = None
    position: int | None = None
    message: str | None = None
    since: float | None = None
    standing: Standing | None = None
    sandbox: bool = False
    turn: bool = False
    for_all: bool = False


Listener = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """A listener that ignores all progress."""
