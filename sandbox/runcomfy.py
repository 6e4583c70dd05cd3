"""
The emulator of RunComfy's Model API: https://model-api.runcomfy.net.

https://www.runcomfy.com/playground/kling/kling-2-6/pro/image-to-video/api, and the page for
text-to-video next to it, for the schemas,
https://docs.runcomfy.com/model-apis/async-queue-endpoints for the queue,
https://docs.runcomfy.com/model-apis/error-codes for the codes, and RunComfy's own clients for data
URIs, prices and the balance, which is at https://api.runcomfy.net/prod/v2.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

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

PROMPT: JSON = {"type": "string"}
DURATION: JSON = {"type": "integer", "enum": [5, 10]}
NEGATIVE_PROMPT: JSON = {"type": "string"}
GENERATE_AUDIO: JSON = {"type": "boolean"}

SCHEMAS: Mapping[str, JSON] = {
    "kling/kling-2-6/pro/text-to-video": {
        "type": "object",
        "required": ["prompt"],
        "additionalProperties": False,
        "properties": {
            "prompt": PROMPT,
            "duration": DURATION,
            "aspect_ratio": {"type": "string", "enum": ["16:9", "9:16", "1:1"]},
            "negative_prompt": NEGATIVE_PROMPT,
            "generate_audio": GENERATE_AUDIO,
        },
    },
    # Only the first two fields are certain from the documents.
    "kling/kling-2-6/pro/image-to-video": {
        "type": "object",
        "required": ["prompt", "image_url"],
        "additionalProperties": False,
        "properties": {
            "prompt": PROMPT,
            "image_url": {"type": "string", "pattern": "^(https?://|data:image/)"},
            "duration": DURATION,
            "negative_prompt": NEGATIVE_PROMPT,
            "generate_audio": GENERATE_AUDIO,
        },
    },
}

STATES: dict[TaskPhase, str] = {
    "queued": "in_queue",
    "running": "in_progress",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "unknown": "moderating",
}

#: The phases of a task that costs something.
CHARGED: tuple[TaskPhase, ...] = ("queued", "running", "succeeded")

#: HTTP status, code and message.
NO: dict[RefusalReason, tuple[int, int, str]] = {
    "key": (401, 400004, "The token is missing or not valid"),
    # Under HTTP 200, as in some of RunComfy's APIs.
    "credit": (200, 400002, "The balance is too low for this operation"),
    "rate_limit": (429, 429001, "Too many requests"),
    "rate_limit_in_body": (200, 429001, "Too many requests"),
    "maintenance": (503, 503001, "Under maintenance"),
    "error": (500, 500001, "Internal error"),
    "error_in_200": (200, 500001, "Internal error"),
    "no_such_task": (404, 404001, "There is no such request"),
    "no_such_path": (404, 404001, "There is no such resource"),
}

#: Where the path of the other host begins, which has the balance, and what is there at first.
BALANCE, CREDIT = "/prod/v2", 100.0

#: How a PNG file begins.
PNG = b"\x89PNG"

#: The largest image in a data URI, in bytes and in pixels.
MAX_IMAGE, MAX_PIXELS = 6 * 1024 * 1024, 32_000_000

#: USD per second; no price is published for this model, so these are fal.ai's.
PRICE, PRICE_WITH_SOUND = 0.07, 0.14


class RunComfySandbox(Emulator):
    """RunComfy."""

    provider = "runcomfy"
    cost_names: ClassVar[tuple[str, ...]] = ("cost",)
    failure = "The generation was refused by the content policy."

    def routes(self) -> Sequence[BaseRoute]:
        one = "/v1/requests/{request_id}"
        return [
            Route("/v1/models/{model:path}", self.keyed(self._submit), methods=["POST"]),
            Route("/v1/models/{model:path}", self.keyed(self._model)),
            Route(f"{one}/status", self.keyed(self._status)),
            Route(f"{one}/result", self.keyed(self._result)),
            Route(f"{one}/cancel", self.keyed(self._cancel), methods=["POST"]),
            Route(f"{BALANCE}/balance", self.keyed(self._balance)),
        ]

    def no(self, reason: RefusalReason) -> tuple[int, JSON]:
        status, code, text = NO[reason]
        return status, {"error_code": code, "error_message": text}

    def spell_id(self, milliseconds: int) -> str:
        return str(uuid5(NAMESPACE_URL, f"{self.provider}:{milliseconds}"))

    def receipt(self, task: EmulatedTask) -> JSON:
        one = f"{task.base}/v1/requests/{task.id}"
        return {
            "request_id": task.id,
            "status_url": f"{one}/status",
            "result_url": f"{one}/result",
            "cancel_url": f"{one}/cancel",
        }

    async def _submit(self, request: Request) -> Response:
        return await self.submit(request, partial(_understand, request.path_params["model"]))

    async def _model(self, request: Request) -> Response:
        model = request.path_params["model"]
        if model not in SCHEMAS:
            return _no_such_model()
        return AsciiJSONResponse(
            {
                "model_id": model,
                "display_name": "Kling 2.6 Pro",
                "categories": [model.rpartition("/")[2]],
                "base_price_usd": PRICE,
                "price_unit": "second",
                "pricing_note": "Twice as much with sound.",
            }
        )

    async def _balance(self, request: Request) -> Response:
        now = self.conditions.clock()
        spent = sum(_cost(task.clip) for task in self.tasks if task.phase(now) in CHARGED)
        left = 0.0 if "broke" in self.key_of(request) else max(0.0, CREDIT - spent)
        return AsciiJSONResponse({"balance_usd": round(left, 2), "currency": "USD"})

    async def _status(self, request: Request) -> Response:
        return await self.poll(self._task(request), self._describe_status)

    async def _result(self, request: Request) -> Response:
        return await self.poll(self._task(request), partial(self._describe_result, request))

    async def _cancel(self, request: Request) -> Response:
        task = self._task(request)
        if task is None:
            return self.refuse("no_such_task")
        phase = self.phase(task)
        if phase != "queued":
            return AsciiJSONResponse({"status": STATES[phase], "outcome": "not_cancellable"})
        self.cancel(task)
        return AsciiJSONResponse({"status": "cancelled", "outcome": "cancellation_requested"})

    def _task(self, request: Request) -> EmulatedTask | None:
        return self.tasks.find(request.path_params["request_id"])

    def _describe_status(self, task: EmulatedTask, phase: TaskPhase) -> JSON:
        links = {name: url for name, url in self.receipt(task).items() if name != "cancel_url"}
        place = {"queue_position": 1} if phase == "queued" else {}
        return {**links, "status": STATES[phase], **place}

    def _describe_result(self, request: Request, task: EmulatedTask, phase: TaskPhase) -> JSON:
        body: dict[str, object] = {
            "request_id": task.id,
            "model_id": task.model,
            "status": STATES[phase],
            "created_at": _time(task.created),
        }
        if phase in ("succeeded", "failed"):
            body["finished_at"] = _time(task.ends)
        if phase == "failed":
            body["error"] = {"type": "ContentPolicy", "message": task.failure}
        if phase == "succeeded":
            url = self.deliveries.link(task, base_of(request))
            body["output"] = {"video": url} if url else {}
            if request.query_params.get("include_cost") == "true":
                body["cost"] = _cost(task.clip)
        return body


def _understand(model: str, body: object) -> Submission | Response:
    schema = SCHEMAS.get(model)
    if schema is None:
        return _no_such_model()
    wrong = [
        {"loc": ["body", *filter(None, problem.path.split("."))], "msg": problem.text}
        for problem in problems(body, schema)
    ]
    fields = fields_of(body)
    if not wrong and (broken := _broken_image(str(fields.get("image_url", "")))):
        wrong = [{"loc": ["body", "image_url"], "msg": broken}]
    if wrong:
        return AsciiJSONResponse({"error_code": 422001, "detail": wrong}, 422)
    clip = Clip(
        fields["prompt"],
        fields.get("duration", 5),
        # Sound is on by default.
        fields.get("generate_audio", True),
        *_size(fields),
    )
    return Submission(model, clip)


def _broken_image(url: str) -> str | None:
    """What is wrong with an image in a data URI: only PNG files are known to be accepted."""
    if not url.startswith("data:"):
        return None
    image = decode(url) if url.startswith("data:image/png;base64,") else None
    size = size_of(image) if image else None
    if image is None or size is None or not image.startswith(PNG):
        return "neither a URL nor a PNG in a data URI"
    if len(image) > MAX_IMAGE or size[0] * size[1] > MAX_PIXELS:
        return "larger than 6 MiB or 32 megapixels"
    return None


def _size(body: Mapping[str, object]) -> tuple[int, int]:
    url = str(body.get("image_url", ""))
    image = decode(url) if url.startswith("data:") else None
    size = size_of(image) if image else None
    return size_like(*size) if size else SIZES[str(body.get("aspect_ratio", "16:9"))]


def _no_such_model() -> Response:
    return AsciiJSONResponse({"error_code": 400001, "error_message": "There is no such model"}, 400)


def _cost(clip: Clip) -> float:
    return round(clip.seconds * (PRICE_WITH_SOUND if clip.sound else PRICE), 2)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    return [Sandbox("runcomfy", build=RunComfySandbox, balance=BALANCE)]
