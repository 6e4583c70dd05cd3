"""
fal.ai as a provider of kling26, through its queue.

Written from https://fal.ai/models/fal-ai/kling-video/v2.6/pro/image-to-video/llms.txt (fields and
prices), https://fal.ai/docs/model-api-reference/video-generation-api/kling-video-v2.6-pro (the last
frame), https://docs.fal.ai/model-endpoints/queue and .../webhooks,
https://docs.fal.ai/documentation/model-apis/request-errors, and fal's own client for the uploads
(https://github.com/fal-ai/fal, projects/fal_client).
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict
from urllib.parse import quote

import httpx
from attrs import evolve, frozen
from kling26.core import (
    AspectRatio,
    Flow,
    ImageFile,
    KeyRejected,
    Limits,
    NoSuchTask,
    OutOfCredit,
    Provider,
    ProviderError,
    Refused,
    Sandbox,
    State,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    VideoRequest,
    hookimpl,
    option,
)
from kling26.core.wire import find_url, find_video, get, identifier, integer, state, text

#: What the path of a request's URLs begins with; only a submit names the model's own path too.
APP = "fal-ai/kling-video"
#: What comes with a request's id, for the questions about it.
URLS = ("status_url", "response_url", "cancel_url")
STATES: Mapping[str, State] = {
    "IN_QUEUE": "queued",
    "IN_PROGRESS": "running",
    "COMPLETED": "succeeded",
    "CANCELLED": "cancelled",  # Not documented; there is little else that it could mean.
}
#: What a call of the webhook says.
CALLS: Mapping[str, State] = {"OK": "succeeded", "ERROR": "failed"}
#: The type of the error of a request that was cancelled.
CANCELLED = "client_cancelled"
#: What a "no" means, by its HTTP status; any other is plainly refused.
NO: Mapping[int, type[ProviderError]] = {
    401: KeyRejected,
    402: OutOfCredit,
    403: KeyRejected,
    429: TryLater,
}
#: A result's errors that say nothing about the task: the key, the account, an unknown id, and 409,
#: after which fal's own client asks again.
ABOUT_THE_QUESTION = (401, 402, 403, 404, 409)


@frozen
class FalOptions:
    negative_prompt: str = option(
        "blur, distort, and low quality",
        label="Negative prompt",
        help="What the video must not show.",
        multiline=True,
    )
    cfg_scale: float | None = option(
        None,
        label="CFG scale",
        help="How closely to follow the prompt, text to video only; fal.ai takes 0.5 by itself.",
        minimum=0,
        maximum=1,
        step=0.05,
        advanced=True,
    )


class Input(TypedDict):
    """What both models take, then what only text to video and only image to video take."""

    prompt: str
    duration: Literal["5", "10"]
    negative_prompt: str
    # Left out, it would be true, and sound costs twice as much.
    generate_audio: bool
    aspect_ratio: NotRequired[AspectRatio]
    cfg_scale: NotRequired[float]
    start_image_url: NotRequired[str]
    end_image_url: NotRequired[str]


@frozen
class Reply:
    """Any answer; which fields are there depends on the question, and on how it went."""

    request_id: Any = None
    response_url: Any = None
    status_url: Any = None
    cancel_url: Any = None
    status: Any = None
    queue_position: Any = None
    video: Any = None
    error: Any = None
    error_type: Any = None
    detail: Any = None
    upload_url: Any = None
    file_url: Any = None


@frozen
class Callback:
    request_id: Any = None
    status: Any = None
    payload: Reply | None = None
    error: Any = None


class Fal(Provider[FalOptions]):
    name = "fal"
    title = "fal.ai"
    key_variable = "FAL_KEY"
    base_url = "https://queue.fal.run"
    upload_url = "https://rest.fal.ai"
    key_page = "https://fal.ai/dashboard/keys"
    tasks_page = "https://fal.ai/dashboard/requests"
    Options = FalOptions
    limits = Limits(end_image=True)
    takes_callback_url = True
    task_id_name = "request_id"

    def body(self, request: VideoRequest, options: FalOptions) -> Input:
        image, end = request.image, request.end_image
        # Pictures were uploaded by now.
        assert not isinstance(image, ImageFile)
        assert not isinstance(end, ImageFile)
        body = Input(
            prompt=request.prompt,
            duration="5" if request.duration == 5 else "10",
            negative_prompt=options.negative_prompt,
            generate_audio=request.sound,
        )
        if image is None:
            body["aspect_ratio"] = request.aspect_ratio
        else:
            body["start_image_url"] = image
        if end is not None:
            body["end_image_url"] = end
        if options.cfg_scale is not None:
            body["cfg_scale"] = options.cfg_scale
        return body

    def submit(self, request: VideoRequest, options: FalOptions) -> Flow[Ticket]:
        url = f"{self.base_url}/{APP}/v2.6/pro/{request.kind}-to-video"
        query = {"fal_webhook": request.callback_url} if request.callback_url else None
        reply = yield httpx.Request("POST", url, params=query, json=self.body(request, options))
        answer = self._read(reply)
        task_id = identifier(answer.request_id)
        if task_id is None:  # Whoever gives an id has a task, whatever the status next to it.
            self._answer(reply)
            raise self.unexpected(reply, "reply.request_id is missing")
        urls = {name: find_url(getattr(answer, name)) for name in URLS}
        return Ticket(task_id, {name: url for name, url in urls.items() if url is not None})

    def poll(self, ticket: Ticket) -> Flow[Status]:
        """First the state; of what has ended, the result, which may be an error as well."""
        answer = yield from self._state(ticket)
        said = self.state(answer.status, STATES)
        if said != "succeeded":
            return Status(said, position=integer(answer.queue_position))
        if answer.error or answer.error_type:
            return _failed(answer)
        reply = yield from self._result(ticket)
        answer = self._read(reply)
        trouble, _ = _trouble(answer)
        if trouble and reply.is_error and reply.status_code not in ABOUT_THE_QUESTION:
            # Seen where the result lags behind the state.
            return Status("running") if "in progress" in trouble else _failed(answer)
        answer = self._answer(reply, asking=True)
        made = _made(answer)
        if trouble and made.url is None:
            raise self.unexpected(reply, "an error where the video should be")
        return made

    def sign(self, request: httpx.Request, key: str) -> None:
        request.headers["Authorization"] = f"Key {key}"

    def check(self, request: VideoRequest, options: FalOptions) -> None:
        if options.cfg_scale is not None and request.kind == "image":
            problem = "cfg_scale is for text to video only; leave it out with an image."
            raise self.option_refused("cfg_scale", problem)
        if request.end_image is not None and request.sound:
            # Kling does not do both; what fal.ai does then is not documented.
            problem = "end_image does not go with sound; turn sound off, or leave end_image out."
            raise self.option_refused("sound", problem)

    def price(self, request: VideoRequest, options: FalOptions) -> float | None:
        return round(request.duration * (0.14 if request.sound else 0.07), 2)

    def upload(self, image: ImageFile) -> Flow[str]:
        """The bytes go to another host, so the runner does not sign that request."""
        url = f"{self.upload_url}/storage/upload/initiate?storage_type=gcs"
        file = {"file_name": image.name, "content_type": image.mime_type}
        reply = yield httpx.Request("POST", url, json=file)
        place = self._answer(reply)
        put = self.read_url(reply, place.upload_url, "reply.upload_url")
        file_url = self.read_url(reply, place.file_url, "reply.file_url")
        kind = {"Content-Type": image.mime_type}
        reply = yield httpx.Request("PUT", put, content=image.data, headers=kind)
        if not reply.is_success:
            raise self.unexpected(reply, "the store did not take the picture")
        return file_url

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Only what still waits costs nothing; a model at work is merely asked to stop."""
        answer = yield from self._state(ticket)
        if state(answer.status, STATES) != "queued":
            return False
        reply = yield httpx.Request("PUT", self._url(ticket, "cancel"))
        outcome = self._answer(reply, asking=True).status
        if outcome != "CANCELLATION_REQUESTED":
            return bool(outcome == "OK")
        try:  # It may have begun in between.
            answer = yield from self._state(ticket)
        except NoSuchTask:
            return True
        # One that ends with an error now was cancelled, whatever the error is called.
        now = state(answer.status, STATES)
        failed = now == "succeeded" and (answer.error or answer.error_type)
        return bool(failed) or now in ("queued", "cancelled")

    def read_callback(self, body: bytes | str) -> Status:
        call = self.read_call(body, Callback)
        payload = call.payload or Reply(error=call.error)
        said, task_id = state(call.status, CALLS), identifier(call.request_id)
        if said is None or task_id is None:
            raise self.invalid_callback("it has no request_id and status")
        status = _made(payload) if said == "succeeded" else _failed(payload)
        return evolve(status, task_id=task_id)

    def recover_ticket(self, fragment: str, request: VideoRequest) -> Ticket | None:
        """The id alone, or within a URL that came with it."""
        url = re.search(r"/requests/([\w-]+)", fragment)
        found = super().recover_ticket(fragment, request)
        return self.ticket(url[1], request) if found is None and url else found

    def _state(self, ticket: Ticket) -> Flow[Reply]:
        reply = yield httpx.Request("GET", self._url(ticket, "status"))
        answer = self._answer(reply, asking=True)
        if not (isinstance(answer.status, str) and answer.status.strip()):
            raise self.unexpected(reply, "reply.status is missing")
        return answer

    def _result(self, ticket: Ticket) -> Flow[httpx.Response]:
        """A task that failed is answered with its own HTTP status, from 500 on too."""
        try:
            return (yield httpx.Request("GET", self._url(ticket, "response")))
        except Unavailable as trouble:
            if trouble.reply is None:
                raise
            answer = self._read(trouble.reply)
            # The model's errors are lists, and the platform's have a type. Others pass with time.
            if isinstance(answer.detail, list) or answer.error_type is not None:
                return trouble.reply
            raise

    def _url(self, ticket: Ticket, what: Literal["status", "response", "cancel"]) -> str:
        """The URL that came with the id, if it is at the API; else the documented one."""
        given = ticket.data.get(f"{what}_url", "")
        if given.startswith(f"{self.base_url}/"):
            return given
        end = "" if what == "response" else f"/{what}"
        return f"{self.base_url}/{APP}/requests/{quote(ticket.task_id, safe='')}{end}"

    def _read(self, reply: httpx.Response) -> Reply:
        answer = self.read(reply, Reply)
        return evolve(answer, error_type=answer.error_type or reply.headers.get("x-fal-error-type"))

    def _answer(self, reply: httpx.Response, asking: bool = False) -> Reply:
        answer = self._read(reply)
        # A cancel that comes too late is an HTTP error with a status, and not a refusal.
        if not reply.is_error or answer.status is not None:
            return answer
        said, code = _trouble(answer)
        if said is None:
            raise self.unexpected(reply, "an HTTP error without a reason")
        if asking and reply.status_code == 404:
            raise self.error(NoSuchTask, reply, said, code)
        no = NO.get(reply.status_code, Refused)
        # An account without money is locked: "… Reason: Exhausted balance."
        if reply.status_code == 403 and re.search("balance|locked", said, re.IGNORECASE):
            no = OutOfCredit if "balance" in said.lower() else Refused
        raise self.error(no, reply, said, code)


def _trouble(answer: Reply) -> tuple[str | None, str | None]:
    """What is wrong, and its code: of the platform a text, of the model a list of objects."""
    first = answer.detail
    if isinstance(first, list):
        first = first[0] if first else None
    of_model = first if isinstance(first, Mapping) else {"msg": first}
    said = text(answer.error) or text(of_model.get("msg")) or text(of_model.get("message"))
    return said, text(answer.error_type) or text(of_model.get("type"))


def _made(answer: Reply) -> Status:
    return Status("succeeded", url=find_video(get(answer.video, "url"), answer.video))


def _failed(answer: Reply) -> Status:
    said, code = _trouble(answer)
    return Status("cancelled" if code == CANCELLED else "failed", code=code, reason=said)


@hookimpl
def kling26_providers() -> list[Provider]:
    return [Fal()]


@hookimpl
def kling26_sandboxes() -> list[Sandbox]:
    from kling26_fal_sandbox import STORE, FalSandbox  # Only a rehearsal needs a web framework.

    return [Sandbox("fal", build=FalSandbox, uploads="", hosts=(STORE,))]
