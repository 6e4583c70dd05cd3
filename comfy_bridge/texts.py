"""
The node's names, and what it says while it runs, in one place; `error_texts` has the errors.

Core says what happened, and how a task stands; which words that takes for the person in front of
ComfyUI is decided here, and `words` has them in every language. The names are in English: `locales`
makes the file from them that translations start from. Those of the widgets, and their tooltips, are
those of the options they show.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..core.journal.task import Task
from ..core.progress import Progress
from ..core.text import sanitize
from . import figures
from .told import in_words
from .words import Words

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
#: The page always has a value, so it says which one leaves the shape to a service.
SHAPE = (
    "Shape of the video, width to height; with an image, the picture decides. Leave it at 16:9 if "
    "the service chooses the shape itself."
)
COUNT = {
    "display_name": "Count",
    "tooltip": "How many videos to make at once, with the seed and those after it; each is paid "
    "for once.",
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

# -- how a run ends ----------------------------------------------------------------------------


def told(words: Words, text: str) -> str:
    """What core says, in words that the user reads as far as they are known."""
    return in_words(words, text) or text


def stopped(words: Words, title: str, task: Task) -> str:
    """What to say after Cancel of a task that could not be cancelled."""
    failure = sanitize(told(words, task.error)) if task.standing == "over" and task.error else ""
    of = "rehearsed" if task.sandbox else "paid"
    state = failure or words(f"standing.{of}.{task.standing}")
    return f"{title} · {words('ended.stopped')} {state}"


def stopped_waiting(words: Words, title: str, rehearsal: bool) -> str:
    """What to say after Cancel if nobody knows how the task stands."""
    state = words("ended.stopped_rehearsal" if rehearsal else "ended.stopped_paid")
    return f"{title} · {words('ended.stopped')} {state}"


def cancelled(words: Words, title: str) -> str:
    return f"{title} · {words('ended.cancelled')}"


def cancelling(words: Words, title: str) -> str:
    return f"{title} · {words('ended.cancelling')}"


def stopped_before(words: Words, title: str) -> str:
    return f"{title} · {words('ended.stopped_before')}"


def left(words: Words, title: str) -> str:
    """What to say when another node has ended the prompt; the task goes on by itself."""
    return f"{title} · {words('ended.left')}"


def run_stopped(words: Words) -> str:
    return words("ended.run_stopped")


def done(words: Words, title: str, video: "Video") -> str:
    """How a run has ended well."""
    end = f"{title} · {words('ended.done')}"
    if video.sandbox:
        return f"{end} · {words('ended.rehearsal')}"
    if video.reused:
        return f"{end} · {words('ended.reused')}"
    if video.cost is None:
        return end
    cost = figures.cost(words, video.cost, video.cost_unit, video.cost_usd)
    return f"{end} · {cost}"


# -- progress ----------------------------------------------------------------------------------


def line(
    words: Words,
    title: str,
    progress: Progress | None,
    elapsed: float | None,
    note: str | None,
) -> str:
    """
    How far it is, on one line; `elapsed` is the time since the provider took the task, in seconds.

    >>> from kling26.comfy_bridge.words import words
    >>> from kling26.core import Progress
    >>> line(words(), "kie.ai", Progress("a", "kie", "running", 31.0, expected=58.0), 34.2, None)
    'kie.ai · generating · 34 s of about 58 s'
    """
    if progress is None:
        return f"{title} · {told(words, note or '') or words('phase.starting')}"
    parts = [title, _phase(words, progress)]
    if progress.phase == "downloading":
        parts.append(_size(words, progress))
    elif elapsed is not None and progress.phase in ("queued", "running"):
        parts.append(_seconds(words, elapsed, progress.expected))
    said = told(words, progress.message or note or "")
    return " · ".join([*parts, said] if said else parts)


def _phase(words: Words, progress: Progress) -> str:
    if progress.phase == "queued" and progress.position:
        return words("phase.ahead", count=progress.position)
    return words(f"phase.{progress.phase}")


def _seconds(words: Words, elapsed: float, expected: float | None) -> str:
    if expected is None or expected <= elapsed:
        return words("elapsed.alone", elapsed=f"{elapsed:.0f}")
    return words("elapsed.of", elapsed=f"{elapsed:.0f}", expected=f"{expected:.0f}")


def _size(words: Words, progress: Progress) -> str:
    done, total = (
        None if size is None else figures.number(words, f"{size / 1e6:.1f}")
        for size in (progress.done, progress.total)
    )
    if total is None:
        return words("size.alone", done=done)
    return words("size.of", done=done, total=total)


def found_text(words: Words, progress: Progress) -> str:
    """That an equal request was made before, what that means, and how to get another video."""
    paid = progress.standing in ("at_provider", "made", "stored")
    return words(
        f"found.{('rehearsed' if progress.sandbox else 'paid') if paid else 'requested'}",
        date=figures.moment(words, progress.since or 0.0),
        task=progress.task,
    )


# -- the settings page, and plug-ins -----------------------------------------------------------


def foreign_page(words: Words) -> str:
    return words("page.foreign")


def no_key_in_body(words: Words) -> str:
    return words("page.no_key")


#: For the log and the list of plug-ins, which are in English.
PROVIDER_OPTION = 'an option called "provider" would be taken for the choice of the provider.'


def unshowable(reason: str) -> str:
    return f"ComfyUI cannot show it: {reason}"
