"""What a task tells while it goes on."""

from collections.abc import Callable
from typing import Literal

from attrs import frozen

Phase = Literal[
    "uploading", "submitting", "waiting", "queued", "running", "downloading", "stored", "note"
]


@frozen
class Progress:
    """
    One step of a task.

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


Listener = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """A listener for whoever does not want to know."""
