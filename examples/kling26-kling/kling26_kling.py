"""
Kling's own API, in its new design, as a provider of kling26.

Written from https://klingai.com/document-api/api/video/2-6/text-to-video and the pages beside it
(concurrency-rules, callbacks); the error codes from
https://app.klingai.com/global/dev/document-api/apiReference/commonInfo; callbacks are signed by
https://www.standardwebhooks.com. Image to video is known from code that uses it.
"""

import hashlib
import hmac
import logging
import math
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote

import httpx
from attrs import evolve, frozen
from kling26.core import (
    Flow,
    ImageFile,
    ImageRefused,
    Limits,
    NoSuchTask,
    OpenTask,
    OptionRefused,
    Provider,
    ProviderError,
    Sandbox,
    Status,
    Ticket,
    Unavailable,
    UnexpectedReply,
    VideoRequest,
    answers,
    hookimpl,
    option,
)
from kling26.core.wire import parse, read, structure, words, write

logger = logging.getLogger("kling26.kling")

_STATES = {
    "submitted": Status("queued"),
    "processing": Status("running"),
    "succeeded": Status("succeeded"),
    "failed": Status("failed"),
}
#: What a "no" means, by its code; any other is plainly refused.
_NO: Mapping[int, Callable[..., ProviderError]] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), answers.key_rejected),
    **dict.fromkeys((1101, 1102), answers.out_of_credit),
}
_TRY_LATER_CODES = (1302, 1303)
_TROUBLE_CODES = (5000, 5001, 5002)
_UNKNOWN_TASK = 1203
# USD per second by (resolution, sound): the price list as quoted in September 2026.
_PRICES = {("720p", False): 0.042, ("1080p", False): 0.07, ("1080p", True): 0.14}
#: How old a signed callback may be, in seconds.
MAX_AGE = 300


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
    aspect_ratio: str | None = None


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


class Kling(Provider):
    name = "kling"
    title = "Kling"
    key_variable = "KLING_API_KEY"
    # Accounts of mainland China are at https://api-beijing.klingai.com: set KLING_BASE_URL.
    base_url = "https://api-singapore.klingai.com"
    key_page = "https://app.klingai.com/global/dev/api-key"
    tasks_page = "https://app.klingai.com/global/dev"
    Options = KlingOptions
    takes_callback_url = True
    # What it charges in money, where there is no resource pack, is not told apart in a Status.
    cost_unit = "units"
    task_id_name = "id"
    limits = Limits(text_prompt=2500, image_prompt=2500, image_pixels=300)

    def check(self, request: VideoRequest, options: object) -> None:
        assert isinstance(options, KlingOptions)
        if request.sound and options.resolution != "1080p":
            raise OptionRefused(
                f"{self.title} makes sound only at 1080p: set resolution to 1080p, or leave sound "
                "off.",
                option="resolution",
                provider=self.name,
            )
        if isinstance(request.image, ImageFile):
            short, long = sorted(request.image.size)
            if long > 2.5 * short:
                raise ImageRefused(
                    f"{self.title} takes images up to 2.5 times as long as they are wide; this one "
                    f"has {long} x {short} pixels.",
                    provider=self.name,
                )

    def price(self, request: VideoRequest, options: object) -> float | None:
        assert isinstance(options, KlingOptions)
        second = _PRICES.get((options.resolution, request.sound))
        return second and round(second * request.duration, 2)

    def submit(self, request: VideoRequest, options: object) -> Flow[Ticket]:
        assert isinstance(options, KlingOptions)
        url = f"{self.base_url}/{request.kind}-to-video/kling-2.6"
        reply = yield httpx.Request("POST", url, json=write(_body(request, options)))
        task = self._task(reply)
        if task is None:
            raise self.unexpected(reply, "reply.data has no task")
        return Ticket(task.id)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield self._query("task_ids", ticket.task_id)
        task = self._task(reply, asking=True)
        if task is None:
            raise answers.no_such_task(self, "it is not among the tasks.")
        return _status(task)

    def find(self, task: OpenTask) -> Flow[Ticket | None]:
        """Our own id is `external_task_id` there, unique to the account."""
        reply = yield self._query("external_task_ids", task.id)
        try:
            found = self._task(reply, asking=True)
        except NoSuchTask:
            return None
        # Should the filter not work there, somebody else's task must not be taken for ours.
        ours = found is not None and found.external_id in (None, task.id)
        return Ticket(found.id) if found and ours else None

    def read_callback(self, body: bytes | str) -> Status:
        """Whether it is Kling's at all, `verify` can tell."""
        try:
            task = structure(parse(body), Task)
        except ValueError as error:
            raise UnexpectedReply(
                f"This is no callback of {self.title}: {error}.", provider=self.name
            ) from error
        return evolve(_status(task), task_id=task.id)

    def _query(self, name: str, value: str) -> httpx.Request:
        return httpx.Request("GET", f"{self.base_url}/tasks?{name}={quote(value, safe='')}")

    def _task(self, reply: httpx.Response, asking: bool = False) -> Task | None:
        """The only task of an answer: an object, or what stands in an array."""
        envelope = read(reply, Envelope, self)
        if envelope.code != 0:
            raise self._no(reply, envelope, asking)
        if reply.is_error:
            raise self.unexpected(reply, "code 0 under an HTTP error")
        data = envelope.data
        if isinstance(data, list):
            data = data[0] if data else None
        try:
            task = None if data is None else structure(data, Task)
        except ValueError as error:
            raise self.unexpected(reply, str(error).replace("reply", "reply.data")) from error
        if task is not None and not task.id:
            raise self.unexpected(reply, "reply.data.id is empty")
        return task

    def _no(self, reply: httpx.Response, envelope: Envelope, asking: bool) -> ProviderError:
        """The code says more than the HTTP status: of the 429, most are no matter of time."""
        said, code = words(envelope.message), envelope.code
        if code in _TROUBLE_CODES:  # Not a "no": it may have been taken, and `find` will tell.
            trouble = f"{self.title} is in trouble: {said} (code {code})"
            return Unavailable(trouble, provider=self.name, code=str(code))
        if code in _TRY_LATER_CODES:
            return answers.try_later(self, reply, said, code)
        if asking and code == _UNKNOWN_TASK:
            return answers.no_such_task(self, said, code)
        return _NO.get(code, answers.refused)(self, said, code)


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


def _status(task: Task) -> Status:
    if task.status not in _STATES:
        logger.warning("Unknown state %r is taken as still running.", task.status[:40])
    status = _STATES.get(task.status, Status("running"))
    if status.state == "failed":
        return evolve(status, reason=words(task.message))
    if status.state == "succeeded":
        videos = [each.url for each in task.outputs or [] if each.type == "video" and each.url]
        return evolve(status, url=videos[0] if videos else None, cost=_units(task.billing))
    return status


def _units(billing: object) -> float | None:
    """What was taken from the resource pack; None for what was paid in money."""
    amounts: list[Any] = [
        each.get("amount")
        for each in (billing if isinstance(billing, list) else [])
        if isinstance(each, Mapping) and each.get("charge_type") == "unit"
    ]
    try:
        units = sum(map(float, amounts))  # They come as texts.
    except (OverflowError, TypeError, ValueError):
        return None
    return units if amounts and math.isfinite(units) else None


def verify(body: bytes, headers: Mapping[str, str], secret: str, now: float | None = None) -> bool:
    """
    Whether a callback is signed with the webhook's secret ("whsec_…"), and was just now.

    `body` is what arrived, byte for byte; `now` is for tests.
    """
    given = {name.lower(): value for name, value in headers.items()}
    moment = given.get("webhook-timestamp", "")
    signed = f"{given.get('webhook-id', '')}.{moment}.".encode() + body
    try:
        age = abs((time.time() if now is None else now) - int(moment))
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    expected = b"v1," + b64encode(hmac.digest(key, signed, hashlib.sha256))
    signatures = given.get("webhook-signature", "").encode().split()
    return age <= MAX_AGE and any(hmac.compare_digest(expected, each) for each in signatures)


@hookimpl
def kling26_providers() -> list[Provider]:
    return [Kling()]


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    from kling26_kling_sandbox import KlingSandbox  # Only a rehearsal needs a web framework.

    return [Sandbox("kling", build=KlingSandbox)]
