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
from typing import ClassVar

from starlette.requests import Request

from ..core.hookspecs import Sandbox, hookimpl
from .declaration import Answer
from .declared import DeclaredEmulator, endpoint
from .fields import Fields
from .images import size_of
from .refusals import Refusal
from .schema import JSON, Problem, object_of
from .submission import Submission
from .tasks import EmulatedTask, TaskPhase

PROMPT: JSON = {"prompt": {"type": "string"}}
COMMON: JSON = {
    "duration": {"type": "integer", "enum": [5, 10], "default": 5},
    "negative_prompt": {"type": "string"},
    "generate_audio": {"type": "boolean", "default": True},
}
ASPECT_RATIO: JSON = {"type": "string", "enum": ["16:9", "9:16", "1:1"], "default": "16:9"}
IMAGE_URL: JSON = {"type": "string", "pattern": "^(https?://|data:image/)"}

SCHEMAS: Mapping[str, JSON] = {
    "kling/kling-2-6/pro/text-to-video": object_of(PROMPT, **COMMON, aspect_ratio=ASPECT_RATIO),
    # Only the two required fields are certain from the documents.
    "kling/kling-2-6/pro/image-to-video": object_of({**PROMPT, "image_url": IMAGE_URL}, **COMMON),
}

STATUS, RESULT = "GET /v1/requests/{id}/status", "GET /v1/requests/{id}/result"

#: Where the path of the other host begins, which has the balance.
BALANCE = "/prod/v2"

#: How a PNG file begins.
PNG = b"\x89PNG"

#: The largest image in a data URI, in bytes and in pixels.
MAX_IMAGE, MAX_PIXELS = 6 * 1024 * 1024, 32_000_000

#: USD per second; no price is published for this model, so these are fal.ai's.
PRICE, PRICE_WITH_SOUND = 0.07, 0.14

NO_SUCH_MODEL: JSON = {"error_code": 400001, "error_message": "There is no such model"}


class RunComfySandbox(DeclaredEmulator):
    """RunComfy."""

    provider = "runcomfy"
    documents: ClassVar[str | None] = "https://docs.runcomfy.com/model-apis/async-queue-endpoints"
    cost_names: ClassVar[tuple[str, ...]] = ("cost",)
    failure = "The generation was refused by the content policy."
    submits: ClassVar[Mapping[str, JSON]] = {
        f"POST /v1/models/{model}": schema for model, schema in SCHEMAS.items()
    }
    polls: ClassVar[str | None] = STATUS
    results: ClassVar[str | None] = RESULT
    cancels: ClassVar[str | None] = "POST /v1/requests/{id}/cancel"
    links: ClassVar[Mapping[str, str]] = {"status_url": STATUS, "result_url": RESULT}
    balances: ClassVar[str | None] = f"GET {BALANCE}/balance"
    fields: ClassVar[Fields] = Fields(sound="generate_audio", image="image_url")
    states: ClassVar[Mapping[TaskPhase, str]] = {
        "queued": "in_queue",
        "running": "in_progress",
        "succeeded": "completed",
    }
    refusals: ClassVar[Mapping[str, Refusal]] = {
        "key": (401, 400004, "The token is missing or not valid"),
        # Under HTTP 200, as in some of RunComfy's APIs.
        "credit": (200, 400002, "The balance is too low for this operation"),
        "rate_limit": (429, 429001, "Too many requests"),
        "rate_limit_in_body": (200, 429001, "Too many requests"),
        "maintenance": (503, 503001, "Under maintenance"),
        "error": (500, 500001, "Internal error"),
        "no_such_task": (404, 404001, "There is no such request"),
        "no_such_path": (404, 404001, "There is no such resource"),
    }

    def refusal(self, code: int | str | None, text: str) -> JSON:
        return {"error_code": code, "error_message": text}

    def invalid(self, wrong: Sequence[Problem]) -> Answer:
        return 422, {"error_code": 422001, "detail": [problem.detail for problem in wrong]}

    def check(self, asked: Submission, body: JSON) -> Problem | None:
        """Of images in data URIs, only PNG files are known to be accepted."""
        for image in asked.images:
            if isinstance(image, bytes) and (broken := _broken_image(image)):
                return Problem("image_url", broken)
        return None

    def receipt(self, task: EmulatedTask) -> JSON:
        cancel = f"{task.base}/v1/requests/{task.id}/cancel"
        return {"request_id": task.id, **self.urls(task), "cancel_url": cancel}

    def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        place = {"queue_position": 1} if phase == "queued" else {}
        status = self.state(task, phase)
        return {"request_id": task.id, **self.urls(task), "status": status, **place}

    def result(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        body: dict[str, object] = {
            "request_id": task.id,
            "model_id": task.model.removeprefix("v1/models/"),
            "status": self.state(task, phase),
            "created_at": _time(task.created),
        }
        if phase in ("succeeded", "failed"):
            body["finished_at"] = _time(task.ends)
        if phase == "failed":
            body["error"] = {"type": "ContentPolicy", "message": task.failure}
        if phase == "succeeded":
            body["output"] = {"video": url} if url else {}
            if "include_cost=true" in self.requests[-1].query:
                body["cost"] = self.cost(task)
        return body

    def cancelled(self, task: EmulatedTask | None, was: TaskPhase) -> Answer:
        if task is None:
            return self.refuse("no_such_task")
        outcome = "cancellation_requested" if was == "queued" else "not_cancellable"
        return {"status": self.state(task, self.phase(task)), "outcome": outcome}

    def calls(self, task: EmulatedTask) -> Sequence[JSON]:
        """There are no webhooks."""
        return []

    def cost(self, task: EmulatedTask) -> float:
        price = PRICE_WITH_SOUND if task.clip.sound else PRICE
        return round(task.clip.seconds * price, 2)

    def balance(self, left: float) -> JSON:
        return {"balance_usd": left, "currency": "USD"}

    @endpoint("GET /v1/models/{model:path}")
    async def model(self, request: Request) -> Answer:
        model = request.path_params["model"]
        if model not in SCHEMAS:
            return 400, NO_SUCH_MODEL
        return {
            "model_id": model,
            "display_name": "Kling 2.6 Pro",
            "categories": [model.rpartition("/")[2]],
            "base_price_usd": PRICE,
            "price_unit": "second",
            "pricing_note": "Twice as much with sound.",
        }

    @endpoint("POST /v1/models/{model:path}")
    async def other_model(self, request: Request) -> Answer:
        return 400, NO_SUCH_MODEL


def _broken_image(image: bytes) -> str | None:
    """What is wrong with an image in a data URI."""
    if not image.startswith(PNG):
        return "neither a URL nor a PNG in a data URI"
    width, height = size_of(image) or (0, 0)
    if len(image) > MAX_IMAGE or width * height > MAX_PIXELS:
        return "larger than 6 MiB or 32 megapixels"
    return None


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    return [Sandbox("runcomfy", build=RunComfySandbox, balance=BALANCE)]
