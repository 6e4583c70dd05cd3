"""
Replicate.

Written from the documents, without an account: <https://replicate.com/kwaivgi/kling-v2.6>,
<https://replicate.com/docs/reference/http>, and Replicate's own client,
<https://github.com/replicate/replicate-python>. What they do not say is marked as assumed.
"""

from collections.abc import Iterable
from typing import Any

import httpx
from attrs import frozen
from kling26.core import (
    Flow,
    ImageFile,
    Limits,
    Provider,
    Sandbox,
    StandardWebhooks,
    Status,
    Ticket,
    VideoRequest,
    form_request,
    hookimpl,
    negative_prompt_option,
    without_none,
)
from kling26.core.wire import get, text


@frozen
class ReplicateOptions:
    """What Replicate takes beyond the options that all providers share."""

    negative_prompt: str = negative_prompt_option()


@frozen
class Prediction:
    """What Replicate says of a task. Any, because its form must never cost a video."""

    id: Any = None
    status: Any = None
    output: Any = None
    error: Any = None
    started_at: Any = None
    urls: Any = None


class ReplicateProvider(StandardWebhooks, Provider[ReplicateOptions]):
    name = "replicate"
    title = "Replicate"
    # The variable is that of Replicate's client; the two pages are assumed.
    key_variable = "REPLICATE_API_TOKEN"
    base_url = "https://api.replicate.com"
    key_page = "https://replicate.com/account/api-tokens"
    tasks_page = "https://replicate.com/predictions"
    Options = ReplicateOptions
    takes_callback_url = True
    task_id_name = "id"
    task_id_pattern = r"/v1/predictions/([\w-]+)"
    states = {"starting": "queued", "processing": "running", "canceled": "cancelled"}
    # No length of a prompt and no rate is published for this model; the formats are assumed.
    limits = Limits(image_formats=("jpeg", "png"))

    def body(self, request: VideoRequest, options: ReplicateOptions) -> dict[str, object]:
        """The body of a submit, spelled as Replicate does."""
        return without_none(
            input=without_none(
                prompt=request.prompt,
                duration=request.duration,
                generate_audio=request.sound,
                # Ignored with an image, which sets it.
                aspect_ratio=request.aspect_ratio if request.image is None else None,
                start_image=request.image,
                negative_prompt=options.negative_prompt or None,
            ),
            webhook=request.callback_url,
            webhook_events_filter=["completed"] if request.callback_url else None,
        )

    def submit(self, request: VideoRequest, options: ReplicateOptions) -> Flow[Ticket]:
        url = self.url("v1/models/kwaivgi/kling-v2.6/predictions")
        reply = yield httpx.Request("POST", url, json=self.body(request, options))
        return self.read_ticket(reply, request)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield httpx.Request("GET", self.url("v1/predictions", ticket.task_id))
        return self._status(self.read(reply, Prediction), reply)

    def upload(self, image: ImageFile) -> Flow[str]:
        # Assumed: where in `urls` the file is.
        reply = yield form_request(self.url("v1/files"), {"content": image})
        place = get(self.raise_for_error(reply), "urls", "get")
        return self.read_url(reply, place, "reply.urls.get")

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """
        Only while the task is queued.

        Nothing says that a video whose making has begun costs nothing once it is cancelled.
        """
        question = httpx.Request("GET", self.url("v1/predictions", ticket.task_id))
        reply = yield question
        before = self.read(reply, Prediction)
        if self._status(before, reply).state != "queued":
            return False
        usual = self.url("v1/predictions", ticket.task_id, "cancel")
        url = self.own_url(text(get(before.urls, "cancel")), usual)
        self.raise_for_error((yield httpx.Request("POST", url)), asking=True)
        reply = yield question
        after = self.read(reply, Prediction)
        # It may have begun in between.
        return self._status(after, reply).state == "cancelled" and after.started_at is None

    def price(self, request: VideoRequest, options: ReplicateOptions) -> float | None:
        # Replicate's page of the model, as <https://github.com/Volpestyle/llmhub> copied it.
        return round((0.14 if request.sound else 0.07) * request.duration, 2)

    def read_callback(self, body: bytes | str) -> Status:
        return self._status(self.read_call(body, Prediction))

    def _status(self, said: Prediction, reply: httpx.Response | None = None) -> Status:
        return self.status(said.status, reply, url=said.output, reason=said.error, task_id=said.id)


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return [ReplicateProvider()]


@hookimpl
def kling26_sandboxes() -> Iterable[Sandbox]:
    from kling26_replicate_sandbox import ReplicateSandbox  # Only a rehearsal needs Starlette.

    return [Sandbox("replicate", build=ReplicateSandbox)]
