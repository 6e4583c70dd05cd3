"""
The emulator of fal.ai: https://queue.fal.run, https://rest.fal.ai, and its file store.

Written from https://docs.fal.ai/model-endpoints/queue and .../webhooks,
https://fal.ai/docs/inference-api/queue/cancel, the schemas of
https://fal.ai/docs/model-api-reference/video-generation-api/kling-video-v2.6-pro, and
https://docs.fal.ai/documentation/model-apis/request-errors. That invalid input is
refused at once is an assumption: the real queue may accept it and let it fail.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from jsonschema import Draft202012Validator
from kling26.sandbox import (
    Clip,
    Conditions,
    EmulatedTask,
    Emulator,
    RefusalReason,
    Submission,
    TaskPhase,
    base_of,
)
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

#: Where uploads go in a rehearsal: a host that must not see the key, as in reality.
STORE = "https://store.fal.example"
#: A prompt with one of these words leads to a task that completes, but whose result is an error:
#: of the content, or of the model itself.
REJECT_WORD, CRASH_WORD = "[reject]", "[crash]"

Body = Mapping[str, object]

IMAGE_URL: Body = {"type": "string", "pattern": "^(https?://|data:image/)"}
COMMON: Body = {
    "prompt": {"type": "string", "minLength": 1},
    "duration": {"enum": ["5", "10"]},
    "negative_prompt": {"type": "string"},
    "generate_audio": {"type": "boolean"},
}
SCHEMAS: Mapping[str, Body] = {
    "text-to-video": {
        "type": "object",
        "required": ["prompt"],
        "additionalProperties": False,
        "properties": {
            **COMMON,
            "aspect_ratio": {"enum": ["16:9", "9:16", "1:1"]},
            "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1},
        },
    },
    "image-to-video": {
        "type": "object",
        "required": ["prompt", "start_image_url"],
        "additionalProperties": False,
        "properties": {
            **COMMON,
            "start_image_url": IMAGE_URL,
            "end_image_url": IMAGE_URL,
            "voice_ids": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
        },
    },
}
SIZES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (240, 240)}

NO: Mapping[RefusalReason, tuple[int, str]] = {
    "key": (401, "The key is not valid"),
    "credit": (403, "User is locked. Reason: Exhausted balance."),
    "rate_limit": (429, "Too many requests at once"),
    "rate_limit_in_body": (429, "Too many requests at once"),  # fal.ai has none under HTTP 200.
    "maintenance": (503, "Under maintenance"),
    "error": (500, "Internal server error"),
    "error_in_200": (200, "Internal server error"),
    "no_such_task": (404, "There is no such request"),
    "no_such_path": (404, "There is nothing here"),
}


class FalSandbox(Emulator):
    """fal.ai."""

    provider = "fal"
    key_scheme = "Key"
    failure = "The prompt was flagged by a content checker."

    def __init__(self, conditions: Conditions | None = None) -> None:
        super().__init__(conditions)
        self._kinds: dict[str, str] = {}
        self._files: dict[str, bytes] = {}

    def routes(self) -> Sequence[BaseRoute]:
        app = "/fal-ai/kling-video"
        one, keyed = f"{app}/requests/{{id}}", self.keyed
        return [
            Route(f"{app}/v2.6/pro/{{kind}}", keyed(self._submit), methods=["POST"]),
            Route(f"{one}/status", keyed(self._status)),
            Route(f"{one}/cancel", keyed(self._cancel), methods=["PUT"]),
            Route(one, keyed(self._result)),
            Route("/storage/upload/initiate", keyed(self._initiate), methods=["POST"]),
            Route("/store/{name}", self._store, methods=["PUT"]),
        ]

    def no(self, reason: RefusalReason) -> tuple[int, Body]:
        status, detail = NO[reason]
        return status, {"detail": detail}

    def spell_id(self, milliseconds: int) -> str:
        return str(uuid5(NAMESPACE_URL, f"fal:{milliseconds}"))

    def receipt(self, task: EmulatedTask) -> Body:
        return {"request_id": task.id, **self._urls(task), "queue_position": 0}

    def calls(self, task: EmulatedTask) -> Iterable[Body]:
        """One call, at the end."""
        phase = self.phase(task)
        call = {"request_id": task.id, "gateway_request_id": task.id}
        if phase == "succeeded":
            payload = _payload(self.deliveries.first(task))
            yield {**call, "status": "OK", "payload": payload, "error": None}
        elif phase == "failed":
            error = "Invalid status code: 422"
            yield {**call, "status": "ERROR", "payload": _detail(task.failure), "error": error}

    async def _submit(self, request: Request) -> Response:
        return await self.submit(request, partial(self._understand, request))

    def _understand(self, request: Request, body: object) -> Submission | Response:
        kind = request.path_params["kind"]
        if kind not in SCHEMAS or not isinstance(body, dict):
            return self.refuse("no_such_path")
        wrong = [
            {"loc": ["body", *error.absolute_path], "msg": error.message, "type": error.validator}
            for error in Draft202012Validator(SCHEMAS[kind]).iter_errors(body)
        ]
        if wrong:
            return JSONResponse({"detail": wrong}, 422)
        size = SIZES[body.get("aspect_ratio", "16:9")]
        image = self._files.get(body.get("start_image_url", "").rpartition("/")[2])
        clip = Clip(
            body["prompt"],
            int(body.get("duration", "5")),
            # Sound is on by default.
            body.get("generate_audio", True),
            *(_size(image) if image else size),
        )
        hook = request.query_params.get("fal_webhook")
        return Submission(kind, clip, callback_url=hook)

    async def _status(self, request: Request) -> Response:
        return await self.poll(self._task(request), self._describe_status)

    def _describe_status(self, task: EmulatedTask, phase: TaskPhase) -> Body:
        body: dict[str, object] = {"request_id": task.id, **self._urls(task)}
        if phase == "queued":
            return {**body, "status": "IN_QUEUE", "queue_position": 0}
        if phase in ("running", "unknown"):
            return {**body, "status": "MODERATING" if phase == "unknown" else "IN_PROGRESS"}
        body |= {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 92.1}}
        if phase == "failed":
            body |= {"error": task.failure, "error_type": "content_policy_violation"}
        return body

    async def _result(self, request: Request) -> Response:
        return await self.poll(self._task(request), self._describe_result)

    def _describe_result(self, task: EmulatedTask, phase: TaskPhase) -> Body | Response:
        if phase == "unknown":
            return {"detail": "Request is still in progress"}
        if phase in ("queued", "running"):
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        if phase == "failed" or REJECT_WORD in task.clip.prompt:
            return JSONResponse(_detail(task.failure or self.failure), 422)
        if CRASH_WORD in task.clip.prompt:
            return JSONResponse(
                _detail("Internal error of the model", "internal_server_error"), 500
            )
        return _payload(self.deliveries.link(task, task.base))

    async def _cancel(self, request: Request) -> Response:
        task = self._task(request)
        if task is None:
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        phase = self.phase(task)
        if phase == "queued":
            self.cancel(task)
            return JSONResponse({"status": "OK"})
        if phase == "running":  # The model gets a signal, but may ignore it.
            return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)

    async def _initiate(self, request: Request) -> Response:
        if fault := self.upload_fault():
            return fault
        body = await request.json()
        name, kind = body.get("file_name"), body.get("content_type")
        if not (isinstance(name, str) and isinstance(kind, str) and "/" not in name):
            return JSONResponse({"detail": "file_name or content_type is missing"}, 422)
        self._kinds[name] = kind
        base = base_of(request)
        # Over real HTTP, one host serves everything.
        store = STORE if base.startswith("https://rest.fal.ai") else base
        return JSONResponse({"upload_url": f"{store}/store/{name}", "file_url": f"{store}/{name}"})

    async def _store(self, request: Request) -> Response:
        """A signed URL takes a file of the announced type, and no key."""
        name = request.path_params["name"]
        if base_of(request) == STORE and "authorization" in request.headers:
            return Response("There must not be a key", 400)
        if request.headers.get("content-type") != self._kinds.get(name):
            return Response("The signature does not match", 403)
        self._files[name] = await request.body()
        return Response()

    def _task(self, request: Request) -> EmulatedTask | None:
        """The task of a request; one that was cancelled is gone."""
        task = self.tasks.find(request.path_params["id"])
        return None if task is None or task.cancelled else task

    def _urls(self, task: EmulatedTask) -> Mapping[str, str]:
        one = f"{task.base}/fal-ai/kling-video/requests/{task.id}"
        return {"response_url": one, "status_url": f"{one}/status", "cancel_url": f"{one}/cancel"}


def _payload(url: str | None) -> Body:
    """A model's output; the video is None as long as the emulator withholds its URL."""
    if url is None:
        return {"video": None}
    name = url.rpartition("/")[2]
    return {"video": {"url": url, "content_type": "video/mp4", "file_name": name}}


def _detail(text: str | None, kind: str = "content_policy_violation") -> Body:
    return {"detail": [{"loc": ["body"], "msg": text, "type": kind}]}


def _size(content: bytes) -> tuple[int, int]:
    """A small video's size in the aspect ratio of an image; H.264 needs even numbers."""
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
    scale = 160 / max(width, height)
    return max(2, round(width * scale) * 2), max(2, round(height * scale) * 2)
