"""
The createTask dialect, which kie.ai and Apikley share.

Both report most errors as HTTP 200 with a `code` in the body. The text is called `msg` on some
pages of their documentation and `message` on others.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NotRequired, TypedDict, TypeVar
from urllib.parse import quote

import httpx
from attrs import evolve, frozen

from ..core import (
    AspectRatio,
    Flow,
    ImageFile,
    KeyRejected,
    NoOptions,
    NoSuchTask,
    OutOfCredit,
    Provider,
    ProviderError,
    Refused,
    State,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    VideoRequest,
)
from ..core.wire import integer, number, parse, structure, text

T = TypeVar("T")

_STATES: Mapping[str, State] = {
    "waiting": "queued",
    "queuing": "queued",
    "generating": "running",
    "success": "succeeded",
    "fail": "failed",
}
#: What a "no" means, by its code; any other is `Refused`.
_NO: Mapping[int, type[ProviderError]] = {
    401: KeyRejected,
    402: OutOfCredit,
    429: TryLater,
    433: OutOfCredit,  # This key's own allowance is used up.
    455: TryLater,
}
# recordInfo for an unknown task: 404 according to the documentation, 422 "recordInfo is null" in
# practice.
_NO_SUCH_TASK = (404, 422)


class TextToVideo(TypedDict):
    prompt: str
    sound: bool
    aspect_ratio: AspectRatio
    duration: Literal["5", "10"]


class ImageToVideo(TypedDict):
    prompt: str
    image_urls: list[str]
    sound: bool
    duration: Literal["5", "10"]


class CreateTask(TypedDict):
    model: Literal["kling-2.6/text-to-video", "kling-2.6/image-to-video"]
    input: TextToVideo | ImageToVideo
    callBackUrl: NotRequired[str]


class Upload(TypedDict):
    base64Data: str
    uploadPath: str
    fileName: str


# Replies are never compared or printed; without those methods the classes load twice as fast.
@frozen(eq=False, repr=False)
class Envelope:
    code: Any
    msg: Any = None
    message: Any = None
    data: Any = None


@frozen(eq=False, repr=False)
class Created:
    taskId: str


@frozen(eq=False, repr=False)
class Record:
    state: str
    taskId: str | None = None
    task_id: str | None = None
    resultJson: Any = None
    failCode: Any = None
    failMsg: Any = None
    # Both names are documented for the cost of a task.
    creditsConsumed: Any = None
    consumeCredits: Any = None


@frozen(eq=False, repr=False)
class Result:
    resultUrls: list[str] | None = None


@frozen(eq=False, repr=False)
class Uploaded:
    downloadUrl: str


@frozen(eq=False, repr=False)
class Callback:
    data: Any
    taskId: Any = None


class CreateTaskProvider(Provider[NoOptions]):
    """Base class for providers of this dialect; subclasses add names, URLs and limits."""

    takes_callback_url = True
    cost_unit = "credits"
    task_id_name: ClassVar[str | None] = "taskId"
    upload_url: str
    #: The provider's folder for uploaded images; they are deleted after one to three days.
    upload_path: ClassVar[str] = "kling26"

    def body(self, request: VideoRequest, options: NoOptions) -> CreateTask:
        duration: Literal["5", "10"] = "5" if request.duration == 5 else "10"
        if request.image is None:
            text = TextToVideo(
                prompt=request.prompt,
                sound=request.sound,
                aspect_ratio=request.aspect_ratio,
                duration=duration,
            )
            task = CreateTask(model="kling-2.6/text-to-video", input=text)
        else:
            assert isinstance(request.image, str)  # Images have been uploaded by now.
            image = ImageToVideo(
                prompt=request.prompt,
                image_urls=[request.image],
                sound=request.sound,
                duration=duration,
            )
            task = CreateTask(model="kling-2.6/image-to-video", input=image)
        if request.callback_url is not None:
            task["callBackUrl"] = request.callback_url
        return task

    def submit(self, request: VideoRequest, options: NoOptions) -> Flow[Ticket]:
        url = f"{self.base_url}/api/v1/jobs/createTask"
        reply = yield httpx.Request("POST", url, json=self.body(request, options))
        created = self._data(reply, Created)
        if not created.taskId:
            raise self.unexpected(reply, "reply.data.taskId is empty")
        return Ticket(created.taskId)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        url = f"{self.base_url}/api/v1/jobs/recordInfo?taskId={quote(ticket.task_id, safe='')}"
        reply = yield httpx.Request("GET", url)
        record = self._data(reply, Record, no_such_task=True)
        try:
            return self._status(record)
        except ValueError as error:
            raise self.unexpected(reply, str(error)) from error

    def upload(self, image: ImageFile) -> Flow[str]:
        body = Upload(
            base64Data=f"data:{image.mime_type};base64,{image.base64()}",
            uploadPath=self.upload_path,
            fileName=image.name,
        )
        url = f"{self.upload_url}/api/file-base64-upload"
        reply = yield httpx.Request("POST", url, json=body)
        stored = self._data(reply, Uploaded, free=True)
        return self.read_url(reply, stored.downloadUrl, "reply.data.downloadUrl")

    def renew(self, ticket: Ticket, url: str) -> Flow[str]:
        api = f"{self.base_url}/api/v1/common/download-url"
        reply = yield httpx.Request("POST", api, json={"url": url})
        return self.read_url(reply, self._data(reply, str, free=True), "reply.data")

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", f"{self.base_url}/api/v1/chat/credit")
        return self._data(reply, float, free=True)

    def read_callback(self, body: bytes | str) -> Status:
        try:
            callback = _callback(body)
            status = self._status(structure(callback.data, Record, "callback.data"))
        except ValueError as error:
            raise self.invalid_callback(error) from error
        return evolve(status, task_id=status.task_id or text(callback.taskId))

    def _data(
        self, reply: httpx.Response, cls: type[T], no_such_task: bool = False, free: bool = False
    ) -> T:
        """The data of a reply; raises the error for a "no", with the provider's message."""
        envelope = self.read(reply, Envelope)
        said, code = text(envelope.msg) or text(envelope.message), _code(envelope.code)
        if code is None:
            raise self.unexpected(reply, "reply.code is not a number")
        # Their own fault, except from createTask, which reports missing fields like this.
        if free and code == 500:
            raise self.error(Unavailable, reply, said, code)
        if no_such_task and code in _NO_SUCH_TASK:
            raise self.error(NoSuchTask, reply, said, code)
        if code != 200:
            kind = _NO.get(code) or _NO.get(reply.status_code, Refused)
            raise self.error(kind, reply, said, code)
        if reply.is_error:
            raise self.unexpected(reply, "code 200 under an HTTP error")
        return self.read_part(reply, envelope.data, cls, "reply.data")

    def _status(self, record: Record) -> Status:
        state = self.state(record.state, _STATES)
        cost = number(record.creditsConsumed)
        cost = number(record.consumeCredits) if cost is None else cost
        return Status(
            state,
            url=_video_url(record.resultJson) if state == "succeeded" else None,
            cost=cost if state == "succeeded" else None,
            code=text(record.failCode) if state == "failed" else None,
            reason=text(record.failMsg) if state == "failed" else None,
            task_id=record.taskId or record.task_id,
        )


def _code(value: object) -> int | None:
    """The envelope's code: a number according to the documentation, or the same as a string."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,4}", value):
        return int(value)
    return integer(value)


def _video_url(result: object) -> str | None:
    """
    The first URL of the result, or None.

    `resultJson` is JSON inside a string, sometimes encoded twice.
    """
    for _ in range(3):
        if not isinstance(result, str) or result == "":
            break
        result = parse(result)
    if result in (None, ""):
        return None
    return next((url for url in structure(result, Result).resultUrls or [] if url), None)


def _callback(body: bytes | str) -> Callback:
    try:
        value = parse(body)
    except ValueError:
        # The documentation's sample bodies are not valid JSON: quotes in the echo of the request
        # (`param`) are missing one level of escaping, and some objects end in a comma.
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        value = parse(_without_echo(text))
    return structure(value, Callback, "callback")


def _without_echo(text: str) -> str:
    # Quotes in the echo have one backslash too few, but at least one.
    if echo := re.search(r'"param"\s*:\s*"', text):
        end = re.compile(r'(?<!\\)"\s*,?').search(text, echo.end())
        text = text[: echo.start()] + (text[end.end() :] if end else "")
    return re.sub(r",(\s*[}\]])", r"\1", text)
