"""
Apikley.

Written from https://docs.apikley.ru/kling-api/Kling-2.6-text-to-video and
.../Kling-2.6-image-to-video (submit), https://docs.apikley.ru/market/common/get-task-detail
(status) and https://docs.apikley.ru/file-upload-api/file-upload-api_upload-file-base-64 (images).
"""

from collections.abc import Iterable

from ..core import Limits, Provider, hookimpl
from ._create_task import CreateTaskProvider


class Apikley(CreateTaskProvider):
    name = "apikley"
    title = "Apikley"
    key_variable = "APIKLEY_API_KEY"
    base_url = "https://api.apikley.ru"
    upload_url = "https://api.apikley.ru/file-upload"
    key_page = "https://app.apikley.ru/keys"
    tasks_page = "https://app.apikley.ru"
    limits: Limits = Limits(
        text_prompt=1000,
        # We have only part of the image-to-video page; assumed to match kie.ai's, which it copies.
        image_prompt=1000,
        image_formats=("jpeg", "png", "webp"),
    )


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return [Apikley()]
