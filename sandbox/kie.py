"""
The emulator of kie.ai: https://api.kie.ai, and https://kieai.redpandaai.co for uploads.

The schemas are from its pages for Kling 2.6 (https://docs.kie.ai).
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import ClassVar

from ..core.hookspecs import Sandbox, hookimpl
from .create_task import URI, CreateTaskEmulator, task_schema
from .schema import JSON

SOUND: JSON = {"type": "boolean"}
DURATION: JSON = {"type": "string", "enum": ["5", "10"]}
ASPECT_RATIO: JSON = {"type": "string", "enum": ["1:1", "16:9", "9:16"]}

TEXT_TO_VIDEO = task_schema(
    "kling-2.6/text-to-video",
    {
        "prompt": {"type": "string", "maxLength": 2500},
        "sound": SOUND,
        "aspect_ratio": ASPECT_RATIO,
        "duration": DURATION,
    },
)
IMAGE_TO_VIDEO = task_schema(
    "kling-2.6/image-to-video",
    {
        "prompt": {"type": "string", "maxLength": 1000},
        "image_urls": {"type": "array", "items": URI, "minItems": 1, "maxItems": 1},
        "sound": SOUND,
        "duration": DURATION,
    },
)


class KieSandbox(CreateTaskEmulator):
    """kie.ai."""

    provider = "kie"
    documents: ClassVar[str | None] = "https://docs.kie.ai/market/common/get-task-detail"
    rate: ClassVar[tuple[int, float] | None] = (20, 10.0)
    schemas: ClassVar[Mapping[str, JSON]] = {
        "kling-2.6/text-to-video": TEXT_TO_VIDEO,
        "kling-2.6/image-to-video": IMAGE_TO_VIDEO,
    }

    def sign_call(self, body: bytes, secret: str, now: float) -> Mapping[str, str]:
        """The task's id and the time, signed (https://docs.kie.ai/common-api/webhook-verification)."""
        moment = str(int(now))
        signed = f"{json.loads(body)['data']['taskId']}.{moment}"
        digest = hmac.digest(secret.encode(), signed.encode(), "sha256")
        return {
            "X-Webhook-Timestamp": moment,
            "X-Webhook-Signature": b64encode(digest).decode(),
        }


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    return [Sandbox("kie", build=KieSandbox, uploads="")]
