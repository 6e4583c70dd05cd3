"""
Kling's own API, in its new design, as a provider of kling26.

Written from https://klingai.com/document-api/api/video/2-6/text-to-video and the pages beside it
(concurrency-rules, callbacks), and https://app.klingai.com/global/dev/document-api/apiReference/commonInfo
(error codes). Image to video is known from code that uses it.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import httpx
from attrs import frozen
from kling26 import core
from kling26.core import Flow, ImageFile, Status, Ticket, VideoRequest, hookimpl, option
from kling26.core.wire import identifier, number, objects, text

# USD per second by (resolution, sound): the price list as quoted in September 2026.
PRICES = {("720p", False): 0.042, ("1080p", False): 0.07, ("1080p", True): 0.14}


@frozen
class KlingOptions:
    resolution: Literal["720p", "1080p"] = option(
        "720p", label="Resolution", help="1080p costs more; sound and an end image need it."
    )
    watermark: bool = option(
        False, label="Watermark", help="Ask for a marked copy of the video too.", advanced=True
    )


class Kling(core.StandardWebhooks, core.Provider[KlingOptions]):
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
    limits = core.Limits(text_prompt=2500, image_prompt=2500, image_pixels=300, end_image=True)
    states = {"submitted": "queued", "processing": "running"}
    success_codes = (0,)
    # By code alone, which says more than the HTTP status: most of the 429 do not pass with time.
    errors = {
        # Not a "no": an earlier request may have been taken, which `find` finds out.
        re.compile("(?i)external[ _]?task[ _]?id"): core.UnexpectedReply,
        **dict.fromkeys((5000, 5001, 5002), core.Unavailable),
        **dict.fromkeys((1000, 1001, 1002, 1003, 1004), core.KeyRejected),
        **dict.fromkeys((1101, 1102), core.OutOfCredit),
        1203: core.NoSuchTask,
        **dict.fromkeys((1302, 1303), core.TryLater),
    }

    def body(self, request: VideoRequest, options: KlingOptions) -> dict[str, object]:
        settings = core.without_none(
            audio="native" if request.sound else "off",
            resolution=options.resolution,
            duration=request.duration,
            aspect_ratio=request.aspect_ratio if request.image is None else None,
        )
        extras = core.without_none(
            watermark_info={"enabled": options.watermark},
            external_task_id=request.task or None,
            callback_url=request.callback_url,
        )
        if request.image is None:
            return {"prompt": request.prompt, "settings": settings, "options": extras}
        contents = [{"type": "prompt", "text": request.prompt}]
        for kind, image in (("first_frame", request.image), ("last_frame", request.end_image)):
            if image is not None:
                contents.append({"type": kind, "url": core.image_text(image, ImageFile.base64)})
        return {"contents": contents, "settings": settings, "options": extras}

    def submit(self, request: VideoRequest, options: KlingOptions) -> Flow[Ticket]:
        url = self.url(f"{request.kind}-to-video/kling-2.6")
        reply = yield httpx.Request("POST", url, json=self.body(request, options))
        return self.read_ticket(reply, request)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield httpx.Request("GET", self.url("tasks", task_ids=ticket.task_id))
        for task in objects(self.read(reply, dict).get("data")):
            if identifier(task.get("id")) == ticket.task_id:
                return self._status(task, reply)
        self.raise_for_error(reply, asking=True)
        raise self.error(core.NoSuchTask, reply, "it is not among the tasks")

    def find(self, request: VideoRequest) -> Flow[Ticket | None]:
        """By our own id, unique there; should the filter fail, no other task is taken for ours."""
        reply = yield httpx.Request("GET", self.url("tasks", external_task_ids=request.task))
        for task in objects(listed := self.read(reply, dict).get("data")):
            if task.get("external_id", listed == [task] and request.task) == request.task:
                return self.read_ticket(reply, request, task.get("id"))
        with suppress(core.NoSuchTask):
            self.raise_for_error(reply, asking=True)
            self.read_part(reply, listed, list[Any], "reply.data")
        return None

    def check(self, request: VideoRequest, options: KlingOptions) -> None:
        if request.end_image is not None and request.sound:
            problem = "end_image does not go with sound; turn sound off, or leave end_image out."
            raise self.option_refused("sound", problem)
        for name, wanted in (("sound", request.sound), ("end_image", request.end_image)):
            if wanted and options.resolution != "1080p":
                off = f"{name} needs 1080p; set resolution to 1080p, or leave {name} out."
                raise self.option_refused("resolution", off)
        for name, image in request.files.items():
            short, long = sorted(image.size)
            if long > 2.5 * short:
                problem = "the long side of an image must be at most 2.5 times the short one; got "
                raise self.option_refused(name, f"{problem}{long} x {short} pixels.")

    def price(self, request: VideoRequest, options: KlingOptions) -> float | None:
        second = PRICES.get((options.resolution, request.sound))
        return second and round(second * request.duration, 2)

    def read_callback(self, body: bytes | str) -> Status:
        return self._status(self.read_call(body, dict))

    def _status(self, task: Mapping[str, Any], reply: httpx.Response | None = None) -> Status:
        cost, unit = _cost(objects(task.get("billing")))
        said, url, why, own = map(task.get, ("status", "outputs", "message", "id"))
        return self.status(said, reply, url=url, cost=cost, cost_unit=unit, reason=why, task_id=own)


def _cost(bills: list[Mapping[str, Any]]) -> tuple[float | None, str | None]:
    """What was taken, and of what: units of a resource pack, or money; None where both were."""
    amounts = [number(each.get("amount")) for each in bills]
    kinds = {each.get("charge_type") == "unit" or text(each.get("currency")) for each in bills}
    if len(kinds) != 1 or None in amounts:
        return None, None
    kind = kinds.pop()
    return number(sum(filter(None, amounts))), "units" if kind is True else kind


@hookimpl
def kling26_providers() -> list[core.Provider]:
    return [Kling()]


@hookimpl
def kling26_sandboxes() -> list[core.Sandbox]:
    from kling26_kling_sandbox import KlingSandbox  # Only a rehearsal needs a web framework.

    return [core.Sandbox("kling", build=KlingSandbox)]
