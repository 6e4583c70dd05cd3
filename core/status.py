"""How a task stands: in a provider's words, and for people."""

from collections.abc import Mapping
from typing import Literal

from attrs import Factory, frozen

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

#: What the state of a task in the journal means for people. Every front end's words hang on it.
Standing = Literal[
    "unsent",  # the paid request has certainly not left
    "unclear",  # the paid request left, and nobody knows whether the provider took it
    "at_provider",  # the provider took it and is making the video
    "made",  # the video is made, and not here yet
    "stored",  # the video is here
    "over",  # it ended without a video
]

#: Where a task is paid: at the provider, at a base URL on this machine, or in the sandbox. A video
#: of one realm is never handed out in another.
Realm = Literal["live", "loopback", "sandbox"]


@frozen
class Ticket:
    """
    What a provider gave for a submitted task.

    `task_id` is the provider's own; `data` is whatever else is needed to ask again, and survives
    JSON unchanged.
    """

    task_id: str
    data: Mapping[str, str] = Factory(dict)


@frozen
class Status:
    """
    How a task stands, the same for every provider.

    `url` is where the video is, once it succeeded (some providers say so before they have it);
    `cost` is what it took, where told, and `cost_unit` what that counts, where it is not the
    provider's usual `cost_unit`; `code` and `reason` say why it failed; `position` is the place in
    the queue; `task_id` is filled in by callbacks.
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
        """Whether the provider is done with the task, in whichever way."""
        return self.state in ("succeeded", "failed", "cancelled")
