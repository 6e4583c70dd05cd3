"""
An emulator of Replicate's API, for rehearsals (`--sandbox`) and for the tests.

Written from the documents and from Replicate's own client, not from the provider, so that each
reveals the other's mistakes. What neither of them says is marked as assumed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kling26.sandbox import (
    JSON,
    DeclaredEmulator,
    EmulatedTask,
    Fields,
    FormUpload,
    StoredFile,
    TaskPhase,
    object_of,
)

URL = {"type": "string", "pattern": "^https?://"}

# The lengths and shapes are Kling 2.6's; the defaults are assumed, as is that others are refused.
INPUT = object_of(
    {"prompt": {"type": "string", "minLength": 1}},
    duration={"type": "integer", "enum": [5, 10], "default": 5},
    generate_audio={"type": "boolean", "default": True},
    aspect_ratio={"type": "string", "enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
    start_image=URL,
    negative_prompt={"type": "string", "default": ""},
)
EVENTS = {"enum": ["start", "output", "logs", "completed"]}
PREDICTION = object_of(
    {"input": INPUT},
    webhook=URL,
    webhook_events_filter={"type": "array", "items": EVENTS},
)


class ReplicateSandbox(DeclaredEmulator):
    provider = "replicate"
    documents = "https://replicate.com/docs/reference/http"  # The page is assumed, too.
    accepted_status = 201  # Assumed.
    submits = {"POST /v1/models/kwaivgi/kling-v2.6/predictions": PREDICTION}
    polls = "GET /v1/predictions/{id}"
    cancels = "POST /v1/predictions/{id}/cancel"
    links = {"get": polls, "cancel": cancels}
    uploads = {"POST /v1/files": FormUpload(file="content")}
    fields = Fields(
        prompt="input.prompt",
        duration="input.duration",
        sound="input.generate_audio",
        aspect_ratio="input.aspect_ratio",
        image="input.start_image",
        callback_url="webhook",
    )
    states = {"queued": "starting", "running": "processing", "cancelled": "canceled"}
    ids = "{}"
    # Assumed: whatever has not ended can be cancelled.
    cancellable = ("queued", "running")
    standard_webhooks = True
    polling_renews = True  # Assumed: the documents do not say what becomes of an expired link.
    # The form is documented, the words are assumed.
    problem_json = True
    refusals = {
        "key": (401, "You did not pass a valid authentication token"),
        "credit": (402, "You have insufficient credit to run this model."),
        "rate_limit": (429, "Request was throttled. Expected available in 1 second."),
        "maintenance": (503, "The API is down for maintenance."),
        "error": (500, "An internal error occurred."),
        "no_such_task": (404, "The requested resource could not be found."),
        "no_such_path": (404, "The requested resource could not be found."),
        "invalid": (422, "{problem}"),
    }
    failure = "The content was flagged as sensitive."

    def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        """A prediction, in answers and in webhook calls; the client insists on all fields."""
        began = task.began(self.conditions.clock())
        return {
            "id": task.id,
            "model": "kwaivgi/kling-v2.6",
            "version": "hidden",
            "status": self.state(task, phase),
            "input": task.body["input"],
            "output": url,
            "error": task.failure if phase == "failed" else None,
            "logs": "",
            "metrics": {},
            "started_at": datetime.fromtimestamp(task.starts, UTC).isoformat() if began else None,
            "urls": self.urls(task),
        }

    def stored(self, file: StoredFile, names: Sequence[str]) -> JSON:
        now = datetime.fromtimestamp(self.conditions.clock(), UTC)
        return {
            "id": file.name,
            "name": file.name,
            "content_type": file.media_type,
            "size": len(file.content),
            "etag": file.name,
            "checksums": {},
            "metadata": {},
            "created_at": now.isoformat(),
            "expires_at": (now + timedelta(days=1)).isoformat(),
            "urls": {"get": file.url},
        }
