"""
fal.ai as a provider of kling26, through its queue.

Written from https://fal.ai/models/fal-ai/kling-video/v2.6/pro/image-to-video/llms.txt (fields and
prices), https://fal.ai/docs/model-api-reference/video-generation-api/kling-video-v2.6-pro (the last
frame), https://docs.fal.ai/model-endpoints/queue and .../webhooks, .../model-apis/request-errors
beside them, and https://github.com/fal-ai/fal/tree/main/projects/fal_client (the uploads).
"""

import re

import httpx
from attrs import frozen
from kling26 import core
from kling26.core import Flow, ImageFile, Status, Ticket, VideoRequest, hookimpl


@frozen
class FalOptions:
    negative_prompt: str = core.negative_prompt_option("blur, distort, and low quality")
    cfg_scale: float | None = core.cfg_scale_option("How closely to follow the prompt; text only.")


class Fal(core.Provider[FalOptions]):
    name = "fal"
    title = "fal.ai"
    key_variable = "FAL_KEY"
    base_url = "https://queue.fal.run"
    upload_url = "https://rest.fal.ai"
    key_page = "https://fal.ai/dashboard/keys"
    tasks_page = "https://fal.ai/dashboard/requests"
    Options = FalOptions
    limits = core.Limits(end_image=True)
    takes_callback_url = True
    task_id_name = "request_id"
    task_id_pattern = r"/requests/([\w-]+)"
    error_header = "x-fal-error-type"
    key_scheme = "Key"
    states = {
        "IN_QUEUE": "queued",
        "IN_PROGRESS": "running",
        "COMPLETED": "succeeded",
        "client_cancelled": "cancelled",  # The type of the error of such a request.
        "OK": "succeeded",  # This and the next one in calls to the webhook.
        "ERROR": "failed",
    }
    errors = {
        re.compile("Exhausted balance"): core.OutOfCredit,  # An account without money is locked.
        re.compile("User is locked"): core.Refused,
        **core.Provider.errors,
    }

    def body(self, request: VideoRequest, options: FalOptions) -> dict[str, object]:
        return core.without_none(
            prompt=request.prompt,
            duration=str(request.duration),
            negative_prompt=options.negative_prompt,
            generate_audio=request.sound,  # Left out, it would be true, and cost twice as much.
            aspect_ratio=request.aspect_ratio if request.image is None else None,
            cfg_scale=options.cfg_scale,
            start_image_url=request.image,
            end_image_url=request.end_image,
        )

    def submit(self, request: VideoRequest, options: FalOptions) -> Flow[Ticket]:
        path = f"fal-ai/kling-video/v2.6/pro/{request.kind}-to-video"
        url = self.url(path, fal_webhook=request.callback_url)
        reply = yield httpx.Request("POST", url, json=self.body(request, options))
        return self.read_ticket(reply, request, keep=("status_url", "response_url", "cancel_url"))

    def poll(self, ticket: Ticket) -> Flow[Status]:
        """First the state; of what has ended, the result, whose HTTP status may be an error's."""
        status = yield from self._state(ticket)
        if status.state != "succeeded":
            return status
        reply = yield from self.any_status(httpx.Request("GET", self._url(ticket, "response_url")))
        failed = self.failure(reply)
        if failed is not None and reply.is_error:
            # The former is seen where the result lags behind the state.
            return Status("running") if "in progress" in str(failed.reason) else failed
        status = self.status("COMPLETED", reply, url=self.read(reply, dict).get("video"))
        if failed is not None and status.url is None:
            raise self.unexpected(reply, "an error where the video should be")
        return status

    def check(self, request: VideoRequest, options: FalOptions) -> None:
        if options.cfg_scale is not None and request.kind == "image":
            problem = "cfg_scale is for text to video only; leave it out with an image."
            raise self.option_refused("cfg_scale", problem)
        if request.end_image is not None and request.sound:
            problem = "end_image does not go with sound; turn sound off, or leave end_image out."
            raise self.option_refused("sound", problem)

    def price(self, request: VideoRequest, options: FalOptions) -> float | None:
        return round(request.duration * (0.14 if request.sound else 0.07), 2)

    def upload(self, image: ImageFile) -> Flow[str]:
        url = f"{self.upload_url}/storage/upload/initiate?storage_type=gcs"
        file = {"file_name": image.name, "content_type": image.mime_type}
        reply = yield httpx.Request("POST", url, json=file)
        place = self.raise_for_error(reply)
        url = self.read_url(reply, place.get("file_url"), "reply.file_url")
        put = self.read_url(reply, place.get("upload_url"), "reply.upload_url")
        yield from self.put_image(put, image)
        return url

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Only what still waits costs nothing; a model at work is merely asked to stop."""
        if (yield from self._state(ticket)).state != "queued":
            return False
        reply = yield httpx.Request("PUT", self._url(ticket, "cancel_url", "cancel"))
        outcome = self.read(reply, dict).get("status")
        if outcome is None:  # What comes too late is an HTTP error with a status.
            self.raise_for_error(reply, asking=True)
        if outcome != "CANCELLATION_REQUESTED":
            return bool(outcome == "OK")
        try:  # It may have begun in between.
            state = (yield from self._state(ticket)).state
        except core.NoSuchTask:
            return True
        return state in ("queued", "failed", "cancelled")  # Whatever the error is called now.

    def read_callback(self, body: bytes | str) -> Status:
        call = self.read_call(body, dict)
        made, why, task_id = map(call.get, ("payload", "error", "request_id"))
        return self.status(call.get("status"), url=made, reason=made or why, task_id=task_id)

    def _state(self, ticket: Ticket) -> Flow[Status]:
        reply = yield httpx.Request("GET", self._url(ticket, "status_url", "status"))
        said, position = map(self.read(reply, dict).get, ("status", "queue_position"))
        status = self.status(said, reply, position=position)
        return (self.failure(reply) or status) if status.state == "succeeded" else status

    def _url(self, ticket: Ticket, name: str, *end: str) -> str:
        """The URL that came with the id, if it is at the API; else the documented one."""
        usual = self.url("fal-ai/kling-video/requests", ticket.task_id, *end)
        return self.own_url(ticket.data.get(name), usual)


@hookimpl
def kling26_providers() -> list[core.Provider]:
    return [Fal()]


@hookimpl
def kling26_sandboxes() -> list[core.Sandbox]:
    from kling26_fal_sandbox import STORE, FalSandbox  # Only a rehearsal needs a web framework.

    return [core.Sandbox("fal", build=FalSandbox, uploads="", hosts=(STORE,))]
