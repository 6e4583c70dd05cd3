"""
The createTask dialect, which kie.ai and Apikley share.

Both answer most errors with HTTP 200 and a `code` in the body, and name its text `msg` on some
pages of their documentation and `message` on others.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import quote

import httpx
from attrs import evolve, frozen

from ..core import refusals
from ..core.options import NoOptions
from ..core.provider import Flow, Provider
from ..core.request import AspectRatio, ImageFile, VideoRequest
from ..core.status import State, Status, Ticket
from ..core.wire import address, integer, number, parse, read, read_part, structure, words, write

T = TypeVar("T")

_STATES: dict[str, State] = {
    "waiting": "queued",
    "queuing": "queued",
    "generating": "running",
    "success": "succeeded",
    "fail": "failed",
}
#: What a "no" means, by its code; any other is plainly refused.
_NO: Mapping[int, refusals.Answer] = {
    401: refusals.key_rejected,
    402: refusals.out_of_credit,
    429: refusals.try_later,
    433: refusals.out_of_credit,  # This key's own allowance is used up.
    455: refusals.try_later,
}
# What recordInfo says of a task it does not know: 404 by the documents, 422 "recordInfo is null"
# when tried.
_NO_SUCH_TASK = (404, 422)


# Messages are neither compared nor shown: without that they load twice as fast.
@frozen(eq=False, repr=False)
class TextToVideo:
    prompt: str
    sound: bool
    aspect_ratio: AspectRatio
    duration: Literal["5", "10"]


@frozen(eq=False, repr=False)
class ImageToVideo:
    prompt: str
    image_urls: list[str]
    sound: bool
    duration: Literal["5", "10"]


@frozen(eq=False, repr=False)
class CreateTask:
    model: Literal["kling-2.6/text-to-video", "kling-2.6/image-to-video"]
    input: TextToVideo | ImageToVideo
    callBackUrl: str | None = None


@frozen(eq=False, repr=False)
class Upload:
    base64Data: str
    uploadPath: str
    fileName: str


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
class Uploaded:
    downloadUrl: str


@frozen(eq=False, repr=False)
class Record:
    state: str
    taskId: str | None = None
    task_id: str | None = None
    resultJson: Any = None
    failCode: Any = None
    failMsg: Any = None
    # Both names are documented for what a task took.
    creditsConsumed: Any = None
    consumeCredits: Any = None


@frozen(eq=False, repr=False)
class Result:
    resultUrls: list[str] | None = None


class CreateTaskProvider(Provider[NoOptions]):
    """A provider of this dialect; a subclass adds names, addresses and limits."""

    takes_callback_url = True
    cost_unit = "credits"
    task_id_name: ClassVar[str | None] = "taskId"
    upload_url: str
    #: Where uploaded pictures go on the provider's side; they are deleted after a day or three.
    upload_path: ClassVar[str] = "kling26"

    def submit(self, request: VideoRequest, options: NoOptions) -> Flow[Ticket]:
        url = f"{self.base_url}/api/v1/jobs/createTask"
        reply = yield httpx.Request("POST", url, json=write(_task(request)))
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
        body = Upload(f"data:{image.mime_type};base64,{image.base64()}",
                      self.upload_path, image.name)  # fmt: skip
        url = f"{self.upload_url}/api/file-base64-upload"
        reply = yield httpx.Request("POST", url, json=write(body))
        url = self._data(reply, Uploaded, free=True).downloadUrl
        return address(reply, url, self, "reply.data.downloadUrl")

    def renew(self, ticket: Ticket, url: str) -> Flow[str]:
        api = f"{self.base_url}/api/v1/common/download-url"
        reply = yield httpx.Request("POST", api, json={"url": url})
        return address(reply, self._data(reply, str, free=True), self, "reply.data")

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", f"{self.base_url}/api/v1/chat/credit")
        return self._data(reply, float, free=True)

    def read_callback(self, body: bytes | str) -> Status:
        try:
            callback = _callback(body)
            status = self._status(structure(callback.data, Record, "callback.data"))
        except ValueError as error:
            raise refusals.no_callback(self, error) from error
        return evolve(status, task_id=status.task_id or words(callback.taskId))

    def _data(
        self, reply: httpx.Response, cls: type[T], no_such_task: bool = False, free: bool = False
    ) -> T:
        """What an accepted reply carries; a "no" is raised in the provider's words."""
        envelope = read(reply, Envelope, self)
        said, code = words(envelope.msg) or words(envelope.message), _code(envelope.code)
        if code is None:
            raise self.unexpected(reply, "reply.code is no number")
        # Trouble on their side. Of createTask it is a "no": so missing fields are told there.
        if free and code == 500:
            raise refusals.unavailable(self, reply, said, code)
        if no_such_task and code in _NO_SUCH_TASK:
            raise refusals.no_such_task(self, reply, said, code)
        if code != 200:
            no = _NO.get(code) or _NO.get(reply.status_code, refusals.refused)
            raise no(self, reply, said, code)
        if reply.is_error:
            raise self.unexpected(reply, "code 200 under an HTTP error")
        return read_part(reply, envelope.data, cls, self, "reply.data")

    def _status(self, record: Record) -> Status:
        state = refusals.state(self, record.state, _STATES)
        cost = number(record.creditsConsumed)
        cost = number(record.consumeCredits) if cost is None else cost
        return Status(
            state,
            url=_video_url(record.resultJson) if state == "succeeded" else None,
            cost=cost if state == "succeeded" else None,
            code=words(record.failCode) if state == "failed" else None,
            reason=words(record.failMsg) if state == "failed" else None,
            task_id=record.taskId or record.task_id,
        )


def _task(request: VideoRequest) -> CreateTask:
    duration: Literal["5", "10"] = "5" if request.duration == 5 else "10"
    if request.image is None:
        text = TextToVideo(request.prompt, request.sound, request.aspect_ratio, duration)
        return CreateTask("kling-2.6/text-to-video", text, request.callback_url)
    assert isinstance(request.image, str)  # Pictures were uploaded by now.
    image = ImageToVideo(request.prompt, [request.image], request.sound, duration)
    return CreateTask("kling-2.6/image-to-video", image, request.callback_url)


def _code(told: object) -> int | None:
    """The envelope's code, a number by the documents; as a text it means the same."""
    if isinstance(told, str) and re.fullmatch("[0-9]{1,4}", told):
        return int(told)
    return integer(told)


def _video_url(result: object) -> str | None:
    """
    The first of the result's URLs; None while there is none.

    `resultJson` is JSON inside a string, sometimes encoded twice.
    """
    for _ in range(3):
        if not isinstance(result, str) or result == "":
            break
        result = parse(result)
    if result in (None, ""):
        return None
    return next((url for url in structure(result, Result).resultUrls or [] if url), None)


@frozen(eq=False, repr=False)
class Callback:
    data: Any
    taskId: Any = None


def _callback(body: bytes | str) -> Callback:
    try:
        value = parse(body)
    except ValueError:
        # The sample bodies of the documents are no valid JSON: quotes inside the echo of the
        # request (`param`) are escaped once too little, and some objects end in a comma.
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        value = parse(_without_echo(text))
    return structure(value, Callback, "callback")


def _without_echo(text: str) -> str:
    # Quotes inside the echo have one backslash too few, but never none.
    if echo := re.search(r'"param"\s*:\s*"', text):
        end = re.compile(r'(?<!\\)"\s*,?').search(text, echo.end())
        text = text[: echo.start()] + (text[end.end() :] if end else "")
    return re.sub(r",(\s*[}\]])", r"\1", text)
