"""
The emulator of CometAPI: https://api.cometapi.com, the gateway and the Kling behind it.

https://apidoc.cometapi.com/id/api/video/kling/text-to-video and
https://apidoc.cometapi.com/api/video/kling/image-to-video for submits,
https://apidoc.cometapi.com/api/video/kling/individual-queries for queries,
https://apidoc.cometapi.com/errors/error-codes-handling for the gateway's errors,
https://apidoc.cometapi.com/tools/balance-api for https://query.cometapi.com.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..core.hookspecs import Sandbox, hookimpl
from .emulator import Emulator
from .images import decode, size_of
from .requests import base_of
from .responses import AsciiJSONResponse
from .schema import JSON, fields_of, problems
from .submission import RefusalReason, Submission
from .tasks import EmulatedTask, TaskPhase
from .video import SIZES, Clip, size_like

COMMON: Mapping[str, JSON] = {
    "model_name": {
        "type": "string",
        "enum": [
            "kling-v1",
            "kling-v1-6",
            "kling-v2-master",
            "kling-v2-1-master",
            "kling-v2-5-turbo",
            "kling-v2-6",
            "kling-v3",
        ],
    },
    "prompt": {"type": "string", "maxLength": 500},
    "negative_prompt": {"type": "string", "maxLength": 200},
    "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1},
    "mode": {"type": "string", "enum": ["std", "pro"]},
    "duration": {"type": "string", "enum": ["5", "10"]},
    "sound": {"type": "string", "enum": ["on", "off"]},
    "callback_url": {"type": "string", "pattern": "^https?://"},
    "external_task_id": {"type": "string"},
    "watermark_info": {"type": "object"},
}

SCHEMAS: Mapping[str, JSON] = {
    "text2video": {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            **COMMON,
            "aspect_ratio": {"type": "string", "enum": ["16:9", "9:16", "1:1"]},
            "camera_control": {"type": "object"},
        },
    },
    "image2video": {
        "type": "object",
        "required": ["image"],
        "properties": {
            **COMMON,
            "image": {"type": "string", "minLength": 1},
            "image_tail": {"type": "string", "minLength": 1},
        },
    },
}

STATES: dict[TaskPhase, str] = {
    "queued": "submitted",
    "running": "processing",
    "succeeded": "succeed",
    "failed": "failed",
    "unknown": "moderating",
}

#: The gateway's own refusals: HTTP status and message.
GATEWAY: dict[RefusalReason, tuple[int, str]] = {
    "key": (401, "invalid token"),
    "rate_limit": (429, "too many requests"),
    "maintenance": (503, "under maintenance"),
    "error": (500, "internal error"),
    "no_such_path": (404, "no such route"),
}

#: The Kling API's refusals, which the gateway passes on: HTTP status, code and message.
KLING: dict[RefusalReason, tuple[int, int, str]] = {
    "credit": (429, 1102, "the resource pack is used up"),
    "rate_limit_in_body": (200, 1303, "too many tasks at once"),
    "error_in_200": (200, 5000, "internal error"),
    "no_such_task": (404, 1203, "no such task"),
}

MAX_IMAGE = 10 * 1024 * 1024  # bytes
MIN_SIDE = 300  # pixels
TOO_SMALL = "Image pixel is invalid"

#: What an account has at first, and what 5 seconds cost in std mode, in pro mode, and with sound,
#: in USD: Kling's list prices, which CometAPI charges.
CREDIT = 100.0
PRICE, PRICE_PRO, PRICE_WITH_SOUND = 0.21, 0.35, 0.70


class CometAPISandbox(Emulator):
    """CometAPI."""

    provider = "cometapi"
    failure = "The content did not pass the risk control."

    def routes(self) -> Sequence[BaseRoute]:
        videos, routes = "/kling/v1/videos", [Route("/user/quota", self._balance)]
        for kind in SCHEMAS:
            submit, query = partial(self._submit, kind), partial(self._query, kind)
            routes += [
                Route(f"{videos}/{kind}", self.keyed(submit), methods=["POST"]),
                Route(f"{videos}/{kind}/{{task_id}}", self.keyed(query)),
            ]
        return routes

    def no(self, reason: RefusalReason) -> tuple[int, JSON]:
        if reason in KLING:
            status, code, text = KLING[reason]
            return status, {"code": code, "message": text, "request_id": self._request_id()}
        status, text = GATEWAY[reason]
        text = f"{text} (request id: {self._request_id()})"
        return status, {"error": {"message": text, "type": "comet_api_error", "code": ""}}

    def spell_id(self, milliseconds: int) -> str:
        return f"{milliseconds}000000"

    def receipt(self, task: EmulatedTask) -> JSON:
        return self._envelope(self._task_data(task, "queued"))

    def calls(self, task: EmulatedTask) -> Iterable[JSON]:
        """One call for each state that the task has reached."""
        now = self.conditions.clock()
        yield self._call(task, "queued")
        if now >= task.starts:
            yield self._call(task, "running")
        if now >= task.ends:
            yield self._call(task, task.phase(now))

    async def _submit(self, kind: str, request: Request) -> Response:
        return await self.submit(request, partial(self._understand, kind))

    async def _balance(self, request: Request) -> Response:
        """The key is in the query, and nowhere else."""
        key = request.query_params.get("key", "")
        if "authorization" in request.headers or not self.conditions.knows(key):
            return self.refuse("key")
        now = self.conditions.clock()
        spent = sum(_cost(task) for task in self.tasks if task.phase(now) != "failed")
        left = 0.0 if "broke" in key else max(0.0, CREDIT - spent)
        used = round(spent, 2)
        body = {
            "username": "sandbox",
            "total_quota": round(left, 2),
            "total_used_quota": used,
            "request_count": len(self.accepted),
            "keys": [{"name": "sandbox", "remain_quota": -1, "used_quota": used}],
        }
        return AsciiJSONResponse(body)

    async def _query(self, kind: str, request: Request) -> Response:
        task_id = request.path_params["task_id"]
        task = self.tasks.find(task_id) or self.tasks.find_external(task_id)
        if task is not None and task.model != kind:
            task = None
        return await self.poll(task, partial(self._describe, request))

    def _describe(self, request: Request, task: EmulatedTask, phase: TaskPhase) -> JSON:
        done = phase == "succeeded"
        url = self.deliveries.link(task, base_of(request)) if done else None
        return self._envelope(self._full_data(task, phase, url))

    def _understand(self, kind: str, body: object) -> Submission | Response:
        for problem in problems(body, SCHEMAS[kind]):
            return self._invalid(f"{problem.path}: {problem.text}".removeprefix(": "))
        fields = fields_of(body)
        external_id = fields.get("external_task_id")
        if external_id and self.tasks.find_external(external_id):
            return self._invalid("external_task_id: a task with this id already exists")
        if broken := _broken_rule(fields):
            return self._invalid(broken)
        size, failure = _inspect(fields)
        clip = Clip(
            fields.get("prompt", ""),
            int(fields.get("duration", "5")),
            fields.get("sound") == "on",
            *(size_like(*size) if size else SIZES[_aspect_ratio(kind, fields)]),
        )
        return Submission(kind, clip, external_id or None, fields.get("callback_url"), failure)

    def _invalid(self, text: str) -> Response:
        body = {"code": 1201, "message": text, "request_id": self._request_id()}
        return AsciiJSONResponse(body, 400)

    def _envelope(self, data: JSON) -> JSON:
        return {
            "code": 0,
            "message": "SUCCEED",
            "request_id": self._request_id(),
            "data": data,
        }

    def _task_data(self, task: EmulatedTask, phase: TaskPhase) -> JSON:
        external = {"external_task_id": task.external_id} if task.external_id else {}
        return {
            "task_id": task.id,
            "task_status": STATES[phase],
            "task_info": external,
            "created_at": int(task.created * 1000),
            "updated_at": int(min(self.conditions.clock(), task.ends) * 1000),
        }

    def _full_data(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        seconds = f"{task.clip.seconds}.0"
        video = {"id": f"{task.id}1", "url": url, "duration": seconds}
        return {
            **self._task_data(task, phase),
            "task_status_msg": task.failure if phase == "failed" else "",
            "task_result": {"videos": [video]} if url else {},
        }

    def _call(self, task: EmulatedTask, phase: TaskPhase) -> JSON:
        """A webhook receives the task without an envelope."""
        url = self.deliveries.first(task) if phase == "succeeded" else None
        return self._full_data(task, phase, url)

    def _request_id(self) -> str:
        return f"sandbox-{len(self.requests)}"


def _broken_rule(body: Mapping[str, object]) -> str | None:
    """The rule across fields that a body breaks; that std mode refuses sound is an assumption."""
    pro, sound = body.get("mode") == "pro", body.get("sound") == "on"
    if sound and not pro:
        return "sound: only with mode pro"
    if "image_tail" in body and (sound or not pro):
        return "image_tail: only with mode pro, and without sound"
    for name in ("image", "image_tail"):
        if (text := body.get(name)) and (broken := _broken_image(str(text))):
            return f"{name}: {broken}"
    return None


def _broken_image(text: str) -> str | None:
    if text.startswith(("http://", "https://")):
        return None
    if text.startswith("data:"):
        return "base64 must not have a data: prefix"
    image = decode(text)
    if image is None or size_of(image) is None:
        return "neither a URL nor an image in base64"
    return "larger than 10 MB" if len(image) > MAX_IMAGE else None


def _inspect(body: Mapping[str, object]) -> tuple[tuple[int, int] | None, str | None]:
    """The size of an image sent as base64, and why its task will fail, if it will."""
    sizes = [_size(str(body.get(name, ""))) for name in ("image", "image_tail")]
    # Kling accepts a task with an image that is too small, and then lets it fail.
    small = any(size and min(size) < MIN_SIDE for size in sizes)
    return sizes[0], TOO_SMALL if small else None


def _size(text: str) -> tuple[int, int] | None:
    image = None if text.startswith("http") else decode(text)
    return size_of(image) if image else None


def _cost(task: EmulatedTask) -> float:
    price = PRICE_PRO if task.body.get("mode") == "pro" else PRICE
    return (PRICE_WITH_SOUND if task.clip.sound else price) * task.clip.seconds / 5


def _aspect_ratio(kind: str, body: Mapping[str, object]) -> str:
    """An image sets the aspect ratio, so image2video ignores this field."""
    return str(body.get("aspect_ratio", "16:9")) if kind == "text2video" else "16:9"


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    return [Sandbox("cometapi", build=CometAPISandbox, balance="")]
