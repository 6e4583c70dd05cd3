"""What a task reports while it goes on."""

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

    `phase` "found" says that an equal request was made before, at `since` (seconds since the
    epoch), and that its task stands at `standing`; `sandbox` that it is a rehearsal.

    `elapsed` counts the seconds since the provider took it, `expected` how many such videos
    usually take; `done` and `total` count bytes while downloading (total is None if the server
    does not tell). `message` is a sentence for the user where there is something to say.
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


Listener = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """A listener that ignores all progress."""
