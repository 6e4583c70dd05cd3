"""
The emulator of CometAPI: https://api.cometapi.com, the gateway and the Kling behind it.

https://apidoc.cometapi.com/id/api/video/kling/text-to-video and
https://apidoc.cometapi.com/api/video/kling/image-to-video for submits,
https://apidoc.cometapi.com/api/video/kling/individual-queries for queries,
https://apidoc.cometapi.com/errors/error-codes-handling for the gateway's errors,
https://apidoc.cometapi.com/tools/balance-api for https://query.cometapi.com.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from attrs import evolve
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..core.hookspecs import Sandbox, hookimpl
from .declared import DeclaredEmulator
from .fields import Fields
from .images import size_of
from .refusals import Refusal
from .responses import AsciiJSONResponse
from .schema import JSON, object_of
from .submission import Submission
from .tasks import EmulatedTask, TaskPhase

VIDEOS = "/kling/v1/videos"
PROMPT: JSON = {"type": "string", "maxLength": 500}
IMAGE: JSON = {"type": "string", "minLength": 1}
COMMON: JSON = {
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
    "negative_prompt": {"type": "string", "maxLength": 200},
    "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1},
    "mode": {"type": "string", "enum": ["std", "pro"], "default": "std"},
    "duration": {"type": "string", "enum": ["5", "10"], "default": "5"},
    "sound": {"type": "string", "enum": ["on", "off"], "default": "off"},
    "callback_url": {"type": "string", "pattern": "^https?://"},
    "external_task_id": {"type": "string"},
    "watermark_info": {"type": "object"},
}


def _open(required: JSON, **optional: object) -> JSON:
    """The schema of a body, which may have other fields too."""
    return {**object_of(required, **COMMON, **optional), "additionalProperties": True}


TEXT = _open(
    {"prompt": PROMPT},
    aspect_ratio={"type": "string", "enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
    camera_control={"type": "object"},
)
FRAMES = _open({"image": IMAGE}, prompt=PROMPT, image_tail=IMAGE)

MAX_IMAGE = 10 * 1024 * 1024  # bytes
MIN_SIDE = 300  # pixels
TOO_SMALL = "Image pixel is invalid"

#: What 5 seconds cost in std mode, in pro mode, and with sound, in USD: Kling's list prices, which
#: CometAPI charges.
PRICE, PRICE_PRO, PRICE_WITH_SOUND = 0.21, 0.35, 0.70


class CometAPISandbox(DeclaredEmulator):
    """CometAPI."""

    provider = "cometapi"
    documents: ClassVar[str | None] = (
        "https://apidoc.cometapi.com/api/video/kling/individual-queries"
    )
    failure = "The content did not pass the risk control."
    submits: ClassVar[Mapping[str, JSON]] = {
        f"POST {VIDEOS}/text2video": TEXT,
        f"POST {VIDEOS}/image2video": FRAMES,
    }
    polls: ClassVar[str | None] = f"GET {VIDEOS}/{{kind}}/{{id}}"
    fields: ClassVar[Fields] = Fields(end_image="image_tail", model="")
    data_urls = False
    states: ClassVar[Mapping[TaskPhase, str]] = {
        "queued": "submitted",
        "running": "processing",
        "succeeded": "succeed",
    }
    refusals: ClassVar[Mapping[str, Refusal]] = {
        # The gateway's own have no code.
        "key": (401, "invalid token"),
        "rate_limit": (429, "too many requests"),
        "maintenance": (503, "under maintenance"),
        "error": (500, "internal error"),
        "no_such_path": (404, "no such route"),
        # The Kling API's, which the gateway passes on.
        "credit": (429, 1102, "the resource pack is used up"),
        "rate_limit_in_body": (200, 1303, "too many tasks at once"),
        "error_in_200": (200, 5000, "internal error"),
        "no_such_task": (404, 1203, "no such task"),
        "invalid": (400, 1201, "{problem}"),
    }
    ids = "{}000000"
    told: ClassVar[tuple[TaskPhase, ...]] = ("queued", "running", "succeeded", "failed")

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/user/quota", self._quota), *super().routes()]

    def refusal(self, code: int | str | None, text: str) -> JSON:
        if code is not None:
            return {"code": code, "message": text, "request_id": self.request_id}
        text = f"{text} (request id: {self.request_id})"
        return {"error": {"message": text, "type": "comet_api_error", "code": ""}}

    def wrap(self, data: object) -> JSON:
        return {"code": 0, "message": "SUCCEED", "request_id": self.request_id, "data": data}

    def find(self, task_id: str) -> EmulatedTask | None:
        """By either id, and only among the tasks of its kind."""
        task = self.tasks.find(task_id) or self.tasks.find_external(task_id)
        kind = self.requests[-1].path.strip("/").rpartition("/")[0]
        return task if task and task.model == kind else None

    def understand(self, request: Request, schema: JSON, body: object) -> Submission | Response:
        asked = super().understand(request, schema, body)
        if isinstance(asked, Response):
            return asked
        # Kling accepts a task with an image that is too small, and then lets it fail.
        sizes = [size_of(image) for image in asked.images if isinstance(image, bytes)]
        small = any(size and min(size) < MIN_SIDE for size in sizes)
        return evolve(asked, failure=TOO_SMALL if small else None)

    def check(self, asked: Submission, body: JSON) -> str | None:
        """That std mode refuses sound is an assumption."""
        pro, sound = body.get("mode") == "pro", asked.clip.sound
        if sound and not pro:
            return "sound: only with mode pro"
        if "image_tail" in body and (sound or not pro):
            return "image_tail: only with mode pro, and without sound"
        if any(isinstance(image, bytes) and len(image) > MAX_IMAGE for image in asked.images):
            return "image: larger than 10 MB"
        return None

    def receipt(self, task: EmulatedTask) -> JSON:
        return self.wrap(self._short(task, "queued"))

    def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        """A webhook receives the same, without an envelope."""
        video = {"id": f"{task.id}1", "url": url, "duration": f"{task.clip.seconds}.0"}
        return {
            **self._short(task, phase),
            "task_status_msg": task.failure if phase == "failed" else "",
            "task_result": {"videos": [video]} if url else {},
        }

    def cost(self, task: EmulatedTask) -> float:
        price = PRICE_PRO if task.body.get("mode") == "pro" else PRICE
        return (PRICE_WITH_SOUND if task.clip.sound else price) * task.clip.seconds / 5

    def _short(self, task: EmulatedTask, phase: TaskPhase) -> JSON:
        return {
            "task_id": task.id,
            "task_status": self.state(task, phase),
            "task_info": {"external_task_id": task.external_id} if task.external_id else {},
            "created_at": int(task.created * 1000),
            "updated_at": int(min(self.conditions.clock(), task.ends) * 1000),
        }

    async def _quota(self, request: Request) -> Response:
        """The key is in the query, and nowhere else."""
        key = request.query_params.get("key", "")
        if "authorization" in request.headers or not self.conditions.knows(key):
            return self.refuse("key")
        left = 0.0 if "broke" in key else self.left
        used = round(self.credit - self.left, 2)
        body = {
            "username": "sandbox",
            "total_quota": left,
            "total_used_quota": used,
            "request_count": len(self.accepted),
            "keys": [{"name": "sandbox", "remain_quota": -1, "used_quota": used}],
        }
        return AsciiJSONResponse(body)


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    return [Sandbox("cometapi", build=CometAPISandbox, balance="")]
