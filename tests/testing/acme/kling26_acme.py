"""A good provider, in which the tests of the conformance suite make mistakes."""

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

import httpx
from attrs import evolve, frozen
from kling26.core import (
    AspectRatio,
    Flow,
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
    UnexpectedReply,
    VideoRequest,
    hookimpl,
    option,
)
from kling26.core.wire import find_video, identifier, number, text

# Others are taken as still running.
STATES: Mapping[str, State] = {
    "queued": "queued",
    "working": "running",
    "done": "succeeded",
    "failed": "failed",
}
# Any other is `Refused`.
NO: Mapping[int, type[ProviderError]] = {
    401: KeyRejected,
    402: OutOfCredit,
    429: TryLater,
    **dict.fromkeys((408, 409, 425), UnexpectedReply),  # Nobody knows whether there is a task.
}


@frozen
class AcmeOptions:
    negative_prompt: str = option(
        "",
        label="Negative prompt",
        help="What the video must not show.",
        max_length=500,
        multiline=True,
    )


class Video(TypedDict):
    prompt: str
    seconds: int
    # Always sent: many services make sound by default, and charge for it.
    sound: bool
    aspect_ratio: NotRequired[AspectRatio]
    image_url: NotRequired[str]
    negative_prompt: NotRequired[str]
    webhook_url: NotRequired[str]


@frozen
class Problem:
    code: Any = None
    message: Any = None


@frozen
class Refusal:
    error: Problem | None = None


@frozen
class Reply:
    id: Any = None
    state: Any = None
    video_url: Any = None
    cost: Any = None
    error: Problem | None = None


class AcmeProvider(Provider[AcmeOptions]):
    name = "acme"
    title = "Acme"
    key_variable = "ACME_API_KEY"
    base_url = "https://api.acme.example"
    key_page = "https://acme.example/keys"
    tasks_page = "https://acme.example/videos"
    Options = AcmeOptions
    takes_callback_url = True
    #: The JSON name of the task's id in the answer to a submit.
    task_id_name = "id"
    limits = Limits(
        text_prompt=2000,
        image_prompt=2000,
        # () if only URLs of images are accepted; otherwise add `upload`, or send the bytes.
        image_formats=(),
        # True if the video may end with an image too: then send `request.end_image`.
        end_image=False,
        submissions=None,
    )

    def body(self, request: VideoRequest, options: AcmeOptions) -> Video:
        assert request.image is None or isinstance(request.image, str)  # Files were refused before.
        body = Video(
            prompt=request.prompt,
            seconds=request.duration,
            sound=request.sound,
        )
        if request.image is None:  # An image sets the aspect ratio.
            body["aspect_ratio"] = request.aspect_ratio
        else:
            body["image_url"] = request.image
        if options.negative_prompt:
            body["negative_prompt"] = options.negative_prompt
        if request.callback_url is not None:
            body["webhook_url"] = request.callback_url
        return body

    def submit(self, request: VideoRequest, options: AcmeOptions) -> Flow[Ticket]:
        """The one request that pays."""
        body = self.body(request, options)
        reply = yield httpx.Request("POST", f"{self.base_url}/v1/videos", json=body)
        # Whoever gives an id has a task, whatever the status next to it.
        answer = self.read(reply, Reply)
        task_id = identifier(answer.id)
        if task_id is None:
            self._answer(reply)
            # Not clearly refused: it may have been paid for, so this must not be `Refused`.
            raise self.unexpected(reply, "reply.id is missing")
        return Ticket(task_id)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        url = f"{self.base_url}/v1/videos/{quote(ticket.task_id, safe='')}"
        reply = yield httpx.Request("GET", url)
        answer = self._answer(reply, asking=True)
        if not answer.state and find_video(answer.video_url) is None:
            raise self.unexpected(reply, "reply.state is missing")
        return self._status(answer)

    # Here the tests put more.

    def read_callback(self, body: bytes | str) -> Status:
        answer = self.read_call(body, Reply)
        task_id = identifier(answer.id)
        if task_id is None:
            raise self.invalid_callback("it has no id")
        return evolve(self._status(answer), task_id=task_id)

    def _answer(self, reply: httpx.Response, asking: bool = False) -> Reply:
        """The body of a reply; a "no" is raised in the words of Acme."""
        if not reply.is_error:
            return self.read(reply, Reply)
        problem = self.read(reply, Refusal).error or Problem()
        said, code = text(problem.message), text(problem.code)
        if said is None and code is None:
            raise self.unexpected(reply, "an HTTP error without a reason")
        if asking and reply.status_code == 404:
            raise self.error(NoSuchTask, reply, said, code)
        raise self.error(NO.get(reply.status_code, Refused), reply, said, code)

    def _status(self, answer: Reply) -> Status:
        url = find_video(answer.video_url)
        state = self.state(answer.state, STATES, url)
        if state == "succeeded":
            return Status(state, url=url, cost=number(answer.cost))
        if state == "failed":
            problem = answer.error or Problem()
            return Status(state, code=text(problem.code), reason=text(problem.message))
        return Status(state)


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return [AcmeProvider()]


@hookimpl
def kling26_sandboxes() -> Iterable[Sandbox]:
    from kling26_acme_sandbox import AcmeSandbox  # Only a rehearsal needs Starlette.

    return [Sandbox("acme", build=AcmeSandbox)]
