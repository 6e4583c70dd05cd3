"""
Kling's own API, in its new design, as a provider of kling26.

Written from https://klingai.com/document-api/api/video/2-6/text-to-video and the pages beside it
(concurrency-rules, callbacks); the error codes from
https://app.klingai.com/global/dev/document-api/apiReference/commonInfo; callbacks are signed by
https://www.standardwebhooks.com. Image to video is known from code that uses it.
"""

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
from kling26.core.wire import number, text

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
UNKNOWN_TASK = 1203
# USD per second by (resolution, sound): the price list as quoted in September 2026.
PRICES = {("720p", False): 0.042, ("1080p", False): 0.07, ("1080p", True): 0.14}


@frozen
class KlingOptions:
    resolution: Literal["720p", "1080p"] = option(
        "720p", label="Resolution", help="1080p is better and costs more; sound needs 1080p."
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


class FirstFrame(TypedDict):
    type: Literal["first_frame"]
    url: str


class ImageToVideo(TypedDict):
    contents: tuple[Prompt, FirstFrame]
    settings: Settings
    options: Extras


@frozen
class Envelope:
    code: int
    message: Any = None
    data: Any = None


@frozen
class Output:
    type: str | None = None
    url: str | None = None


@frozen
class Task:
    id: str
    status: str
    message: Any = None
    external_id: Any = None
    outputs: list[Output] | None = None
    billing: Any = None


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
    limits = Limits(text_prompt=2500, image_prompt=2500, image_pixels=300)

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
        image = request.image
        if image is None:
            settings["aspect_ratio"] = request.aspect_ratio
            return TextToVideo(prompt=request.prompt, settings=settings, options=extras)
        # Base64 goes without the "data:" prefix.
        url = image.base64() if isinstance(image, ImageFile) else image
        prompt = Prompt(type="prompt", text=request.prompt)
        frame = FirstFrame(type="first_frame", url=url)
        return ImageToVideo(contents=(prompt, frame), settings=settings, options=extras)

    def submit(self, request: VideoRequest, options: KlingOptions) -> Flow[Ticket]:
        url = f"{self.base_url}/{request.kind}-to-video/kling-2.6"
        reply = yield httpx.Request("POST", url, json=self.body(request, options))
        tasks = self._tasks(reply)
        if not tasks:
            raise self.unexpected(reply, "reply.data has no task")
        return Ticket(tasks[0].id)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield self._query("task_ids", ticket.task_id)
        for task in self._tasks(reply, asking=True):
            if task.id == ticket.task_id:
                return self._status(task)
        raise self.error(NoSuchTask, reply, "it is not among the tasks")

    def check(self, request: VideoRequest, options: KlingOptions) -> None:
        if request.sound and options.resolution != "1080p":
            problem = "sound needs 1080p; set resolution to 1080p, or leave sound off."
            raise self.option_refused("resolution", problem)
        if isinstance(request.image, ImageFile):
            short, long = sorted(request.image.size)
            if long > 2.5 * short:
                problem = "the long side of an image must be at most 2.5 times the short one; got "
                raise self.option_refused("image", f"{problem}{long} x {short} pixels.")

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
        ours = (each.id for each in found if each.external_id in (None, request.task))
        return next(map(Ticket, ours), None)

    def read_callback(self, body: bytes | str) -> Status:
        return self._status(self.read_call(body, Task))

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
        envelope = self.read(reply, Envelope)
        said, code = text(envelope.message), envelope.code
        if asking and code == UNKNOWN_TASK:
            raise self.error(NoSuchTask, reply, said, code)
        if code != 0:
            raise self.error(NO.get(code, Refused), reply, said, code)
        if reply.is_error:
            raise self.unexpected(reply, "code 0 under an HTTP error")
        data = envelope.data or []
        whole = data if isinstance(data, list) else [data]
        tasks = self.read_part(reply, whole, list[Task], "reply.data")
        if not all(task.id for task in tasks):
            raise self.unexpected(reply, "reply.data.id is empty")
        return tasks

    def _status(self, task: Task) -> Status:
        state = self.state(task.status, STATES)
        if state == "failed":
            return Status(state, reason=text(task.message), task_id=task.id)
        if state != "succeeded":
            return Status(state, task_id=task.id)
        videos = (each.url for each in task.outputs or [] if each.type == "video" and each.url)
        cost, unit = _cost(task.billing)
        return Status(state, url=next(videos, None), cost=cost, cost_unit=unit, task_id=task.id)


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
