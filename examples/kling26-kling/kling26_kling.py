"""
Kling's own API, in its new design, as a provider of kling26.

Written from https://klingai.com/document-api/api/video/2-6/text-to-video and the pages beside it
(concurrency-rules, callbacks); the error codes from
https://app.klingai.com/global/dev/document-api/apiReference/commonInfo; callbacks are signed by
https://www.standardwebhooks.com. Image to video is known from code that uses it.
"""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import httpx
from attrs import frozen
from kling26.core import (
    AspectRatio,
    Flow,
    ImageFile,
    Limits,
    NoSuchTask,
    Provider,
    Sandbox,
    State,
    Status,
    Ticket,
    VideoRequest,
    hookimpl,
    option,
    refusals,
)
from kling26.core.wire import number, read, read_callback, read_part, words, write

STATES: Mapping[str, State] = {
    "submitted": "queued",
    "processing": "running",
    "succeeded": "succeeded",
    "failed": "failed",
}
#: What a "no" means, by its code, which says more than the HTTP status: of the 429, most are no
#: matter of time. Any other is plainly refused.
NO: Mapping[int, refusals.Answer] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), refusals.key_rejected),
    **dict.fromkeys((1101, 1102), refusals.out_of_credit),
    **dict.fromkeys((1302, 1303), refusals.try_later),
    # Not a "no": the task may have been taken, and `find` will tell.
    **dict.fromkeys((5000, 5001, 5002), refusals.unavailable),
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


@frozen
class Settings:
    audio: Literal["native", "off"]
    resolution: Literal["720p", "1080p"]
    duration: int
    aspect_ratio: AspectRatio | None = None


@frozen
class Watermark:
    enabled: bool


@frozen
class Extras:
    watermark_info: Watermark
    external_task_id: str | None = None
    callback_url: str | None = None


@frozen
class TextToVideo:
    prompt: str
    settings: Settings
    options: Extras


@frozen
class Content:
    type: Literal["prompt", "first_frame"]
    text: str | None = None
    url: str | None = None


@frozen
class ImageToVideo:
    contents: list[Content]
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

    def check(self, request: VideoRequest, options: KlingOptions) -> None:
        if request.sound and options.resolution != "1080p":
            why = "makes sound only at 1080p: set resolution to 1080p, or leave sound off."
            raise refusals.option_refused(self, "resolution", why)
        if isinstance(request.image, ImageFile):
            short, long = sorted(request.image.size)
            if long > 2.5 * short:
                why = "takes images up to 2.5 times as long as they are wide; this one has "
                raise refusals.option_refused(self, "image", f"{why}{long} x {short} pixels.")

    def price(self, request: VideoRequest, options: KlingOptions) -> float | None:
        second = PRICES.get((options.resolution, request.sound))
        return second and round(second * request.duration, 2)

    def submit(self, request: VideoRequest, options: KlingOptions) -> Flow[Ticket]:
        url = f"{self.base_url}/{request.kind}-to-video/kling-2.6"
        reply = yield httpx.Request("POST", url, json=write(_body(request, options)))
        tasks = self._tasks(reply)
        if not tasks:
            raise self.unexpected(reply, "reply.data has no task")
        return Ticket(tasks[0].id)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield self._query("task_ids", ticket.task_id)
        for task in self._tasks(reply, asking=True):
            if task.id == ticket.task_id:
                return self._status(task)
        raise refusals.no_such_task(self, reply, "it is not among the tasks.")

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
        return self._status(read_callback(body, Task, self))

    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        from standardwebhooks import Webhook, WebhookVerificationError

        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # The latter for texts that are no base64.
            return False
        return True

    def _query(self, name: str, value: str) -> httpx.Request:
        return httpx.Request("GET", f"{self.base_url}/tasks?{name}={quote(value, safe='')}")

    def _tasks(self, reply: httpx.Response, asking: bool = False) -> list[Task]:
        """The tasks of an answer: a submit tells one as an object, a query an array of them."""
        envelope = read(reply, Envelope, self)
        said, code = words(envelope.message), envelope.code
        if asking and code == UNKNOWN_TASK:
            raise refusals.no_such_task(self, reply, said, code)
        if code != 0:
            raise NO.get(code, refusals.refused)(self, reply, said, code)
        if reply.is_error:
            raise self.unexpected(reply, "code 0 under an HTTP error")
        data = envelope.data or []
        whole = data if isinstance(data, list) else [data]
        tasks = read_part(reply, whole, list[Task], self, "reply.data")
        if not all(task.id for task in tasks):
            raise self.unexpected(reply, "reply.data.id is empty")
        return tasks

    def _status(self, task: Task) -> Status:
        state = refusals.state(self, task.status, STATES)
        if state == "failed":
            return Status(state, reason=words(task.message), task_id=task.id)
        if state != "succeeded":
            return Status(state, task_id=task.id)
        videos = (each.url for each in task.outputs or [] if each.type == "video" and each.url)
        cost, unit = _cost(task.billing)
        return Status(state, url=next(videos, None), cost=cost, cost_unit=unit, task_id=task.id)


def _body(request: VideoRequest, options: KlingOptions) -> TextToVideo | ImageToVideo:
    image = request.image
    settings = Settings(
        audio="native" if request.sound else "off",
        resolution=options.resolution,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio if image is None else None,
    )
    extras = Extras(Watermark(options.watermark), request.task or None, request.callback_url)
    if image is None:
        return TextToVideo(request.prompt, settings, extras)
    # Base64 goes without the "data:" prefix.
    url = image.base64() if isinstance(image, ImageFile) else image
    contents = [Content("prompt", text=request.prompt), Content("first_frame", url=url)]
    return ImageToVideo(contents, settings, extras)


def _cost(billing: object) -> tuple[float | None, str | None]:
    """What was taken, and of what: units of a resource pack, or money; None where both were."""
    entries = billing if isinstance(billing, list) else []
    bills = [each for each in entries if isinstance(each, Mapping)]
    amounts = [amount for each in bills if (amount := number(each.get("amount"))) is not None]
    units = {
        "units" if each.get("charge_type") == "unit" else words(each.get("currency"))
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
