"""A task: one paid generation, as recorded in the journal."""

import hashlib
import json
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Literal

import attrs
from attrs import frozen

from ..errors import Remedy
from ..images import ImageFile
from ..request import AspectRatio, VideoRequest
from ..status import Realm, Standing, Ticket

TaskState = Literal[
    "submitting",  # recorded; the paid request may have been sent
    "submitted",  # the provider accepted it
    "succeeded",  # the video is finished, but not here yet
    "stored",  # the video is here
    "refused",  # the provider did not accept it: nothing paid
    "failed",  # the provider could not make it
    "cancelled",
    "unknown",  # possibly paid: the answer to the paid request was lost
]

#: The states with something left to do: `kling26 tasks --open`.
OPEN: tuple[TaskState, ...] = ("submitting", "submitted", "succeeded", "unknown")
#: The states in which an equal request joins or reuses the task instead of paying again.
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


@frozen
class Owner:
    """The worker that may write a task's row, until another one raises the generation."""

    task: str
    worker: str
    generation: int


@frozen(kw_only=True)
class Task:
    """
    A row of the journal. Times are seconds since the epoch.

    `prompt` to `seed` are the fields of the `VideoRequest`, except that `image` is the URL or, for
    an image given as bytes, their digest. `options` are the provider's own. `image_file` is the
    name under which the image is saved until it is sent.

    `sending` is when the paid request was sent; None if it certainly was not, or once its outcome
    is known. `attempts` is how often it was sent; `worker` is the process that runs the task, the
    `generation`-th to do so. `file` is the path of the video, and `owed` says that it still has to
    be written to an output. `cost_unit` is the unit of `cost`, missing in rows older than that
    column. `error` says why there is no video (yet), and `remedy` what to do about it.
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
    generation: int = 1
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
    owed: bool = False

    @property
    def owner(self) -> Owner | None:
        """Who may write the row; None if nobody runs the task."""
        return None if self.worker is None else Owner(self.id, self.worker, self.generation)

    @property
    def task_id(self) -> str | None:
        """The provider's id of the task, once it is known."""
        return None if self.ticket is None else self.ticket.task_id

    @property
    def open(self) -> bool:
        """Whether there is something left to do."""
        return self.state in OPEN or self.owed

    @property
    def standing(self) -> Standing:
        """What the state means to users."""
        if self.state == "submitting" and self.sending is None:
            return "unsent"
        return _STANDINGS[self.state]

    @property
    def sandbox(self) -> bool:
        """Whether it is a rehearsal."""
        return self.realm == "sandbox"

    def request(self, image: ImageFile | None = None) -> VideoRequest:
        """
        The request, with the task's id.

        `image` is the picture, if it was given as a file; without it, a URL that leads nowhere
        takes its place, which will do for everything but sending it.
        """
        return VideoRequest(
            self.prompt,
            image=self.image if self.image_file is None else image or _ELSEWHERE,
            sound=self.sound,
            duration=self.duration,
            aspect_ratio=self.aspect_ratio,
            callback_url=self.callback_url,
            seed=self.seed,
            task=self.id,
        )


#: In place of a picture whose bytes are not at hand.
_ELSEWHERE = "https://image.invalid/image.png"


def new_task_id() -> str:
    """A new id of our own; providers may get it too, so it is unique beyond this journal."""
    return f"k26-{token_hex(8)}"


def image_id(request: VideoRequest) -> str | None:
    """What identifies the image: its URL, or the digest of its bytes."""
    image = request.image
    return f"sha256:{image.digest}" if isinstance(image, ImageFile) else image


def fingerprint(provider: str, realm: Realm, request: VideoRequest, options: Any) -> str:
    """
    A hash that is equal for requests for the same video from the same provider.

    The aspect ratio does not count if there is an image, which decides it; nor does the webhook,
    which does not change the video.
    """
    names = ["duration", "prompt", "seed", "sound"]
    names += ["aspect_ratio"] if request.image is None else []
    asked = {name: getattr(request, name) for name in names} | {"image": image_id(request)}
    what = [provider, realm, asked, attrs.asdict(options)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
