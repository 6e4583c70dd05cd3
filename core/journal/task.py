"""A task: one paid generation, as the journal keeps it."""

import hashlib
import json
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Literal

import attrs
from attrs import frozen

from ..errors import Remedy
from ..request import AspectRatio, ImageFile, VideoRequest
from ..status import Realm, Standing, Ticket

TaskState = Literal[
    "submitting",  # recorded; the paid request may be on its way
    "submitted",  # the provider took it
    "succeeded",  # the video is made, and not yet here
    "stored",  # the video is here
    "refused",  # the provider did not take it: nothing paid
    "failed",  # the provider could not make it
    "cancelled",
    "unknown",  # perhaps paid: the answer to the paid request was lost
]

#: The states with something left to do: `kling26 tasks --open`.
OPEN: tuple[TaskState, ...] = ("submitting", "submitted", "succeeded", "unknown")
#: The states that an equal request joins or is given, rather than paying again.
ACTIVE: tuple[TaskState, ...] = (*OPEN, "stored")

_STANDINGS: Mapping[TaskState, Standing] = {
    "submitting": "unclear",
    "unknown": "unclear",
    "submitted": "at_provider",
    "succeeded": "made",
    "stored": "stored",
    "refused": "over",
    "failed": "over",
    "cancelled": "over",
}


@frozen(kw_only=True)
class Task:
    """
    A row of the journal. Times are seconds since the epoch.

    From `prompt` to `seed` it is the request, as `VideoRequest` has it; `image` is the URL of the
    picture or, of a picture that was given as bytes, their digest. `options` are the provider's
    own. `image_file` is the name under which the picture waits to be sent.

    `sending` is when the paid request left, and None once its fate is known or while it has
    certainly not left; `attempts` is how often it left; `worker` is the process that carries the
    task on. `cost_unit` is what `cost` counts; rows older than that column have none. `error` says
    why there is no video, or not yet, and `remedy` what helps.
    """

    id: str
    provider: str
    realm: Realm
    fingerprint: str
    state: TaskState
    prompt: str
    image: str | None = None
    sound: bool
    duration: int
    aspect_ratio: AspectRatio
    callback_url: str | None = None
    seed: int
    options: Mapping[str, object]
    image_file: str | None = None
    created: float
    updated: float
    worker: str | None = None
    sending: float | None = None
    attempts: int = 0
    submitted: float | None = None
    finished: float | None = None
    ticket: Ticket | None = None
    url: str | None = None
    file: str | None = None
    cost: float | None = None
    cost_unit: str | None = None
    code: str | None = None
    error: str | None = None
    remedy: Remedy | None = None

    @property
    def task_id(self) -> str | None:
        """The provider's id of the task, once it is known."""
        return None if self.ticket is None else self.ticket.task_id

    @property
    def open(self) -> bool:
        """Whether there is something left to do."""
        return self.state in OPEN

    @property
    def standing(self) -> Standing:
        """What the state means for people."""
        if self.state == "submitting" and self.sending is None:
            return "unsent"
        return _STANDINGS[self.state]

    @property
    def sandbox(self) -> bool:
        """Whether it is a rehearsal."""
        return self.realm == "sandbox"

    def request(self, image: ImageFile | None = None) -> VideoRequest:
        """The request again, under the task's own id; `image` is the picture that was kept."""
        return VideoRequest(
            self.prompt,
            image=self.image if self.image_file is None else image,
            sound=self.sound,
            duration=self.duration,
            aspect_ratio=self.aspect_ratio,
            callback_url=self.callback_url,
            seed=self.seed,
            task=self.id,
        )


def new_task_id() -> str:
    """Our own id of a task; also what `external_task_id` carries, so unique beyond this journal."""
    return f"k26-{token_hex(8)}"


def image_id(request: VideoRequest) -> str | None:
    """What tells one image from another: the URL, or the digest of the bytes."""
    image = request.image
    return f"sha256:{image.digest}" if isinstance(image, ImageFile) else image


def fingerprint(provider: str, realm: Realm, request: VideoRequest, options: Any) -> str:
    """
    Equal for requests that ask for the same video of the same provider.

    The shape does not count beside an image, which decides it; nor does the webhook, which
    changes who is told and not what is made.
    """
    names = ["duration", "prompt", "seed", "sound"]
    names += ["aspect_ratio"] if request.image is None else []
    asked = {name: getattr(request, name) for name in names} | {"image": image_id(request)}
    what = [provider, realm, asked, attrs.asdict(options)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
