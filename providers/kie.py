"""
kie.ai.

Written from https://docs.kie.ai/market/kling/text-to-video and .../image-to-video (submit),
https://docs.kie.ai/market/common/get-task-detail (status),
https://docs.kie.ai/file-upload-api/quickstart (images) and
https://docs.kie.ai/common-api/webhook-verification (signatures of callbacks).
"""

import hmac
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256

from ..core import Limits, NoOptions, Provider, UnexpectedReply, VideoRequest, hookimpl
from ._create_task import CreateTaskProvider

# List prices in credits, for text and image to video alike: https://kie.ai/pricing on 2026-08-17.
# 5 s without sound cost 55; 10 s, and sound, each double that, so that both together cost 220.
_CREDITS = 55
_USD_PER_CREDIT = 0.005

#: The maximum age of a signed callback, in seconds.
_MAX_AGE = 300


class Kie(CreateTaskProvider):
    name = "kie"
    title = "kie.ai"
    key_variable = "KIE_API_KEY"
    base_url = "https://api.kie.ai"
    upload_url = "https://kieai.redpandaai.co"
    key_page = "https://kie.ai/api-key"
    tasks_page = "https://kie.ai/logs"
    usd_per_unit = _USD_PER_CREDIT
    # Said in public, and not in the documentation of the API.
    charges = "A failed task costs nothing, kie.ai says."
    charges_failures = False
    limits: Limits = Limits(
        # 2500 according to the createTask page of text-to-video; a later version of the page says
        # 1000 (https://docs.kie.ai/market/kling/text-to-video).
        text_prompt=2500,
        image_prompt=1000,
        # webp according to the createTask page of image-to-video; a later version omits it.
        image_formats=("jpeg", "png", "webp"),
        submissions=(20, 10.0),  # https://docs.kie.ai, "Getting Started", section 8
    )

    def price(self, request: VideoRequest, options: NoOptions) -> float | None:
        credits = _CREDITS * (request.duration // 5) * (2 if request.sound else 1)
        return round(credits * _USD_PER_CREDIT, 3)

    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """The signature covers the task's id and the time, but not the rest of the body."""
        given = {name.lower(): value for name, value in headers.items()}
        moment = given.get("x-webhook-timestamp", "")
        try:
            task_id = self.read_callback(body).task_id
            age = time.time() - float(moment)
        except (UnexpectedReply, ValueError):
            return False
        signature = hmac.digest(secret.encode(), f"{task_id}.{moment}".encode(), sha256)
        said = given.get("x-webhook-signature", "").encode()
        genuine = hmac.compare_digest(b64encode(signature), said) and abs(age) <= _MAX_AGE
        return genuine and bool(secret)  # Anybody can sign with an empty one.


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return [Kie()]
