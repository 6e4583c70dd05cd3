"""The emulator of the good provider."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import NAMESPACE_URL, uuid5

from jsonschema import Draft202012Validator
from kling26.sandbox import Clip, EmulatedTask, Emulator, RefusalReason, Submission, TaskPhase
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

VIDEO: Mapping[str, object] = {
    "type": "object",
    "required": ["prompt", "seconds", "sound"],
    "additionalProperties": False,
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 2000},
        "seconds": {"type": "integer", "enum": [5, 10]},
        "sound": {"type": "boolean"},
        "aspect_ratio": {"type": "string", "enum": ["16:9", "9:16", "1:1"]},
        "image_url": {"type": "string", "pattern": "^https?://"},
        "negative_prompt": {"type": "string", "maxLength": 500},
        "webhook_url": {"type": "string", "pattern": "^https?://"},
    },
}

STATES: Mapping[TaskPhase, str] = {
    "queued": "queued",
    "running": "working",
    "succeeded": "done",
    "failed": "failed",
    "cancelled": "failed",
    "unknown": "moderating",
}

NO: Mapping[RefusalReason, tuple[int, str, str]] = {
    "key": (401, "invalid_key", "The key is not valid."),
    "credit": (402, "no_credit", "The account has no credit left."),
    "rate_limit": (429, "slow_down", "There are too many requests."),
    "rate_limit_in_body": (429, "slow_down", "There are too many requests."),
    "maintenance": (503, "maintenance", "The service is being maintained."),
    "error": (500, "internal", "Something broke."),
    "error_in_200": (200, "internal", "Something broke."),
    "no_such_task": (404, "not_found", "There is no such video."),
    "no_such_path": (404, "not_found", "There is nothing here."),
}

SIZES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (240, 240)}


class AcmeSandbox(Emulator):
    provider = "acme"
    #: The reason that a failed task gives.
    failure = "The prompt was refused by the content policy."

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/videos", self.keyed(self._submit), methods=["POST"]),
            Route("/v1/videos/{id}", self.keyed(self._poll)),
        ]

    def no(self, reason: RefusalReason) -> tuple[int, Mapping[str, object]]:
        status, code, message = NO[reason]
        return status, {"error": {"code": code, "message": message}}

    def spell_id(self, milliseconds: int) -> str:
        return str(uuid5(NAMESPACE_URL, f"{self.provider}:{milliseconds}"))

    def receipt(self, task: EmulatedTask) -> Mapping[str, object]:
        return {"id": task.id, "state": STATES["queued"]}

    def calls(self, task: EmulatedTask) -> Iterable[Mapping[str, object]]:
        phase = self.phase(task)
        if phase in ("succeeded", "failed"):
            yield self._body(task, phase, self.deliveries.first(task))

    async def _submit(self, request: Request) -> Response:
        return await self.submit(request, _understand)

    async def _poll(self, request: Request) -> Response:
        return await self.poll(self.tasks.find(request.path_params["id"]), self._describe)

    def _describe(self, task: EmulatedTask, phase: TaskPhase) -> Mapping[str, object]:
        done = phase == "succeeded"
        return self._body(task, phase, self.deliveries.link(task, task.base) if done else None)

    def _body(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> Mapping[str, object]:
        body: dict[str, object] = {"id": task.id, "state": STATES[phase]}
        if phase == "succeeded":
            body |= {"video_url": url, "cost": 0.35}
        if phase == "failed":
            body["error"] = {"code": "content", "message": task.failure}
        return body


def _understand(body: object) -> Submission | Response:
    """What a body asks for, or the refusal of a body that breaks the schema."""
    for error in Draft202012Validator(VIDEO).iter_errors(body):
        problem = {"code": "invalid", "message": error.message[:200]}
        return JSONResponse({"error": problem}, 422)
    assert isinstance(body, dict)
    size = SIZES[body.get("aspect_ratio", "16:9")]
    clip = Clip(body["prompt"], body["seconds"], body["sound"], *size)
    return Submission("kling-2.6", clip, callback_url=body.get("webhook_url"))
