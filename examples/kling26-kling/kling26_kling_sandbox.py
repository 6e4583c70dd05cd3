"""
The emulator of Kling's own API: https://api-singapore.klingai.com.

Written from https://klingai.com/document-api/api/video/2-6/text-to-video, the pages next to it,
and the table of error codes at
https://app.klingai.com/global/dev/document-api/apiReference/commonInfo. That error
1201 reports sound at 720p, a last frame with sound and a reused id is an assumption.
"""

import hmac
import io
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from jsonschema import Draft202012Validator
from kling26.sandbox import Clip, EmulatedTask, Emulator, RefusalReason, Submission, TaskPhase
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

Body = Mapping[str, object]

COMMON: Body = {
    "settings": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "audio": {"enum": ["native", "off"]},
            "resolution": {"enum": ["720p", "1080p"]},
            "aspect_ratio": {"enum": ["16:9", "9:16", "1:1"]},
            "duration": {"type": "integer", "enum": [5, 10]},
        },
    },
    "options": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "callback_url": {"type": "string", "pattern": "^https?://"},
            "external_task_id": {"type": "string", "minLength": 1},
            "watermark_info": {
                "type": "object",
                "required": ["enabled"],
                "properties": {"enabled": {"type": "boolean"}},
            },
        },
    },
}
PROMPT: Body = {"type": "string", "minLength": 1, "maxLength": 2500}
CONTENT: Body = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"enum": ["prompt", "first_frame", "last_frame"]},
        "text": PROMPT,
        "url": {"type": "string", "minLength": 1},
    },
}
SCHEMAS: Mapping[str, Body] = {
    "text": {
        "type": "object",
        "required": ["prompt"],
        "additionalProperties": False,
        "properties": {**COMMON, "prompt": PROMPT},
    },
    "image": {
        "type": "object",
        "required": ["contents"],
        "additionalProperties": False,
        "properties": {**COMMON, "contents": {"type": "array", "items": CONTENT}},
    },
}
FRAMES = ("first_frame", "last_frame")
SIZES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (240, 240)}

STATES: Mapping[TaskPhase, str] = {
    "queued": "submitted",
    "running": "processing",
    "succeeded": "succeeded",
    "failed": "failed",
    "unknown": "moderating",
}
NO: Mapping[RefusalReason, tuple[int, int, str]] = {
    "key": (401, 1002, "The key is not valid"),
    "credit": (429, 1102, "The resource pack is used up"),
    "rate_limit": (429, 1303, "parallel task over resource pack limit"),
    "rate_limit_in_body": (200, 1302, "Too fast"),
    "maintenance": (503, 5001, "Under maintenance"),
    "error": (500, 5000, "Internal error"),
    "error_in_200": (200, 5000, "Internal error"),
    "no_such_task": (404, 1203, "There is no such task"),
    "no_such_path": (404, 1202, "There is no such path"),
}
#: Units per second by (resolution, sound).
UNITS = {("720p", False): 0.3, ("1080p", False): 0.5, ("1080p", True): 1.0}


class KlingSandbox(Emulator):
    """Kling."""

    provider = "kling"
    failure = "The content did not pass the risk control."

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/{kind}-to-video/kling-2.6", self.keyed(self._submit), methods=["POST"]),
            Route("/tasks", self.keyed(self._tasks)),
        ]

    def no(self, reason: RefusalReason) -> tuple[int, Body]:
        status, code, text = NO[reason]
        return status, {"code": code, "message": text, "request_id": self._request_id()}

    def spell_id(self, milliseconds: int) -> str:
        return f"{milliseconds}00000"

    def receipt(self, task: EmulatedTask) -> Body:
        return self._envelope(self._short(task, "queued"))

    def calls(self, task: EmulatedTask) -> Iterable[Body]:
        """One call, without an envelope, for each state that the task has reached."""
        now = self.conditions.clock()
        moments = [task.created, task.starts, task.ends]
        for moment in moments:
            if moment <= now:
                phase = task.phase(moment)
                url = self.deliveries.first(task) if phase == "succeeded" else None
                yield self._long(task, phase, url)

    def sign_call(self, body: bytes, secret: str, now: float) -> Mapping[str, str]:
        """Signed as Standard Webhooks, which the page on callbacks prescribes."""
        call, moment = str(int(now * 1000)), str(int(now))
        key = b64decode(secret.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{call}.{moment}.".encode() + body, "sha256")
        return {
            "webhook-id": call,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{b64encode(digest).decode()}",
        }

    async def _submit(self, request: Request) -> Response:
        return await self.submit(request, partial(self._understand, request.path_params["kind"]))

    def _understand(self, kind: str, body: Any) -> Submission | Response:
        if kind not in SCHEMAS:
            return self.refuse("no_such_path")
        for error in Draft202012Validator(SCHEMAS[kind]).iter_errors(body):
            return self._invalid(f"{error.json_path}: {error.message[:200]}")
        settings, options = body.get("settings", {}), body.get("options", {})
        sound, resolution = settings.get("audio") == "native", settings.get("resolution", "720p")
        if sound and resolution != "1080p":
            return self._invalid("settings.audio: native only at 1080p")
        own = options.get("external_task_id")
        if own and self.tasks.find_external(own):
            return self._invalid("options.external_task_id: a task with this id already exists")
        parts = {part["type"]: part for part in body.get("contents", [])}
        if "last_frame" in parts and (sound or resolution != "1080p"):
            return self._invalid("contents: last_frame only at 1080p, and without sound")
        sizes = {name: _size(parts[name].get("url", "")) for name in FRAMES if name in parts}
        for name in [name for name, size in sizes.items() if size is None]:
            return self._invalid(f"contents: {name} is neither a URL nor an image")
        prompt = body.get("prompt") or parts.get("prompt", {}).get("text", "")
        size = SIZES[settings.get("aspect_ratio", "16:9")]
        if kind == "image":
            found = sizes.get("first_frame")
            if found is None:
                return self._invalid("contents: first_frame is missing")
            size = found
        clip = Clip(prompt, settings.get("duration", 5), sound, *size)
        return Submission(resolution, clip, own, options.get("callback_url"))

    async def _tasks(self, request: Request) -> Response:
        """The tasks with these ids, in an array; unknown ids are left out."""
        wanted = request.query_params
        found = [self.tasks.find(each) for each in wanted.get("task_ids", "").split(",")]
        own = wanted.get("external_task_ids", "").split(",")
        found += [self.tasks.find_external(each) for each in own if each]
        tasks = [task for task in found if task is not None]
        if not tasks and not self.conditions.next_fault("poll"):
            return JSONResponse(self._envelope([]))
        return await self.poll(tasks[0] if tasks else None, partial(self._describe_all, tasks))

    def _describe_all(
        self, tasks: Sequence[EmulatedTask], _: EmulatedTask, phase: TaskPhase
    ) -> Body:
        now = self.conditions.clock()
        phases = [phase, *(task.phase(now) for task in tasks[1:])]
        return self._envelope([self._describe(*pair) for pair in zip(tasks, phases, strict=True)])

    def _describe(self, task: EmulatedTask, phase: TaskPhase) -> Body:
        done = phase == "succeeded"
        return self._long(task, phase, self.deliveries.link(task, task.base) if done else None)

    def _invalid(self, text: str) -> Response:
        body = {"code": 1201, "message": text, "request_id": self._request_id()}
        return JSONResponse(body, 400)

    def _envelope(self, data: object) -> Body:
        return {"code": 0, "message": "SUCCEED", "request_id": self._request_id(), "data": data}

    def _short(self, task: EmulatedTask, phase: TaskPhase) -> Body:
        own = {"external_id": task.external_id} if task.external_id else {}
        return {
            "id": task.id,
            "status": STATES[phase],
            "create_time": int(task.created * 1000),
            "update_time": int(min(self.conditions.clock(), task.ends) * 1000),
            **own,
        }

    def _long(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> Body:
        seconds = task.clip.seconds
        body = {**self._short(task, phase), "message": "", "outputs": []}
        if phase == "failed":
            body["message"] = task.failure
        if url:
            body["outputs"] = [{"type": "video", "id": "1", "url": url, "duration": f"{seconds}"}]
            units = UNITS[task.model, task.clip.sound] * seconds
            body["billing"] = [
                {"charge_type": "unit", "amount": f"{units:.1f}", "package_type": "video"}
            ]
        return body

    def _request_id(self) -> str:
        return f"sandbox-{len(self.requests)}"


def _size(url: str) -> tuple[int, int] | None:
    """A small video's size in the aspect ratio of an image; None if it is not an image."""
    if url.startswith(("http://", "https://")):
        return SIZES["16:9"]  # An emulator fetches nothing.
    try:
        with Image.open(io.BytesIO(b64decode(url, validate=True))) as image:
            width, height = image.size
    except (ValueError, OSError):
        return None
    scale = 160 / max(width, height)
    return max(2, round(width * scale) * 2), max(2, round(height * scale) * 2)
