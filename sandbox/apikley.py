"""
The emulator of Apikley: https://api.apikley.ru, with uploads under /file-upload.

Text-to-video has the schema of its page (linked from https://docs.apikley.ru/llms.txt). The input
of https://docs.apikley.ru/kling-api/Kling-2.6-image-to-video could not be read and is assumed to
be kie.ai's.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from ..core.hookspecs import Sandbox, hookimpl
from .create_task import CreateTaskEmulator, task_schema
from .kie import ASPECT_RATIO, DURATION, IMAGE_TO_VIDEO, SOUND
from .schema import JSON

TEXT_TO_VIDEO = task_schema(
    "kling-2.6/text-to-video",
    {
        "prompt": {"type": "string", "maxLength": 1000},
        "sound": SOUND,
        "aspect_ratio": ASPECT_RATIO,
        "duration": DURATION,
    },
)


class ApikleySandbox(CreateTaskEmulator):
    """Apikley."""

    provider = "apikley"
    documents: ClassVar[str | None] = "https://docs.apikley.ru/market/common/get-task-detail"
    upload_prefix = "/file-upload"
    record_text: ClassVar[Literal["msg", "message"]] = "message"
    nothing: ClassVar[str | None] = ""
    # Apikley publishes no numbers, and says that they may differ; these are kie.ai's.
    rate: ClassVar[tuple[int, float] | None] = (20, 10.0)
    schemas: ClassVar[Mapping[str, JSON]] = {
        "kling-2.6/text-to-video": TEXT_TO_VIDEO,
        "kling-2.6/image-to-video": IMAGE_TO_VIDEO,
    }


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    return [Sandbox("apikley", build=ApikleySandbox, uploads=ApikleySandbox.upload_prefix)]
