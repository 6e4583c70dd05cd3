"""A task: one paid generation, as recorded in the journal."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from secrets import token_hex
from types import MappingProxyType
from typing import Any, Literal

import attrs
from attrs import frozen

from ..errors import Remedy
from ..images import ImageFile
from ..request import ImageOption, VideoRequest
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


#: No images that were given as files.
NO_FILES: Mapping[ImageOption, ImageFile] = MappingProxyType({})


@frozen
class Owner:
    """The worker that may write a task's row, until another one raises the generation."""

    task: str
    worker: str
    generation: int


@frozen
class Passed:
    """
    A provider that was passed over, and `why`, in a sentence.

    `attempts` is how often the paid request had been sent by then, to it or to one before it.
    """

    provider: str
    why: str
    attempts: int = 0


@frozen(kw_only=True)
class Task:
    """
    A row of the journal. Times are seconds since the epoch.

    `plugin` is the distribution that the `provider` is from, with its version ("kling26-acme 1.0");
    None for our own, and in rows older than that column.

    `prompt` to `end_image` are the fields of the `VideoRequest`, except that an image is its URL
    or, if it was given as bytes, their digest. `options` are the provider's own. `image_file` and
    `end_image_file` are the names under which such images are saved until they are sent.

    `asked` is there if the provider may change until the paid request is sent: the own options that
    were asked for, by name. `passed` has the providers that were passed over, and why.

    `sending` is when the paid request was sent; None if it certainly was not, or once its outcome
    is known. `attempts` is how often it was sent, and `resubmits` how often the user had it sent
    again although an answer was lost; `worker` is the process that runs the task, the
    `generation`-th to do so. The provider was found to have `finished` the video then, and not to
    have done so when it had been asked last before (`unfinished`). `file` is the path of the video,
    `outputs` are those that it is also written to, and `owed` says that one of them is missing.
    `price_usd` is what it should cost in USD, as known before it was sent, and `cost_usd` what it
    did. `cost_unit` is the unit of `cost`, missing in rows older than that column. `error` says why
    there is no video (yet), and `remedy` what to do about it.
    """

    id: str
    provider: str
    plugin: str | None = None
    realm: Realm
    fingerprint: str
    state: TaskState
    prompt: str
    image: str | None = None
    sound: bool
    duration: int
    aspect_ratio: str
    callback_url: str | None = None
    seed: int
    end_image: str | None = None
    options: Mapping[str, object]
    image_file: str | None = None
    end_image_file: str | None = None
    asked: Mapping[str, object] | None = None
    passed: Sequence[Passed] = ()
    created: float
    updated: float
    worker: str | None = None
    generation: int = 1
    sending: float | None = None
    attempts: int = 0
    resubmits: int = 0
    submitted: float | None = None
    unfinished: float | None = None
    finished: float | None = None
    ticket: Ticket | None = None
    url: str | None = None
    file: str | None = None
    price_usd: float | None = None
    cost: float | None = None
    cost_unit: str | None = None
    cost_usd: float | None = None
    code: str | None = None
    error: str | None = None
    remedy: Remedy | None = None
    owed: bool = False
    outputs: Sequence[str] = ()

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

    @property
    def auto(self) -> bool:
        """Whether the provider may change until the paid request is sent."""
        return self.asked is not None

    @property
    def settled(self) -> int:
        """How many of the `attempts` were those of providers that were passed over."""
        return max((each.attempts for each in self.passed), default=0)

    @property
    def image_files(self) -> dict[ImageOption, str]:
        """The names of the saved images, by the option that they are."""
        names: dict[ImageOption, str | None]
        names = {"image": self.image_file, "end_image": self.end_image_file}
        return {option: name for option, name in names.items() if name is not None}

    def request(self, files: Mapping[ImageOption, ImageFile] = NO_FILES) -> VideoRequest:
        """
        The request, with the task's id.

        `files` are the images that were given as files; without one, a URL that leads nowhere takes
        its place, which will do for everything but sending it.
        """

        def image(option: ImageOption, url: str | None) -> str | ImageFile | None:
            return files.get(option, _ELSEWHERE) if option in self.image_files else url

        return VideoRequest(
            self.prompt,
            image=image("image", self.image),
            sound=self.sound,
            duration=self.duration,
            aspect_ratio=self.aspect_ratio,
            callback_url=self.callback_url,
            seed=self.seed,
            end_image=image("end_image", self.end_image),
            task=self.id,
        )


#: In place of a picture whose bytes are not at hand.
_ELSEWHERE = "https://image.invalid/image.png"


def new_task_id() -> str:
    """A new id of our own; providers may get it too, so it is unique beyond this journal."""
    return f"k26-{token_hex(8)}"


def image_id(image: str | ImageFile | None) -> str | None:
    """What identifies an image: its URL, or the digest of its bytes."""
    return f"sha256:{image.digest}" if isinstance(image, ImageFile) else image


def fingerprint(provider: str, realm: Realm, request: VideoRequest, options: Any) -> str:
    """
    A hash that is equal for requests for the same video from the same provider.

    The aspect ratio does not count if there is an image, which decides it; nor does the webhook,
    which does not change the video.
    """
    names = ["duration", "prompt", "seed", "sound"]
    names += ["aspect_ratio"] if request.image is None else []
    asked = {name: getattr(request, name) for name in names} | {"image": image_id(request.image)}
    if request.end_image is not None:  # Older tasks have none.
        asked["end_image"] = image_id(request.end_image)
    what = [provider, realm, asked, attrs.asdict(options)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
