"""
RunComfy's Model API.

Written from https://www.runcomfy.com/models/kling/kling-2-6/pro/text-to-video (its "API" page,
with the input and output schemas), https://docs.runcomfy.com/model-apis/async-queue-endpoints and
https://docs.runcomfy.com/model-apis/error-codes. For image to video, only `prompt` and
`image_url` are documented; the other fields are assumed to be those of text to video. Prices,
balances and images from files are as in RunComfy's own clients
(https://github.com/runcomfy-com/runcomfy-cli and .../comfyui-runcomfy-partner-nodes).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypedDict
from urllib.parse import quote

import httpx
from attrs import frozen

from ..core import (
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
    State,
    Status,
    Ticket,
    TryLater,
    UnexpectedReply,
    VideoRequest,
    hookimpl,
    option,
)
from ..core.wire import find_video, get, identifier, integer, number, state, text

# The documented states are in_queue, in_progress, completed and cancelled; RunComfy's own clients
# also accept the others, including "failed".
_STATES: Mapping[str, State] = {
    "in_queue": "queued",
    "pending": "queued",
    "waiting": "queued",
    "in_progress": "running",
    "starting": "running",
    "processing": "running",
    "completed": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
#: What a "no" means, by its code or HTTP status: the first match, or else `Refused`.
_NO: Mapping[type[ProviderError], tuple[str | int, ...]] = {
    TryLater: (429,),
    OutOfCredit: ("400002", 402),
    NoSuchTask: ("404001", 404),  # Only in the answer to a request about a task.
    KeyRejected: ("400004", 401),
}
#: No video costs more than this, in USD: a price above it is a mistake, and would only keep a video
#: from being made.
_DEAREST = 100.0


@frozen
class RunComfyOptions:
    negative_prompt: str = option(
        "blur, distort, and low quality",
        label="Negative prompt",
        help="What the video must not show.",
        multiline=True,
    )


class TextToVideo(TypedDict):
    prompt: str
    duration: int
    aspect_ratio: AspectRatio
    negative_prompt: str
    # If left out, it defaults to true, and sound costs more.
    generate_audio: bool


class ImageToVideo(TypedDict):
    prompt: str
    image_url: str
    duration: int
    negative_prompt: str
    generate_audio: bool


# Replies are never compared or printed; without those methods the classes load twice as fast.
@frozen(eq=False, repr=False)
class Reply:
    """Any answer: a request's id and state, or an error, possibly under HTTP 200."""

    request_id: Any = None
    status: Any = None
    queue_position: Any = None
    output: Any = None
    cost: Any = None
    outcome: Any = None
    balance_usd: Any = None
    error_code: Any = None
    error_message: Any = None
    message: Any = None
    error: Any = None
    detail: Any = None

    @property
    def state(self) -> State | None:
        return state(self.status, _STATES)

    @property
    def url(self) -> str | None:
        places = (get(self.output, "video"), get(self.output, "videos"), self.output)
        return find_video(*places)


@frozen(eq=False, repr=False)
class Model:
    """What a model costs; `pricing_note` is for people."""

    base_price_usd: Any = None
    price_unit: Any = None
    pricing_note: Any = None

    def price(self, request: VideoRequest) -> float | None:
        """The price of a video in USD, or None if that is not certain."""
        base = None if isinstance(self.base_price_usd, str) else number(self.base_price_usd)
        if base is None or self.price_unit not in ("second", "output"):
            return None
        if request.sound and re.search("audio|sound", text(self.pricing_note) or "", re.IGNORECASE):
            return None  # The note says what sound adds to the base price.
        price = round(base * request.duration if self.price_unit == "second" else base, 6)
        return price if 0 < price <= _DEAREST else None


class RunComfy(Provider[RunComfyOptions]):
    name = "runcomfy"
    title = "RunComfy"
    key_variable = "RUNCOMFY_TOKEN"
    other_key_variables = ("RUNCOMFY_API_TOKEN",)  # The name that RunComfy's nodes use.
    base_url = "https://model-api.runcomfy.net"
    balance_url: str | None = "https://api.runcomfy.net/prod/v2"
    key_page = "https://www.runcomfy.com/profile"
    tasks_page = "https://www.runcomfy.com/generations"
    Options = RunComfyOptions
    task_id_name: ClassVar[str | None] = "request_id"
    cost_comes_late = True  # RunComfy's own nodes ask for it again after the download.
    # The page of the model asks for a public URL, and there are no uploads. RunComfy's own nodes
    # send their images as data URIs, always PNG, within these limits.
    limits: Limits = Limits(
        image_formats=("png",), image_bytes=6 * 1024 * 1024, image_area=32_000_000
    )

    def body(self, request: VideoRequest, options: RunComfyOptions) -> TextToVideo | ImageToVideo:
        if request.image is None:
            return TextToVideo(
                prompt=request.prompt,
                duration=request.duration,
                aspect_ratio=request.aspect_ratio,
                negative_prompt=options.negative_prompt,
                generate_audio=request.sound,
            )
        return ImageToVideo(
            prompt=request.prompt,
            image_url=_spelled(request.image),
            duration=request.duration,
            negative_prompt=options.negative_prompt,
            generate_audio=request.sound,
        )

    def submit(self, request: VideoRequest, options: RunComfyOptions) -> Flow[Ticket]:
        body = self.body(request, options)
        reply = yield httpx.Request("POST", self._model_url(request), json=body)
        # Whoever gives an id has a task, whatever the code; no documented refusal has one.
        task_id = identifier(self.read(reply, Reply).request_id)
        if task_id is None:
            self._answer(reply)
            raise self.unexpected(reply, "reply.request_id is missing")
        return self.ticket(task_id, request)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        """One request for state, video and cost: the result has the state even before the end."""
        reply = yield httpx.Request("GET", self._url(ticket, "result?include_cost=true"))
        answer = self.read(reply, Reply)
        # With a state or a video, a code is the reason of the task's end, not a "no" to this
        # request.
        if answer.url is None and (answer.state is None or reply.is_error):
            answer = self._answer(reply, querying=True)
            if not (isinstance(answer.status, str) and answer.status.strip()):
                raise self.unexpected(reply, "reply.status is missing")
        return self._status(answer)

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Only a queued request can be cancelled; others are answered with "not_cancellable"."""
        reply = yield httpx.Request("POST", self._url(ticket, "cancel"))
        answer = self._answer(reply, querying=True)
        if answer.outcome == "not_cancellable":
            return False
        if answer.state == "cancelled":
            return True
        reply = yield httpx.Request("GET", self._url(ticket, "status"))
        return self._answer(reply, querying=True).state == "cancelled"

    def quote(self, request: VideoRequest, options: RunComfyOptions) -> Flow[float | None]:
        """What the model costs, which RunComfy's own nodes ask before each submit."""
        reply = yield httpx.Request("GET", self._model_url(request))
        try:
            return self.read(reply, Model).price(request) if reply.is_success else None
        except UnexpectedReply:
            return None

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", f"{self.balance_url}/balance")
        left = number(self._answer(reply).balance_usd)
        if left is None:
            raise self.unexpected(reply, "expected a number @ reply.balance_usd")
        return left

    def check(self, request: VideoRequest, options: RunComfyOptions) -> None:
        if isinstance(request.image, str) and not request.image.lower().startswith("https://"):
            problem = "image must be a public https:// URL, or a file."
            raise self.option_refused("image", problem)

    def _model_url(self, request: VideoRequest) -> str:
        return f"{self.base_url}/v1/models/kling/kling-2-6/pro/{request.kind}-to-video"

    def _url(self, ticket: Ticket, what: str) -> str:
        return f"{self.base_url}/v1/requests/{quote(ticket.task_id, safe='')}/{what}"

    def _answer(self, reply: httpx.Response, querying: bool = False) -> Reply:
        """The parsed answer; raises the error for a "no"."""
        answer = self.read(reply, Reply)
        said, code = _reason(answer), text(answer.error_code)
        if code in (None, "0") and not reply.is_error:
            return answer
        if said is None and code is None:
            raise self.unexpected(reply, "an HTTP error without a reason")
        raise self.error(_meaning(reply.status_code, code, querying), reply, said, code)

    def _status(self, answer: Reply) -> Status:
        state = self.state(answer.status, _STATES, answer.url)
        failed = state == "failed"
        return Status(
            state,
            url=answer.url if state == "succeeded" else None,
            cost=number(answer.cost) if state == "succeeded" else None,
            reason=_reason(answer) if failed else None,
            code=text(answer.error_code) or _error_type(answer.error) if failed else None,
            position=integer(answer.queue_position),
            task_id=identifier(answer.request_id),
        )


def _spelled(image: str | ImageFile) -> str:
    if isinstance(image, str):
        return image
    return f"data:{image.mime_type};base64,{image.base64()}"


def _meaning(status: int, code: str | None, querying: bool) -> type[ProviderError]:
    """The error for a "no"; HTTP 403 means the key, unless a code says otherwise."""
    if status == 403 and code is None:
        return KeyRejected
    for kind, codes in _NO.items():
        if (status in codes or code in codes) and (querying or kind is not NoSuchTask):
            return kind
    return Refused


def _reason(answer: Reply) -> str | None:
    """The text of an error, by the first of its names; `error` may be an object or a string."""
    error = answer.error
    inner = error.get("message") if isinstance(error, Mapping) else error
    named = (
        answer.error_message, answer.message, inner, _detail(answer.detail), _error_type(error)
    )  # fmt: skip
    return next((said for said in map(text, named) if said), None)


def _detail(detail: object) -> object:
    """A string, or the first message of a list of problems, one per field."""
    first = detail[0] if isinstance(detail, list) and detail else detail
    return first.get("msg") if isinstance(first, Mapping) else first


def _error_type(error: object) -> str | None:
    return text(error.get("type")) if isinstance(error, Mapping) else None


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return [RunComfy()]
