"""
The node's names, and what it says while it runs, in one place.

Core says what happened, how a task stands and, as data, what helps; the words for the person in
front of ComfyUI are here. The widgets' names and tooltips are those of the options they show, and
`locales` makes the file that translations start from.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from ..core.errors import JournalBusy, Kling26Error, MissingKey, NotDelivered, Remedy
from ..core.journal.task import Task
from ..core.progress import Phase, Progress
from ..core.provider import Provider
from ..core.settings import Settings
from ..core.status import Standing
from ..core.text import join_sentences, join_words, sanitize

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
    "tooltip": "Whose API makes the video. Set its key under Settings → Kling 2.6, or in the "
    "environment.",
}
IMAGE = {
    "display_name": "Image",
    "tooltip": "An image to start from (of a batch, the first one); it also sets the shape.",
}
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
        "tooltip": "JSON: our id of the task, the provider, its id of the task, and what it cost.",
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

_GET = "Run again with the same inputs to get it."
_PAID = "{paid} on {date} as {task}, so this costs nothing"
_REQUESTED = "requested on {date} as {task}, so this continues it"


@frozen
class _Words:
    """What to say of a task that a run has left, and of one that an equal request finds."""

    state: str
    found: str


_STANDINGS: Mapping[Standing, _Words] = {
    "unsent": _Words(
        "The request has not been sent yet. Run again with the same inputs to send it.", _REQUESTED
    ),
    "unclear": _Words(
        "The video may have been paid for. Run again with the same inputs to find out.", _REQUESTED
    ),
    "at_provider": _Words(f"The video is paid for and still being made. {_GET}", _PAID),
    "made": _Words(f"The video is paid for and finished. {_GET}", _PAID),
    "stored": _Words(f"The video is here already. {_GET}", _PAID),
    "over": _Words("The task has ended without a video.", ""),
}


def stopped(title: str, task: Task) -> str:
    """What to say after Cancel of a task that could not be cancelled."""
    failure = sanitize(task.error) if task.standing == "over" and task.error else ""
    return f"{title} · stopped waiting. {failure or _STANDINGS[task.standing].state}"


def stopped_waiting(title: str) -> str:
    """What to say after Cancel if nobody knows how the task stands."""
    return f"{title} · stopped waiting. The video may still be made and paid for. {_GET}"


def cancelled(title: str) -> str:
    return f"{title} · cancelled; nothing was sent."


def cancelling(title: str) -> str:
    return f"{title} · cancelling …"


def stopped_before(title: str) -> str:
    return f"{title} · stopped before anything was sent."


def left(title: str) -> str:
    """What to say when another node has ended the prompt; the task goes on by itself."""
    return f"{title} · another node stopped this run, but this video is still on its way. {_GET}"


def broken(title: str, error: BaseException) -> str:
    """What to say of an error that should not happen."""
    return f"{title} · {sanitize(error)}"


RUN_STOPPED = "The run was stopped before the video arrived."


# -- errors, and what helps --------------------------------------------------------------------


def error_text(error: Kling26Error, provider: Provider) -> str:
    """What went wrong, and what to do about it in ComfyUI."""
    return join_sentences(str(error), *_what_helps(error, provider))


def _what_helps(error: Kling26Error, provider: Provider) -> Iterable[str]:
    remedy = error.remedy
    if isinstance(error, JournalBusy):
        return ["Run again."]
    if remedy is None:
        return []
    if isinstance(error, MissingKey):
        return [_set_key(remedy, provider), "To try the node without a key, turn sandbox on."]
    if isinstance(error, NotDelivered) and remedy.do not in ("resume", "adopt", "resubmit"):
        return [_advice(remedy, provider), _GET]
    return [_advice(remedy, provider)]


def _advice(remedy: Remedy, provider: Provider) -> str:
    if remedy.do == "set_key":
        return _set_key(remedy, provider)
    if remedy.do in ("adopt", "resubmit"):
        return _look(remedy, provider)
    if remedy.do == "resume" and remedy.page is not None:
        return f"Check {remedy.page}, or run again with the same inputs to look for it."
    return _ADVICE.get(remedy.do, "")


_ADVICE: Mapping[str, str] = {
    "top_up": "Top up the account and run again.",
    "wait": "Run again later.",
    "resume": _GET,
}


def _set_key(remedy: Remedy, provider: Provider) -> str:
    page, variable = remedy.page or provider.key_page, remedy.variable or provider.key_variable
    keys = f" (keys: {page})" if page else ""
    if Settings().environ.get(variable):
        # It takes precedence over a stored key, so the settings page does not take one.
        return f"Set {variable} to another key{keys} and restart ComfyUI."
    return (
        f"Enter a key under Settings → Kling 2.6{keys}, or set {variable} before you start ComfyUI."
    )


def _look(remedy: Remedy, provider: Provider) -> str:
    """What to do about a task if it is unknown whether the provider has it."""
    if provider.can("find"):
        return (
            "Run again with the same inputs to look for it at no cost; another seed makes a new "
            "video."
        )
    return (
        f"Check {remedy.page or f'your account at {provider.title}'}. If the video is not there, "
        "change the seed and run again to make a new one."
    )


# -- inputs that make no sense -----------------------------------------------------------------

NO_URL = (
    "image_url must be the https:// URL of an image; for a file, use Load Image and the image "
    "input."
)
TWO_IMAGES = "There are two images to start from: disconnect image, or empty image_url."


def choose_provider(names: Iterable[str], asked: object) -> str:
    known = f"Choose a provider: {join_words(names)}."
    return f'{known} Got "{sanitize(asked, 60)}".' if asked else known


def absent_provider(error: Kling26Error, reasons: Iterable[str]) -> str:
    """For a provider that is not installed; `reasons` say why its plug-in was left out."""
    todo = "Choose another one, or install its plug-in and restart ComfyUI."
    return join_sentences(str(error), todo, *reasons)


def no_uploads(title: str) -> str:
    return (
        f"{title} accepts no image files, only URLs: put the image on a public https:// page and "
        "enter its URL as image_url."
    )


def no_format(title: str) -> str:
    return (
        f"{title} accepts no image format that this node can write; enter the image's URL as "
        "image_url."
    )


def too_large(title: str, limit: int) -> str:
    """For an image of more than `limit` bytes in every format."""
    return (
        f"{title} accepts images of up to {limit / 1e6:.0f} MB, and this one is larger in every "
        "format; scale it down first."
    )


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
