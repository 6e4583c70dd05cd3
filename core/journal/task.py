"""A task: one paid generation, as the journal keeps it."""

import hashlib
import json
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Literal

import attrs
from attrs import frozen

from ..request import ImageFile, VideoRequest
from ..status import Ticket

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

#: What still wants something done: `kling26 tasks --open`.
OPEN: tuple[TaskState, ...] = ("submitting", "submitted", "succeeded", "unknown")
#: What an equal request joins or is given, rather than paying again.
ACTIVE: tuple[TaskState, ...] = (*OPEN, "stored")

#: Where a task was paid: really, at a base address on this machine, or in the sandbox. A video of
#: one realm is never handed out in another.
Realm = Literal["live", "loopback", "sandbox"]


@frozen
class Task:
    """
    A row of the journal. Times are seconds since the epoch.

    `sending` is when the paid request left, and None once its fate is known or while it has
    certainly not left; `attempts` is how often it left; `worker` is the process that carries the
    task on; `cost_unit` is what `cost` counts, unknown in rows of before it was kept.
    """

    id: str
    provider: str
    realm: Realm
    fingerprint: str
    state: TaskState
    request: str
    options: str
    image: str | None
    created: float
    updated: float
    worker: str | None = None
    sending: float | None = None
    attempts: int = 0
    submitted: float | None = None
    finished: float | None = None
    ticket: str | None = None
    task_id: str | None = None
    url: str | None = None
    file: str | None = None
    cost: float | None = None
    cost_unit: str | None = None
    code: str | None = None
    error: str | None = None

    @property
    def open(self) -> bool:
        return self.state in OPEN

    def read_ticket(self) -> Ticket | None:
        """What the provider gave for the task, if it did."""
        if self.ticket is None:
            return None
        stored = json.loads(self.ticket)
        return Ticket(stored["task_id"], stored["data"])

    def wishes(self) -> dict[str, object]:
        """The shared options that were asked for, without the image."""
        wishes: dict[str, object] = json.loads(self.request)
        return wishes

    def image_url(self) -> str | None:
        """The image, where it was given as an address."""
        image = self.wishes()["image"]
        return image if isinstance(image, str) and self.image is None else None

    def read_request(self, image: str | ImageFile | None) -> VideoRequest:
        """The request again, around its image, under the task's own id."""
        wishes = {name: value for name, value in self.wishes().items() if name != "image"}
        return VideoRequest(**wishes, image=image, task=self.id)  # type: ignore[arg-type]

    def read_options(self) -> Mapping[str, object]:
        given: dict[str, object] = json.loads(self.options)
        return given


def new_task_id() -> str:
    """Our own id of a task; also what `external_task_id` carries, so unique beyond this journal."""
    return f"k26-{token_hex(8)}"


def write_ticket(ticket: Ticket) -> str:
    return json.dumps({"task_id": ticket.task_id, "data": dict(ticket.data)}, sort_keys=True)


def write_request(request: VideoRequest) -> str:
    """The request as JSON; a picture by its digest."""
    wishes = attrs.asdict(request, filter=lambda field, _: field.name not in ("image", "task"))
    wishes["image"] = image_mark(request)
    return json.dumps(wishes, sort_keys=True)


def write_options(options: Any) -> str:
    """A provider's options object as JSON."""
    return json.dumps(attrs.asdict(options), sort_keys=True)


def image_mark(request: VideoRequest) -> str | None:
    """What tells one image from another: the address, or the digest of the bytes."""
    image = request.image
    return f"sha256:{image.digest}" if isinstance(image, ImageFile) else image


def fingerprint(provider: str, realm: Realm, request: VideoRequest, options: object) -> str:
    """
    Equal for requests that ask for the same video of the same provider.

    The shape does not count beside an image, which decides it; nor does the webhook, which
    changes who is told and not what is made.
    """
    wishes = json.loads(write_request(request))
    del wishes["callback_url"]
    if request.image is not None:
        del wishes["aspect_ratio"]
    what = [provider, realm, wishes, json.loads(write_options(options))]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
