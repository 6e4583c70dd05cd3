"""The status of a task: as the provider reports it, and as users see it."""

from collections.abc import Mapping
from typing import Literal

from attrs import Factory, field, frozen

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

#: What a task's state in the journal means to users. Every front end's wording is keyed by it.
Standing = Literal[
    "unsent",  # the paid request has certainly not been sent
    "unclear",  # the paid request was sent; whether the provider accepted it is unknown
    "at_provider",  # the provider accepted it and is making the video
    "made",  # the video is finished, but not here yet
    "stored",  # the video is here
    "over",  # it ended without a video
]

#: Where a task is paid for: at the provider, at a base URL on this machine, or in the sandbox. A
#: video of one realm is never returned in another.
Realm = Literal["live", "loopback", "sandbox"]


def _digits(value: str | int) -> str:
    """An id as a string: some services send a number, which a plug-in may pass on as it is."""
    return str(value) if type(value) is int else value  # type: ignore[return-value]


@frozen
class Ticket:
    """
    What identifies a submitted task at its provider.

    `task_id` is the provider's own id; `data` is whatever else `Provider.poll` needs. It has to
    survive JSON unchanged.
    """

    task_id: str = field(converter=_digits)
    data: Mapping[str, str] = Factory(dict)


@frozen
class Status:
    """
    The status of a task, the same for every provider.

    `url` is the video's, once the task succeeded (some providers report success before they have
    it); `cost` is what was charged, if known, in `cost_unit` or else the provider's usual unit;
    `code` and `reason` say why the task failed; `position` is its place in the queue; `task_id` is
    filled in by callbacks.
    """

    state: State
    url: str | None = None
    cost: float | None = None
    cost_unit: str | None = None
    code: str | None = None
    reason: str | None = None
    position: int | None = None
    task_id: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the provider is done with the task, successfully or not."""
        return self.state in ("succeeded", "failed", "cancelled")
