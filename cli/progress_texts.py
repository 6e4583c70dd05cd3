"""What is said of a video while it is made, and once it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ..core.money import USD, usd_text
from ..core.progress import Phase, Progress
from ..core.provider import Provider
from ..core.status import Standing
from ..core.text import sanitize
from .money_texts import about, amount

if TYPE_CHECKING:
    from ..core.runner.results import Video

#: The phases that are shown, and what they are called.
PHASES: Mapping[Phase, str] = {
    "uploading": "uploading the image",
    "submitting": "submitting",
    "waiting": "waiting",
    "queued": "queued",
    "running": "generating",
    "downloading": "downloading",
}

_REQUESTED = "Requested on {date} as {task}, so this continues it"
_PAID = "{paid} on {date} as {task}, so this costs nothing"
_FOUND: Mapping[Standing, str] = {"at_provider": _PAID, "made": _PAID, "stored": _PAID}


def phase_text(progress: Progress, who: str) -> str:
    """A change of phase, for a log, at the provider that is called so."""
    if progress.message:
        return sanitize(progress.message)
    place = {"submitting": f" to {who}", "queued": f" at {who}"}
    return PHASES[progress.phase] + place.get(progress.phase, "")


def found_text(progress: Progress) -> str:
    """That an equal request was made before, what that means, and how to get another video."""
    found = _FOUND.get(progress.standing or "unclear", _REQUESTED).format(
        paid="Rehearsed" if progress.sandbox else "Paid",
        date=_moment(progress.since),
        task=progress.task,
    )
    return f"{found}; another --seed makes a new video."


def title(name: str, provider: Provider | None, rehearsal: bool = False) -> str:
    """A provider's title, or its bare name if its plug-in is gone; its emulator's, if rehearsed."""
    found = sanitize(name if provider is None else provider.title, 60)
    return f"{found}'s emulator" if rehearsal else found


def made_text(
    video: "Video",
    provider: Provider | None,
    took: float | None,
    likely: float | None = None,
    *,
    here_before: bool = False,
) -> str:
    """
    Who made the video, how long it took and what it cost.

    `took` is in seconds, and None where the command has not seen all of it. `likely` is what it
    likely cost in USD, if nobody says. One that was `here_before` cost nothing this time.
    """
    maker = title(video.provider, provider, video.sandbox)
    made = f"Rehearsed with {maker}" if video.sandbox else f"Made by {maker}"
    if here_before:
        free = "" if video.sandbox else "; this time it cost nothing"
        return f"{made} on {_moment(video.paid)}{free} ({video.task})."
    cost = "" if video.sandbox else _cost(video, likely)
    time = "" if took is None else f" in {clock(took)}"
    return f"{made}{time}{cost and f' for {cost}'} ({video.task})."


def made_among(video: "Video", likely: float | None = None, *, here_before: bool = False) -> str:
    """The same of one of many, in a few words."""
    if here_before:
        return f"{video.task}: here already"
    cost = "" if video.sandbox else _cost(video, likely)
    return f"{video.task}: here{cost and f', for {cost}'}"


def _cost(video: "Video", likely: float | None) -> str:
    """What a video cost, or likely did; its id follows in brackets, so that the USD are in none."""
    if video.cost is None:
        return "" if likely is None else about(likely)
    cost = amount(video.cost, video.cost_unit)
    if video.cost_usd is None or video.cost_unit == USD:
        return cost
    return f"{cost}, worth {usd_text(video.cost_usd)}"


def made_before(video: "Video", began: float) -> bool:
    """Whether the video was paid for before a moment, in seconds since the epoch."""
    return (video.paid or began) < began


def clock(seconds: float | None) -> str:
    """
    A length of time as a clock shows it.

    >>> clock(72.5), clock(3723)
    ('1:12', '1:02:03')
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _moment(since: float | None) -> str:
    return f"{datetime.fromtimestamp(since or 0.0).astimezone():%Y-%m-%d %H:%M}"
