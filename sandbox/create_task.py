"""
The createTask API, which kie.ai and Apikley share.

Requests: the two providers' pages for Kling 2.6 (URLs in their modules). Status:
https://docs.kie.ai/market/common/get-task-detail and
https://docs.apikley.ru/market/common/get-task-detail
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .conditions import Conditions
from .emulator import Emulator
from .fields import shape_of
from .requests import base_of, json_of
from .responses import AsciiJSONResponse
from .schema import JSON, fields_of, problems
from .submission import RefusalReason, Submission
from .tasks import EmulatedTask, TaskPhase
from .uploads import Uploads
from .video import SIZES, Clip

#: A link from download-url works for 20 minutes, in seconds.
RENEWED_LIFE = 20 * 60.0

#: Credits that an account starts with, and that 5 seconds without sound cost.
CREDITS = 10_000
PRICE = 55

URI: JSON = {"type": "string", "format": "uri", "pattern": "^https?://"}

#: HTTP status, code and message. That most come with HTTP 200 was observed, not documented.
NO: dict[RefusalReason, tuple[int, int, str]] = {
    "key": (200, 401, "You do not have access with this key"),
    "credit": (200, 402, "Not enough credits"),
    "rate_limit": (429, 429, "Too many tasks in a short time"),
    "rate_limit_in_body": (200, 429, "Too many tasks in a short time"),
    "maintenance": (455, 455, "Under maintenance"),
    "error": (500, 500, "Server error"),
    "error_in_200": (200, 500, "Server error"),
    "no_such_task": (200, 422, "recordInfo is null"),
    "no_such_path": (404, 404, "Not found"),
}


def task_schema(model: str, fields: Mapping[str, JSON]) -> JSON:
    """The JSON schema of a createTask body; all fields of `input` are required."""
    return {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": {"type": "string", "enum": [model]},
            "callBackUrl": URI,
            "input": {"type": "object", "required": list(fields), "properties": dict(fields)},
        },
    }


class CreateTaskEmulator(Emulator):
    """kie.ai, or a service with the same API."""

    #: The schema of a body, by model.
    schemas: ClassVar[Mapping[str, JSON]]
    #: What the paths of uploads begin with.
    upload_prefix: ClassVar[str] = ""
    #: What recordInfo calls its message, and what it gives for a missing value.
    record_text: ClassVar[Literal["msg", "message"]] = "msg"
    nothing: ClassVar[str | None] = None

    cost_names: ClassVar[tuple[str, ...]] = ("creditsConsumed",)
    # recordInfo repeats the stored link; download-url creates a new one.
    polling_renews = False
    failure = "The generation failed, please try again later."

    def __init__(self, conditions: Conditions | None = None) -> None:
        conditions = Conditions() if conditions is None else conditions
        self.uploads: Uploads = Uploads(conditions, self.upload_prefix)
        super().__init__(conditions)

    def routes(self) -> Sequence[BaseRoute]:
        jobs = "/api/v1/jobs"
        return [
            Route(f"{jobs}/createTask", self.keyed(self._create), methods=["POST"]),
            Route(f"{jobs}/recordInfo", self.keyed(self._record)),
            Route("/api/v1/chat/credit", self.keyed(self._credit)),
            Route("/api/v1/common/download-url", self.keyed(self._renew), methods=["POST"]),
            *self.uploads.routes(),
        ]

    def no(self, reason: RefusalReason) -> tuple[int, JSON]:
        status, code, text = NO[reason]
        return status, {"code": code, "msg": text, "data": None}

    def spell_id(self, milliseconds: int) -> str:
        return f"task_kling-2.6_{milliseconds}"

    def receipt(self, task: EmulatedTask) -> JSON:
        return {"code": 200, "msg": "success", "data": {"taskId": task.id}}

    def calls(self, task: EmulatedTask) -> Iterable[JSON]:
        phase = task.phase(self.conditions.clock())
        if phase == "succeeded":
            data = self._data(task, phase, self.deliveries.first(task))
            yield {"code": 200, "msg": "The task succeeded.", "data": data}
        elif phase == "failed":
            data = self._data(task, phase, None)
            yield {"code": 501, "msg": "The task failed.", "data": data}

    async def _create(self, request: Request) -> Response:
        return await self.submit(request, self._understand)

    async def _record(self, request: Request) -> Response:
        task_id = request.query_params.get("taskId")
        if not task_id:
            return _refused(400, "taskId is missing")

        def describe(task: EmulatedTask, phase: TaskPhase) -> JSON:
            done = phase == "succeeded"
            url = self.deliveries.link(task, base_of(request)) if done else None
            return {
                "code": 200,
                self.record_text: "success",
                "data": self._data(task, phase, url),
            }

        return await self.poll(self.tasks.find(task_id), describe)

    async def _credit(self, request: Request) -> Response:
        now = self.conditions.clock()
        spent = sum(_credits(task.clip) for task in self.tasks if task.phase(now) != "failed")
        return AsciiJSONResponse({"code": 200, "msg": "success", "data": max(0, CREDITS - spent)})

    async def _renew(self, request: Request) -> Response:
        url, base = fields_of(await json_of(request)).get("url"), base_of(request)
        task = self.deliveries.task_behind(url, base)
        if task is None:
            return _refused(422, "The URL is not one of a generated file")
        renewed = self.deliveries.renew(task, base, RENEWED_LIFE)
        return AsciiJSONResponse({"code": 200, "msg": "success", "data": renewed})

    def _understand(self, body: object) -> Submission | Response:
        fields = fields_of(body)
        model = str(fields.get("model"))
        schema = self.schemas.get(model, self._any_model())
        for problem in problems(body, schema):
            # Observed on the live server: a missing field is reported as code 500.
            if problem.missing:
                return _refused(500, "This field is required")
            return _refused(422, f"{problem.path}: {problem.text}")
        asked = fields["input"]
        images = tuple(self.uploads.find(url) or url for url in asked.get("image_urls", []))
        size = shape_of(images[0]) if images else SIZES[asked["aspect_ratio"]]
        clip = Clip(asked["prompt"], int(asked["duration"]), asked["sound"], *size)
        hook = fields.get("callBackUrl")
        return Submission(model, clip, callback_url=hook, images=images)

    def _any_model(self) -> JSON:
        models = {"type": "string", "enum": list(self.schemas)}
        return {"type": "object", "required": ["model"], "properties": {"model": models}}

    def _data(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        ended = phase in ("succeeded", "failed")
        failed = phase == "failed"
        result = json.dumps({"resultUrls": [url] if url else []})
        return {
            "taskId": task.id,
            "model": task.model,
            "state": self._state(task, phase),
            "param": json.dumps(task.body),
            "resultJson": result if phase == "succeeded" else self.nothing,
            "failCode": "500" if failed else self.nothing,
            "failMsg": task.failure if failed else self.nothing,
            "costTime": _ms(task.ends - task.starts) if ended else None,
            "completeTime": _ms(task.ends) if ended else None,
            "createTime": _ms(task.created),
            "updateTime": _ms(min(task.ends, self.conditions.clock())),
            # Seen with a success only.
            **({"creditsConsumed": _credits(task.clip)} if ended and not failed else {}),
        }

    def _state(self, task: EmulatedTask, phase: TaskPhase) -> str:
        match phase:
            case "queued":
                half = (task.created + task.starts) / 2
                return "waiting" if self.conditions.clock() < half else "queuing"
            case "running":
                return "generating"
            case "succeeded":
                return "success"
            case "failed":
                return "fail"
        return "moderating"


def _refused(code: int, text: str) -> Response:
    return AsciiJSONResponse({"code": code, "msg": text, "data": None})


def _credits(clip: Clip) -> int:
    return PRICE * (clip.seconds // 5) * (2 if clip.sound else 1)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
