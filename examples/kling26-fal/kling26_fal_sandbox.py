"""
The emulator of fal.ai: https://queue.fal.run, https://rest.fal.ai, and its file store.

Written from https://docs.fal.ai/model-endpoints/queue and .../webhooks, fal's own client
(https://github.com/fal-ai/fal), https://fal.ai/docs/inference-api/queue/cancel, the schemas of
https://fal.ai/docs/model-api-reference/video-generation-api/kling-video-v2.6-pro, and
https://docs.fal.ai/documentation/model-apis/request-errors. That invalid input is refused at once,
and not accepted at first, is an assumption.
"""

from collections.abc import Mapping

from kling26.sandbox import (
    JSON,
    DeclaredEmulator,
    EmulatedTask,
    Fields,
    PutUpload,
    TaskPhase,
    object_of,
)

#: Where uploads go in a rehearsal: a host that must not see the key, as in reality.
STORE = "https://store.fal.example"
#: A prompt with one of these words leads to a task that completes, but whose result is an error:
#: of the content, or of the model itself.
REJECT_WORD, CRASH_WORD = "[reject]", "[crash]"

IMAGE: JSON = {"type": "string", "pattern": "^(https?://|data:image/)"}
PROMPT: JSON = {"prompt": {"type": "string", "minLength": 1}}
START: JSON = {**PROMPT, "start_image_url": IMAGE}
COMMON: JSON = {
    "duration": {"enum": ["5", "10"], "default": "5"},
    "negative_prompt": {"type": "string"},
    "generate_audio": {"type": "boolean", "default": True},
}
TEXT: JSON = {
    "aspect_ratio": {"enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
    "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1},
}
VOICES: JSON = {"type": "array", "maxItems": 2, "items": {"type": "string"}}
FRAMES: JSON = {"end_image_url": IMAGE, "voice_ids": VOICES}
APP = "/fal-ai/kling-video"
#: What a cancel leads to, by the phase of the task; a model at work may ignore the signal.
CANCELS: Mapping[TaskPhase, tuple[int, str]] = {
    "queued": (200, "OK"),
    "running": (202, "CANCELLATION_REQUESTED"),
    "unknown": (404, "NOT_FOUND"),
}


class FalSandbox(DeclaredEmulator):
    provider = "fal"
    documents = "https://docs.fal.ai/model-endpoints/queue"
    key_scheme = "Key"
    failure = "The prompt was flagged by a content checker."
    submits = {
        f"POST {APP}/v2.6/pro/text-to-video": object_of(PROMPT, **COMMON, **TEXT),
        f"POST {APP}/v2.6/pro/image-to-video": object_of(START, **COMMON, **FRAMES),
    }
    polls = f"GET {APP}/requests/{{id}}/status"
    results = f"GET {APP}/requests/{{id}}"
    cancels = f"PUT {APP}/requests/{{id}}/cancel"
    links = {"response_url": results, "status_url": polls, "cancel_url": cancels}
    uploads = {"POST /storage/upload/initiate": PutUpload()}
    stores = {"https://rest.fal.ai": STORE}  # Over real HTTP, one host serves everything.
    fields = Fields(
        sound="generate_audio",
        image="start_image_url",
        end_image="end_image_url",
        callback_url="?fal_webhook",
    )
    told = ("succeeded", "failed")
    states = {"queued": "IN_QUEUE", "running": "IN_PROGRESS", "unknown": "MODERATING"}
    refusals = {"credit": (403, "User is locked. Reason: Exhausted balance.")}

    def find(self, task_id: str) -> EmulatedTask | None:
        """A task that was cancelled is gone."""
        task = self.tasks.find(task_id)
        return None if task is None or task.cancelled else task

    def receipt(self, task: EmulatedTask) -> JSON:
        return {"request_id": task.id, **self.urls(task), "queue_position": 0}

    def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        word = self.states.get(phase, "COMPLETED")
        body: dict[str, object] = {"request_id": task.id, **self.urls(task), "status": word}
        if phase == "queued":
            return {**body, "queue_position": 0}
        # There from now on, and None unless they are asked for.
        body["logs"] = [] if "logs=true" in self.requests[-1].query else None
        if word == "COMPLETED":
            body["metrics"] = {"inference_time": 92.1}
        if phase == "failed":
            body |= {"error": task.failure, "error_type": "content_policy_violation"}
        return body

    def result(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> tuple[int, JSON]:
        if phase in ("queued", "running", "unknown"):
            return 200 if phase == "unknown" else 400, {"detail": "Request is still in progress"}
        if phase == "failed" or REJECT_WORD in task.clip.prompt:
            return 422, detail(task.failure or self.failure, "content_policy_violation")
        if CRASH_WORD in task.clip.prompt:
            return 500, detail("Internal error of the model", "internal_server_error")
        file = {"url": url, "content_type": "video/mp4", "file_name": "output.mp4"}
        return 200, {"video": {**file, "file_size": self.deliveries.size(task)} if url else None}

    def cancelled(self, task: EmulatedTask | None, was: TaskPhase) -> tuple[int, JSON]:
        status, word = CANCELS.get(was, (400, "ALREADY_COMPLETED"))
        return status, {"status": word}

    def call(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        status, payload = self.result(task, phase, url)
        error = None if status == 200 else f"Invalid status code: {status}"
        said = {"status": "ERROR" if error else "OK", "payload": payload, "error": error}
        return {"request_id": task.id, "gateway_request_id": task.id, **said}


def detail(text: str, kind: str) -> JSON:
    return {"detail": [{"loc": ["body"], "msg": text, "type": kind}]}
