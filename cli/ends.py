"""How one video of several ended: here, or why not, what it cost, and what helps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from ..core.errors import Kling26Error, OutcomeUnknown, ProviderError
from ..core.provider import Provider
from ..core.runner.results import cost_in_usd, likely_cost
from ..core.status import Standing
from .exits import FAILED, NOT_DELIVERED, USAGE, exit_status
from .progress_texts import title
from .texts import before_again

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.results import Video

#: How a row ended: its video is here, or was before; or why it is not.
State = Literal["here", "reused", "open", "unknown", "failed", "refused", "not_sent"]

#: How a task without a video ended, by its standing.
_ENDS: Mapping[Standing, State] = {
    "unsent": "not_sent",
    "unclear": "unknown",
    "at_provider": "open",
    "made": "open",
    "stored": "open",  # Its --output is still owed.
}
#: Those that were paid for, or may have been.
_PAID: tuple[State, ...] = ("here", "open", "unknown")


@frozen
class End:
    """
    How a row ended, and what this run has paid for it, in USD.

    `likely_usd` is what it likely cost where nobody says; with neither, and if `is_paid`, its cost
    is unknown. `place` says where the video of an open one is. `advice` is what helps before the
    same command is run again, "" if nothing has to.
    """

    state: State
    cost_usd: float | None = None
    likely_usd: float | None = None
    is_paid: bool = False
    task: "Task | None" = None
    place: str = "open"
    advice: str = ""


def end_of(
    task: "Task | None",
    provider: Provider | None,
    *,
    video: "Video | None" = None,
    error: Kling26Error | None = None,
    reused: bool = False,
    rehearsal: bool = False,
) -> End:
    """
    How a row ended whose task is so, if there is one.

    `reused` says that its video was requested before, so that this run has not paid for it;
    `rehearsal` that it would have been sent to an emulator.
    """
    state = state_of(task, video, error, reused)
    advice = ""
    if error is not None and state == "not_sent":
        advice = before_again(error, provider, rehearsal)
    if task is None:
        return End(state, advice=advice)
    at_provider = task.standing in ("at_provider", "made")
    place = f"at {title(task.provider, provider, task.sandbox)}" if at_provider else "open"
    if reused or state == "reused" or task.sandbox:
        return End(state, task=task, place=place, advice=advice)
    return End(
        state,
        cost_in_usd(task, provider),
        likely_cost(task),
        is_paid=state in _PAID,
        task=task,
        place=place,
        advice=advice,
    )


def state_of(
    task: "Task | None",
    video: "Video | None" = None,
    error: Kling26Error | None = None,
    reused: bool = False,
) -> State:
    """How a row ended whose task is so, if there is one, and which has this video or error."""
    if video is not None:
        return "reused" if video.reused else "here"
    if isinstance(error, OutcomeUnknown):
        return "unknown"
    if task is None:
        return "refused" if isinstance(error, ProviderError) else "not_sent"
    if task.standing == "stored" and error is None:
        return "reused" if reused else "here"
    if task.standing == "over":
        return "refused" if task.state == "refused" else "failed"
    return _ENDS[task.standing]


def status_of(state: State, error: Kling26Error | None) -> int:
    """The exit status of a row by itself."""
    if error is None:
        return 0
    if state == "not_sent":
        return USAGE
    if state == "failed":
        return FAILED
    return NOT_DELIVERED if state in ("open", "unknown") else exit_status(error)
