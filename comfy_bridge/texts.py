"""
The node's names, and what it says while it runs, in one place; `error_texts` has the errors.

Core says what happened, and how a task stands; the words for the person in front of ComfyUI are
here. The widgets' names and tooltips are those of the options they show, and `locales` makes the
file that translations start from.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from ..core.journal.task import Task
from ..core.progress import Phase, Progress
from ..core.status import Standing
from ..core.text import sanitize

if TYPE_CHECKING:
    from ..core.runner.results import Video

# -- names -------------------------------------------------------------------------------------

NODE_ID = "Kling26Video"
DISPLAY_NAME = "Kling 2.6"
DESCRIPTION = (
    "Generates a Kling 2.6 video from text or from an image, through the provider you have an API "
    "key for. Each video is paid for once: after Cancel, an error or a crash, run again with the "
    "same inputs to get it."
)
CHOICE = {
    "display_name": "Provider",
    "tooltip": "Whose API makes the video; auto is the cheapest of those that have a key and take "
    "the request. Set keys under Settings → Kling 2.6, or in the environment.",
}
#: Who makes a video as long as it may be any provider.
ANY = "auto"
IMAGE = {
    "display_name": "Image",
    "tooltip": "An image to start from (of a batch, the first one); it also sets the shape.",
}
END_IMAGE = {
    "display_name": "End image",
    "tooltip": "An image to end with, beside the one to start from; not every provider takes one.",
}
#: The sockets, in their order: saved workflows know a link by its place, so they are only appended.
IMAGES: Mapping[str, Mapping[str, str]] = {"image": IMAGE, "end_image": END_IMAGE}
IMAGE_URL = {
    "display_name": "Image URL",
    "tooltip": "The https:// URL of an image to start from, instead of the image input. Leave it "
    "empty for text to video.",
    "placeholder": "https://…",
}
SANDBOX = {
    "display_name": "Sandbox",
    "tooltip": "A free rehearsal: an emulator stands in for the provider, no key is needed, "
    "nothing leaves this machine, and the video shows a test picture.",
}
OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "video": {"kind": "Video", "display_name": "video", "tooltip": "The video, a file on disk."},
    "video_url": {
        "kind": "String",
        "display_name": "video_url",
        "tooltip": "The video's URL at the provider, where it expires sooner or later.",
    },
    "task": {
        "kind": "String",
        "display_name": "task",
        "tooltip": "JSON: our id of the task, the provider, its id of the task, and what it cost, "
        "in USD too where that is known.",
    },
}
ALIASES = (
    "kling",
    "kling26",
    "kwaivgi",
    "text to video",
    "image to video",
    "t2v",
    "i2v",
)

# -- how a task stands -------------------------------------------------------------------------

GET = "Run again with the same inputs to get it."
_PAID = "{paid} on {date} as {task}, so this costs nothing"
_REQUESTED = "requested on {date} as {task}, so this continues it"


@frozen
class _Words:
    """
    What to say of a task that a run has left, of a rehearsed one, and of one that is found.

    An equal request finds it.
    """

    state: str
    rehearsed: str
    found: str


_UNSENT = "The request has not been accepted yet. Run again with the same inputs to send it."
_FIND_OUT = "Run again with the same inputs to find out."
_HERE = f"The video is here already. {GET}"
_OVER = "The task has ended without a video."
_STANDINGS: Mapping[Standing, _Words] = {
    "unsent": _Words(_UNSENT, _UNSENT, _REQUESTED),
    "unclear": _Words(
        f"The video may have been paid for. {_FIND_OUT}",
        f"The request has not been answered yet. {_FIND_OUT}",
        _REQUESTED,
    ),
    "at_provider": _Words(
        f"The video is paid for and still being made. {GET}",
        f"The video is still being made. {GET}",
        _PAID,
    ),
    "made": _Words(
        f"The video is paid for and finished. {GET}", f"The video is finished. {GET}", _PAID
    ),
    "stored": _Words(_HERE, _HERE, _PAID),
    "over": _Words(_OVER, _OVER, ""),
}


def stopped(title: str, task: Task) -> str:
    """What to say after Cancel of a task that could not be cancelled."""
    failure = sanitize(task.error) if task.standing == "over" and task.error else ""
    words = _STANDINGS[task.standing]
    state = words.rehearsed if task.sandbox else words.state
    return f"{title} · stopped waiting. {failure or state}"


def stopped_waiting(title: str, rehearsal: bool) -> str:
    """What to say after Cancel if nobody knows how the task stands."""
    paid = "" if rehearsal else " and paid for"
    return f"{title} · stopped waiting. The video may still be made{paid}. {GET}"


def cancelled(title: str) -> str:
    return f"{title} · cancelled; nothing was sent."


def cancelling(title: str) -> str:
    return f"{title} · cancelling …"


def stopped_before(title: str) -> str:
    return f"{title} · stopped before anything was sent."


def left(title: str) -> str:
    """What to say when another node has ended the prompt; the task goes on by itself."""
    return f"{title} · another node stopped this run, but this video is still on its way. {GET}"


def broken(title: str, error: BaseException) -> str:
    """What to say of an error that should not happen."""
    return f"{title} · {sanitize(error)}"


RUN_STOPPED = "The run was stopped before the video arrived."


# -- progress ----------------------------------------------------------------------------------

#: What a phase is called, unless it goes by its own name.
PHASES: Mapping[Phase, str] = {
    "uploading": "uploading the image",
    "running": "generating",
    "stored": "done",
}


def line(title: str, progress: Progress | None, elapsed: float | None, note: str | None) -> str:
    """
    How far it is, on one line; `elapsed` is the time since the provider took the task, in seconds.

    >>> from kling26.core import Progress
    >>> line("kie.ai", Progress("a", "kie", "running", 31.0, expected=58.0), 34.2, None)
    'kie.ai · generating · 34 s of about 58 s'
    """
    if progress is None:
        return f"{title} · {note or 'starting'}"
    parts = [title, _phase(progress)]
    if progress.phase == "downloading":
        parts.append(_size(progress))
    elif elapsed is not None and progress.phase in ("queued", "running"):
        parts.append(_seconds(elapsed, progress.expected))
    said = progress.message or note
    return " · ".join([*parts, said] if said else parts)


def _phase(progress: Progress) -> str:
    if progress.phase == "queued" and progress.position:
        return f"queued, {progress.position} ahead"
    return PHASES.get(progress.phase, progress.phase)


def _seconds(elapsed: float, expected: float | None) -> str:
    about = f" of about {expected:.0f} s" if expected is not None and expected > elapsed else ""
    return f"{elapsed:.0f} s{about}"


def _size(progress: Progress) -> str:
    done = f"{progress.done / 1e6:.1f}"
    return f"{done} MB" if progress.total is None else f"{done} of {progress.total / 1e6:.1f} MB"


def found_text(progress: Progress) -> str:
    """That an equal request was made before, what that means, and how to get another video."""
    found = _STANDINGS[progress.standing or "unclear"].found.format(
        paid="rehearsed" if progress.sandbox else "paid",
        date=f"{datetime.fromtimestamp(progress.since or 0.0).astimezone():%Y-%m-%d %H:%M}",
        task=progress.task,
    )
    return f"{found}; another seed makes a new one"


def done(title: str, video: "Video") -> str:
    """How a run has ended well."""
    end = f"{title} · done"
    if video.sandbox:
        return f"{end} · a rehearsal, free"
    if video.reused:
        return f"{end} · paid for before, so free; another seed makes a new one"
    if video.cost is None:
        return end
    return f"{end} · {video.cost:g} {video.cost_unit or ''}".rstrip()


# -- the settings page, and plug-ins -----------------------------------------------------------

FOREIGN_PAGE = "Keys are accepted from ComfyUI's own page only."
NO_KEY_IN_BODY = 'The body must be {"key": "…"}.'
PROVIDER_OPTION = 'an option called "provider" would be taken for the choice of the provider.'


def unshowable(reason: str) -> str:
    return f"ComfyUI cannot show it: {reason}"
