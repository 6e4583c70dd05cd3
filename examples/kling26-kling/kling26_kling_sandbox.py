"""
The emulator of Kling's own API: https://api-singapore.klingai.com.

Written from https://klingai.com/document-api/api/video/2-6/text-to-video, the pages next to it, and
https://app.klingai.com/global/dev/document-api/apiReference/commonInfo for the codes. That error
1201 reports sound at 720p, a last frame with sound and a reused id is an assumption.
"""

from typing import cast

from kling26.sandbox import (
    JSON,
    DeclaredEmulator,
    EmulatedTask,
    Fields,
    Submission,
    TaskPhase,
    object_of,
)

PROMPT: JSON = {"type": "string", "minLength": 1, "maxLength": 2500}
COMMON: JSON = {
    "settings": object_of(
        audio={"enum": ["native", "off"], "default": "off"},
        resolution={"enum": ["720p", "1080p"], "default": "720p"},
        aspect_ratio={"enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
        duration={"type": "integer", "enum": [5, 10], "default": 5},
    ),
    "options": object_of(
        callback_url={"type": "string", "pattern": "^https?://"},
        external_task_id={"type": "string", "minLength": 1},
        watermark_info=object_of({"enabled": {"type": "boolean"}}),
    ),
}
KIND: JSON = {"enum": ["prompt", "first_frame", "last_frame"]}
CONTENT = object_of({"type": KIND}, text=PROMPT, url={"type": "string", "minLength": 1})
CONTENTS: JSON = {"contents": {"type": "array", "items": CONTENT}}
#: Units per second by (resolution, sound).
UNITS = {("720p", False): 0.3, ("1080p", False): 0.5, ("1080p", True): 1.0}


class KlingSandbox(DeclaredEmulator):
    provider = "kling"
    documents = "https://klingai.com/document-api/api/video/2-6/text-to-video"
    submits = {
        "POST /text-to-video/kling-2.6": object_of({"prompt": PROMPT}, **COMMON),
        "POST /image-to-video/kling-2.6": object_of(CONTENTS, **COMMON),
    }
    polls = "GET /tasks?task_ids={ids}&external_task_ids={external_ids}"
    fields = Fields(
        model="settings.resolution",  # What decides on the price.
        duration="settings.duration",
        sound="settings.audio",
        aspect_ratio="settings.aspect_ratio",
        image="first_frame",
        end_image="last_frame",
        callback_url="options.callback_url",
        external_id="options.external_task_id",
    )
    data_urls = False
    states = {"queued": "submitted", "running": "processing"}
    failure = "The content did not pass the risk control."
    refusals = {
        "key": (401, 1002, "The key is not valid"),
        "credit": (429, 1102, "The resource pack is used up"),
        "rate_limit": (429, 1303, "parallel task over resource pack limit"),
        "rate_limit_in_body": (200, 1302, "Too fast"),
        "maintenance": (503, 5001, "Under maintenance"),
        "error": (500, 5000, "Internal error"),
        "no_such_task": (404, 1203, "There is no such task"),
        "no_such_path": (404, 1202, "There is no such path"),
        "invalid": (400, 1201, "{problem}"),
    }
    ids = "{}00000"
    told = ("queued", "running", "succeeded", "failed")
    standard_webhooks = True

    def refusal(self, code: int | str | None, text: str) -> JSON:
        return {"code": code, "message": text, "request_id": self.request_id}

    def wrap(self, data: object) -> JSON:
        return {"code": 0, "message": "SUCCEED", "request_id": self.request_id, "data": data}

    def flat(self, body: JSON) -> JSON:
        """The contents as fields of the body, by their types."""
        contents = cast("list[dict[str, str]]", body.get("contents", []))
        return {**body, **{part["type"]: part.get("url", part.get("text")) for part in contents}}

    def check(self, asked: Submission, body: JSON) -> str | None:
        pro, sound = asked.model == "1080p", asked.clip.sound
        if sound and not pro:
            return "settings.audio: native only at 1080p"
        if "last_frame" in body and (sound or not pro):
            return "contents: last_frame only at 1080p, and without sound"
        if "contents" in body and "first_frame" not in body:
            return "contents: first_frame is missing"
        return None

    def receipt(self, task: EmulatedTask) -> JSON:
        return self.wrap(self.short(task, "queued"))

    def short(self, task: EmulatedTask, phase: TaskPhase) -> dict[str, object]:
        return {
            "id": task.id,
            "status": self.state(task, phase),
            "create_time": int(task.created * 1000),
            "update_time": int(min(self.conditions.clock(), task.ends) * 1000),
            **({"external_id": task.external_id} if task.external_id else {}),
        }

    def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        message = task.failure if phase == "failed" else ""
        body: dict[str, object] = {**self.short(task, phase), "message": message, "outputs": []}
        if url:
            seconds = task.clip.seconds
            units = f"{UNITS[task.model, task.clip.sound] * seconds:.1f}"
            body["outputs"] = [{"type": "video", "id": "1", "url": url, "duration": f"{seconds}"}]
            body["billing"] = [{"charge_type": "unit", "amount": units, "package_type": "video"}]
        return body
