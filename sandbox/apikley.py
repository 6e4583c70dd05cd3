"""
The emulator of Apikley: https://api.apikley.ru, and its /file-upload for uploads.

Text-to-video is the page's schema (https://docs.apikley.ru/llms.txt leads to it). Of
https://docs.apikley.ru/kling-api/Kling-2.6-image-to-video the input could not be read, and is
taken to be kie.ai's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..core.hookspecs import Sandbox, hookimpl
from ._create_task import CreateTaskEmulator, task_schema
from ._schema import JSON
from .kie import ASPECT_RATIO, DURATION, IMAGE_TO_VIDEO, SOUND

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
    upload_prefix = "/file-upload"
    record_text = "message"
    nothing = ""
    # Apikley gives no numbers, only that they may differ; these are kie.ai's.
    rate = (20, 10.0)
    schemas: ClassVar[Mapping[str, JSON]] = {
        "kling-2.6/text-to-video": TEXT_TO_VIDEO,
        "kling-2.6/image-to-video": IMAGE_TO_VIDEO,
    }


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    return [Sandbox("apikley", build=ApikleySandbox)]
