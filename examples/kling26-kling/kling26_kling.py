"""
Kling's own API, in its new design, as a provider of kling26.

Written from https://klingai.com/document-api/api/video/2-6/text-to-video and the pages beside it
(concurrency-rules, callbacks); the error codes from
https://app.klingai.com/global/dev/document-api/apiReference/commonInfo; callbacks are signed by
https://www.standardwebhooks.com. Image to video is known from code that uses it.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict
from urllib.parse import quote

import httpx
from attrs import frozen
from kling26.core import (
    AspectRatio,
    Flow,
    ImageFile,
    KeyRejected,
    Limits,
    NoSuchTask,
    OutOfCredit,
    Provider,
    ProviderError,
    Refused,
    Sandbox,
    State,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    VideoRequest,
    hookimpl,
    option,
)
from kling26.core.wire import find_video, get, identifier, number, structure, text

STATES: Mapping[str, State] = {
    "submitted": "queued",
    "processing": "running",
    "succeeded": "succeeded",
    "failed": "failed",
}
#: What a "no" means, by its code, which says more than the HTTP status: most of the 429 do
#: not pass with time. Any other is plainly refused.
NO: Mapping[int, type[ProviderError]] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), KeyRejected),
    **dict.fromkeys((1101, 1102), OutOfCredit),
    **dict.fromkeys((1302, 1303), TryLater),
    # Not a "no": the task may have been taken, which `find` finds out.
    **dict.fromkeys((5000, 5001, 5002), Unavailable),
}
#: How a refusal may say that `external_task_id` is not unique.
OWN_ID_TAKEN = re.compile(
    r"(?=.*external[ _]?task[ _]?id).*\b(already|exists|duplicated?|unique|in use)\b", re.IGNORECASE
)
UNKNOWN_TASK = 1203
# USD per second by (resolution, sound): the price list as quoted in September 2026.
PRICES = {("720p", False): 0.042, ("1080p", False): 0.07, ("1080p", True): 0.14}


@frozen
class KlingOptions:
    resolution: Literal["720p", "1080p"] = option(
        "720p",
        label="Resolution",
        help="1080p is better and costs more; sound and an end image need 1080p.",
    )
    watermark: bool = option(
        False, label="Watermark", help="Ask for a marked copy of the video too.", advanced=True
    )


class Settings(TypedDict):
    audio: Literal["native", "off"]
    resolution: Literal["720p", "1080p"]
    duration: int
    aspect_ratio: NotRequired[AspectRatio]


class Watermark(TypedDict):
    enabled: bool


class Extras(TypedDict):
    watermark_info: Watermark
    external_task_id: NotRequired[str]
    callback_url: NotRequired[str]


class TextToVideo(TypedDict):
    prompt: str
    settings: Settings
    options: Extras


class Prompt(TypedDict):
    type: Literal["prompt"]
    text: str


class Frame(TypedDict):
    type: Literal["first_frame", "last_frame"]
    url: str


class ImageToVideo(TypedDict):
    contents: list[Prompt | Frame]
    settings: Settings
    options: Extras


@frozen
class Task:
    id: Any = None
    status: Any = None
    message: Any = None
    external_id: Any = None
    outputs: Any = None
    billing: Any = None

    @property
    def url(self) -> str | None:
        outputs = self.outputs if isinstance(self.outputs, list) else []
        videos = [get(each, "url") for each in outputs if get(each, "type") == "video"]
        return find_video(videos, self.outputs)

    @property
    def is_clear(self) -> bool:
        """Whether it says how the task is doing."""
        said = isinstance(self.status, str) and bool(self.status.strip())
        return said or self.url is not None


class Kling(Provider[KlingOptions]):
    name = "kling"
    title = "Kling"
    key_variable = "KLING_API_KEY"
    # Accounts of mainland China are at https://api-beijing.klingai.com: set KLING_BASE_URL.
    base_url = "https://api-singapore.klingai.com"
    key_page = "https://app.klingai.com/global/dev/api-key"
    tasks_page = "https://app.klingai.com/global/dev"
    Options = KlingOptions
    takes_callback_url = True
    cost_unit = "units"
    task_id_name = "id"
    limits = Limits(text_prompt=2500, image_prompt=2500, image_pixels=300, end_image=True)

    def body(self, request: VideoRequest, options: KlingOptions) -> TextToVideo | ImageToVideo:
        settings = Settings(
            audio="native" if request.sound else "off",
            resolution=options.resolution,
            duration=request.duration,
        )
        extras = Extras(watermark_info=Watermark(enabled=options.watermark))
        if request.task:
            extras["external_task_id"] = request.task
        if request.callback_url is not None:
            extras["callback_url"] = request.callback_url
        if request.image is None:
            settings["aspect_ratio"] = request.aspect_ratio
            return TextToVideo(prompt=request.prompt, settings=settings, options=extras)
        contents: list[Prompt | Frame] = [Prompt(type="prompt", text=request.prompt)]
        contents.append(Frame(type="first_frame", url=_spelled(request.image)))
        if request.end_image is not None:
            contents.append(Frame(type="last_frame", url=_spelled(request.end_image)))
        return ImageToVideo(contents=contents, settings=settings, options=extras)

    def submit(self, request: VideoRequest, options: KlingOptions) -> Flow[Ticket]:
        url = f"{self.base_url}/{request.kind}-to-video/kling-2.6"
        reply = yield httpx.Request("POST", url, json=self.body(request, options))
        tasks = self._tasks(reply)
        if not tasks:
            raise self.unexpected(reply, "reply.data has no task")
        return Ticket(self._id(reply, tasks[0]))

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield self._query("task_ids", ticket.task_id)
        for task in self._tasks(reply, asking=True):
            if self._id(reply, task) == ticket.task_id:
                if not task.is_clear:
                    raise self.unexpected(reply, "reply.data.status is missing")
                return self._status(task)
        raise self.error(NoSuchTask, reply, "it is not among the tasks")

    def check(self, request: VideoRequest, options: KlingOptions) -> None:
        if request.sound and options.resolution != "1080p":
            problem = "sound needs 1080p; set resolution to 1080p, or leave sound off."
            raise self.option_refused("resolution", problem)
        self._check_end_image(request, options)
        for name, image in request.files.items():
            short, long = sorted(image.size)
            if long > 2.5 * short:
                problem = "the long side of an image must be at most 2.5 times the short one; got "
                raise self.option_refused(name, f"{problem}{long} x {short} pixels.")

    def _check_end_image(self, request: VideoRequest, options: KlingOptions) -> None:
        if request.end_image is not None and request.sound:
            problem = "end_image does not go with sound; turn sound off, or leave end_image out."
            raise self.option_refused("sound", problem)
        if request.end_image is not None and options.resolution != "1080p":
            problem = "end_image needs 1080p; set resolution to 1080p, or leave end_image out."
            raise self.option_refused("resolution", problem)

    def price(self, request: VideoRequest, options: KlingOptions) -> float | None:
        second = PRICES.get((options.resolution, request.sound))
        return second and round(second * request.duration, 2)

    def find(self, request: VideoRequest) -> Flow[Ticket | None]:
        """Our own id is `external_task_id` there, unique to the account."""
        reply = yield self._query("external_task_ids", request.task)
        try:
            found = self._tasks(reply, asking=True)
        except NoSuchTask:
            return None
        # Should the filter not work there, another task must not be taken for ours.
        ours = [each for each in found if each.external_id in (None, request.task)]
        return Ticket(self._id(reply, ours[0])) if ours else None

    def read_callback(self, body: bytes | str) -> Status:
        task = self.read_call(body, Task)
        if identifier(task.id) is None or not task.is_clear:
            raise self.invalid_callback("it has no id and status")
        return self._status(task)

    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        from standardwebhooks import Webhook, WebhookVerificationError

        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # The latter for text that is not base64.
            return False
        return True

    def _query(self, name: str, value: str) -> httpx.Request:
        return httpx.Request("GET", f"{self.base_url}/tasks?{name}={quote(value, safe='')}")

    def _tasks(self, reply: httpx.Response, asking: bool = False) -> list[Task]:
        """The tasks of an answer: an object after a submit, an array after a query."""
        answer = self.read(reply, dict)
        data = answer.get("data", answer if "id" in answer else None)
        whole = data if isinstance(data, list) else [data]
        tasks = [structure(each, Task) for each in whole if isinstance(each, Mapping)]
        said, code = text(answer.get("message")), number(answer.get("code"))
        # What a task says of itself counts, whatever code is next to it.
        if tasks and (asking or identifier(tasks[0].id) is not None):
            return tasks
        if code is None:
            raise self.unexpected(reply, "reply.code is not a number")
        if asking and code == UNKNOWN_TASK:
            raise self.error(NoSuchTask, reply, said, int(code))
        if said and OWN_ID_TAKEN.match(said):
            # An earlier request under this id was accepted after all, which `find` finds out.
            raise self.unexpected(reply, "our own id is taken")
        if code != 0:
            raise self.error(NO.get(int(code), Refused), reply, said, int(code))
        if reply.is_error:
            raise self.unexpected(reply, "code 0 under an HTTP error")
        return []

    def _id(self, reply: httpx.Response, task: Task) -> str:
        task_id = identifier(task.id)
        if task_id is None:
            raise self.unexpected(reply, "reply.data.id is missing")
        return task_id

    def _status(self, task: Task) -> Status:
        state, task_id = self.state(task.status, STATES, task.url), identifier(task.id)
        if state == "failed":
            return Status(state, reason=text(task.message), task_id=task_id)
        if state != "succeeded":
            return Status(state, task_id=task_id)
        cost, unit = _cost(task.billing)
        return Status(state, url=task.url, cost=cost, cost_unit=unit, task_id=task_id)


def _spelled(image: str | ImageFile) -> str:
    """A URL, or base64, which goes without the "data:" prefix."""
    return image.base64() if isinstance(image, ImageFile) else image


def _cost(billing: object) -> tuple[float | None, str | None]:
    """What was taken, and of what: units of a resource pack, or money; None where both were."""
    entries = billing if isinstance(billing, list) else []
    bills = [each for each in entries if isinstance(each, Mapping)]
    amounts = [amount for each in bills if (amount := number(each.get("amount"))) is not None]
    units = {
        "units" if each.get("charge_type") == "unit" else text(each.get("currency"))
        for each in bills
    }
    if len(units) != 1 or len(amounts) < len(bills):
        return None, None
    return number(sum(amounts)), units.pop()


@hookimpl
def kling26_providers() -> list[Provider]:
    return [Kling()]


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    from kling26_kling_sandbox import KlingSandbox  # Only a rehearsal needs a web framework.

    return [Sandbox("kling", build=KlingSandbox)]
