"""The emulator of the good provider, which checks all that it is sent."""

import hashlib
import hmac
import io
from collections.abc import Iterable, Mapping, Sequence

from jsonschema import Draft202012Validator
from kling26.sandbox import (
    Clip,
    EmulatedTask,
    Emulator,
    RefusalReason,
    Submission,
    TaskPhase,
    base_of,
    parts,
)
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

URL = {"type": "string", "pattern": "^https?://"}
PROPERTIES = {
    "text": {"type": "string", "minLength": 1},
    "seconds": {"type": "integer", "enum": [5, 10]},
    "audio": {"type": "boolean"},
    "look": {"enum": ["plain", "film", "ink"]},
    "steps": {"type": "integer", "minimum": 10, "maximum": 50},
    "watermark": {"type": "boolean"},
    "own_id": {"type": "string"},
    "shape": {"enum": ["16:9", "9:16", "1:1"]},
    "first": URL,
    "last": URL,
    "strength": {"type": "number", "minimum": 0, "maximum": 1},
    "not": {"type": "string", "maxLength": 300},
    "hook": URL,
}
SIZES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (240, 240)}
STATES: Mapping[TaskPhase, str] = {
    "queued": "waiting",
    "running": "making",
    "succeeded": "ready",
    "failed": "broken",
    "cancelled": "stopped",
    "unknown": "pondering",
}
NO: Mapping[RefusalReason, tuple[int, str, str]] = {
    "key": (401, "bad_key", "This key opens nothing."),
    "credit": (402, "no_credit", "There are no credits left."),
    "rate_limit": (429, "too_fast", "One at a time, please."),
    "rate_limit_in_body": (429, "too_fast", "One at a time, please."),
    "maintenance": (503, "closed", "The lighthouse is being painted."),
    "error": (500, "internal", "The lamp went out."),
    "error_in_200": (200, "internal", "The lamp went out."),
    "no_such_task": (404, "no_job", "There is no such job."),
    "no_such_path": (404, "no_path", "There is nothing here."),
}


class BeaconSandbox(Emulator):
    provider = "beacon"
    failure = "The text was turned down by the reviewers."
    cost_names = ("credits",)

    def routes(self) -> Sequence[BaseRoute]:
        self.files: dict[str, bytes] = {}
        keyed = self.keyed
        return [
            Route("/v1/jobs", keyed(self._submit), methods=["POST"]),
            Route("/v1/jobs", keyed(self._list)),
            Route("/v1/jobs/{id}", keyed(self._poll)),
            Route("/v1/jobs/{id}", keyed(self._cancel), methods=["DELETE"]),
            Route("/v1/jobs/{id}/link", keyed(self._link), methods=["POST"]),
            Route("/v1/price", keyed(self._price)),
            Route("/v1/account", keyed(self._account)),
            Route("/v1/files", keyed(self._upload), methods=["POST"]),
            Route("/v1/files/{name}", self._file),
        ]

    def no(self, reason: RefusalReason) -> tuple[int, Mapping[str, object]]:
        status, code, words = NO[reason]
        return status, {"fault": {"code": code, "words": words}}

    def spell_id(self, milliseconds: int) -> str:
        return f"job_{milliseconds}"

    def receipt(self, task: EmulatedTask) -> Mapping[str, object]:
        return {"id": task.id, "own_id": task.external_id, "state": "waiting"}

    def calls(self, task: EmulatedTask) -> Iterable[Mapping[str, object]]:
        phase = self.phase(task)
        if phase in ("succeeded", "failed", "cancelled"):
            yield self._job(task, phase, self.deliveries.first(task))

    def sign_call(self, body: bytes, secret: str, now: float) -> Mapping[str, str]:
        sent = str(int(now))
        mac = hmac.new(secret.encode(), sent.encode() + b"." + body, hashlib.sha256)
        return {"X-Beacon-Time": sent, "X-Beacon-Signature": mac.hexdigest()}

    async def _submit(self, request: Request) -> Response:
        return await self.submit(request, self._understand)

    def _understand(self, body: object) -> Submission | Response:
        if not isinstance(body, dict):
            return _invalid("the body is not an object")
        kind = "image" if "first" in body else "text"
        other = {"shape"} if kind == "image" else {"first", "last"}
        longest = 1000 if kind == "image" else 1500
        schema = {
            "required": ["text", "seconds", "audio", "look", "own_id"],
            "additionalProperties": False,
            "properties": {
                **{name: rule for name, rule in PROPERTIES.items() if name not in other},
                "text": {**PROPERTIES["text"], "maxLength": longest},
            },
        }
        for error in Draft202012Validator(schema).iter_errors(body):
            return _invalid(error.message[:200])
        if "strength" in body and body["look"] == "plain":
            return _invalid("strength goes with a look")
        if body["own_id"] and self.tasks.find_external(body["own_id"]):
            return _invalid("own_id is taken")
        size = SIZES[body.get("shape", "16:9")]
        image = self.files.get(str(body.get("first")).rpartition("/")[2])
        if image is not None:
            size = _size(image)
        clip = Clip(body["text"], body["seconds"], body["audio"], *size)
        return Submission(
            kind, clip, external_id=body["own_id"] or None, callback_url=body.get("hook")
        )

    async def _poll(self, request: Request) -> Response:
        return await self.poll(self._task(request), self._describe)

    def _describe(self, task: EmulatedTask, phase: TaskPhase) -> Mapping[str, object]:
        done = phase == "succeeded"
        return self._job(task, phase, self.deliveries.link(task, task.base) if done else None)

    def _job(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> Mapping[str, object]:
        given = {name: task.body[name] for name in ("text", "first", "last") if name in task.body}
        job = {"id": task.id, "own_id": task.external_id, "asked": given, "state": STATES[phase]}
        if phase == "succeeded":
            poster = f"{task.base}/v1/files/{task.id}.jpg"
            job |= {"video": {"url": url, "poster": poster}, "credits": 25}
        if phase == "failed":
            job["fault"] = {"code": "content", "words": task.failure}
        return job

    async def _list(self, request: Request) -> Response:
        """All jobs, the newest first, whatever was asked for: some services ignore a filter."""
        jobs = [self._job(task, self.phase(task), None) for task in self.tasks]
        return JSONResponse({"jobs": jobs[::-1]})

    async def _cancel(self, request: Request) -> Response:
        task = self._task(request)
        if task is None:
            return self.refuse("no_such_task")
        if self.phase(task) != "queued":
            return JSONResponse({"fault": {"code": "late", "words": "It has begun."}}, 409)
        self.cancel(task)
        return JSONResponse(self._job(task, "cancelled", None))

    async def _link(self, request: Request) -> Response:
        task = self._task(request)
        if task is None or self.phase(task) != "succeeded":
            return self.refuse("no_such_task")
        return JSONResponse({"url": self.deliveries.renew(task, task.base, 3600.0)})

    async def _price(self, request: Request) -> Response:
        asked = request.query_params
        usd = 0.05 * int(asked["seconds"]) * (2 if asked["audio"] == "yes" else 1)
        return JSONResponse({"usd": round(usd, 2)})

    async def _account(self, request: Request) -> Response:
        return JSONResponse({"credits_left": 5000})

    async def _upload(self, request: Request) -> Response:
        if fault := self.upload_fault():
            return fault
        form = parts(request.headers.get("content-type", ""), await request.body())
        file = form.get("file")
        if file is None or not file.filename or not _is_image(file.content):
            return _invalid("file is missing or no picture")
        self.files[file.filename] = file.content
        return JSONResponse({"url": f"{base_of(request)}/v1/files/{file.filename}"})

    async def _file(self, request: Request) -> Response:
        content = self.files.get(request.path_params["name"])
        return Response(content) if content else self.refuse("no_such_path")

    def _task(self, request: Request) -> EmulatedTask | None:
        return self.tasks.find(request.path_params["id"])


def _invalid(words: str) -> Response:
    return JSONResponse({"fault": {"code": "invalid", "words": words}}, 422)


def _is_image(content: bytes) -> bool:
    try:
        return min(_size(content)) > 0
    except OSError:
        return False


def _size(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
    scale = 160 / max(width, height)
    return max(2, round(width * scale) * 2), max(2, round(height * scale) * 2)
