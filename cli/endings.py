"""How the task of a command ended, and what is printed of it."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from ..core.atomic import full_path
from ..core.errors import Kling26Error
from ..core.journal.task import Task
from ..core.provider import Provider
from ..core.runner.results import Video, likely_cost
from . import texts
from .console import as_object, result, say
from .exits import exit_status
from .progress_texts import made_among, made_text
from .tables import paragraph
from .work import Session

if TYPE_CHECKING:
    from ..core.runner.results import Outcome


@frozen
class Ending:
    """How a task ended: its row, if known, its provider, and the video or the error."""

    task: Task | None
    provider: Provider | None
    video: Video | None
    error: Kling26Error | None
    #: How long it took, in seconds; None if the video was paid for before.
    took: float | None = 0.0
    #: What is said of the error, if not the usual.
    text: str | None = None
    #: Whether it was requested before, if there is no video.
    reused: bool = False
    #: Whether the video was here before.
    here_before: bool = False
    #: Whether it is one of several.
    among: bool = False


def stored_video(task: Task, provider: Provider | None, output: str | None) -> Video | None:
    """The video of a task that was found in the store, which has been written to `output`."""
    if task.standing != "stored":
        return None
    file = full_path(Path(output).expanduser()) if output is not None else Path(str(task.file))
    return Video.of(task, file, reused=True, provider=provider)


def ending(
    session: Session[Ending], outcome: "Outcome", began: float, here: Collection[str] = ()
) -> Ending:
    """How a task ended; `here` are those whose videos were here when the command began."""
    task, video = outcome.task, outcome.video
    took = None if video is not None and paid_before(video, began) else time.time() - began
    provider = session.providers.get(task.provider)
    return Ending(task, provider, video, outcome.error, took, here_before=task.id in here)


def paid_before(video: Video, began: float) -> bool:
    """Whether a video was paid for before a moment, in seconds since the epoch."""
    return (video.paid or began) < began


def say_made(end: Ending, quiet: bool) -> None:
    """Say who made a video, and for what; in a few words if it is one of several."""
    if end.video is None or quiet:
        return
    likely = None if end.task is None else likely_cost(end.task)
    if end.among:
        say(made_among(end.video, likely, here_before=end.here_before))
        return
    text = made_text(end.video, end.provider, end.took, likely, here_before=end.here_before)
    say("\n".join(paragraph(text, "")))


def show_ending(end: Ending, as_json: bool, among: bool = False) -> int:
    """Print how a task ended, perhaps `among` others; returns its exit status."""
    error, text = end.error, None
    if error is not None:
        text = end.text or texts.error_text(error, end.task, end.provider)
        shown = texts.in_lines(text, error)
        say(f"{error.task}: {shown}" if among else shown)
    file = None if end.video is None else end.video.file
    if as_json:
        result(as_object(error, end.task, end.video, text, end.provider, end.reused), file)
    elif file is not None:
        result(str(file), file)
    elif error is None and end.task is not None:  # It is left to the provider.
        result(end.task.id)
    return 0 if error is None else exit_status(error)
