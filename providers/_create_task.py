"""
The createTask dialect, which kie.ai and Apikley share.

Both report most errors as HTTP 200 with a `code` in the body. The text is called `msg` on some
pages of their documentation and `message` on others.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NotRequired, TypedDict
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
from ..core.wire import (
    find_object,
    find_url,
    find_video,
    get,
    identifier,
    integer,
    number,
    parse,
    state,
    structure,
    text,
)

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


# Never compared or printed; without those methods the class loads twice as fast.
@frozen(eq=False, repr=False)
class Record:
    state: Any = None
    taskId: Any = None
    task_id: Any = None
    resultJson: Any = None
    failCode: Any = None
    failMsg: Any = None
    # Both names are documented for the cost of a task.
    creditsConsumed: Any = None
    consumeCredits: Any = None

    @property
    def url(self) -> str | None:
        """`resultJson` is JSON inside a string, sometimes encoded twice."""
        return find_video(get(self.resultJson, "resultUrls"), self.resultJson)


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
        answer = self.read(reply, dict)
        task_id = identifier(get(find_object(answer, "taskId"), "taskId"))
        # Whoever gives an id has a task, whatever the code; no documented refusal has one.
        if task_id is None:
            self._check(reply, answer)
            raise self.unexpected(reply, "reply.data.taskId is missing")
        return self.ticket(task_id, request)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        url = f"{self.base_url}/api/v1/jobs/recordInfo?taskId={quote(ticket.task_id, safe='')}"
        reply = yield httpx.Request("GET", url)
        answer = self.read(reply, dict)
        record = _record(answer)
        # What the record says of the task counts, whatever the code next to it: 501 for a failure.
        if record is None or (record.url is None and state(record.state, _STATES) is None):
            self._check(reply, answer, querying=True)
        if record is None:
            raise self.unexpected(reply, "reply.data.state is missing")
        return self._status(record)

    def upload(self, image: ImageFile) -> Flow[str]:
        body = Upload(
            base64Data=f"data:{image.mime_type};base64,{image.base64()}",
            uploadPath=self.upload_path,
            fileName=image.name,
        )
        url = f"{self.upload_url}/api/file-base64-upload"
        reply = yield httpx.Request("POST", url, json=body)
        stored = self._data(reply)
        link = find_url(get(stored, "downloadUrl"), stored)
        return self.read_url(reply, link, "reply.data.downloadUrl")

    def renew(self, ticket: Ticket, url: str) -> Flow[str]:
        api = f"{self.base_url}/api/v1/common/download-url"
        reply = yield httpx.Request("POST", api, json={"url": url})
        return self.read_url(reply, self._data(reply), "reply.data")

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", f"{self.base_url}/api/v1/chat/credit")
        credits = number(self._data(reply))
        if credits is None:
            raise self.unexpected(reply, "expected a number @ reply.data")
        return credits

    def read_callback(self, body: bytes | str) -> Status:
        try:
            call = _callback(body)
        except ValueError as error:
            raise self.invalid_callback(error) from error
        record = _record({"data": call})
        if record is None:
            raise self.invalid_callback("missing @ callback.data.state")
        status = self._status(record)
        return evolve(status, task_id=status.task_id or identifier(get(call, "taskId")))

    def _data(self, reply: httpx.Response) -> object:
        """The data of the reply to a free request; raises the error for a "no"."""
        answer = {"code": 200, **self.read(reply, dict)}
        self._check(reply, answer, free=True)
        return answer.get("data", answer)

    def _check(
        self,
        reply: httpx.Response,
        answer: Mapping[str, Any],
        querying: bool = False,
        free: bool = False,
    ) -> None:
        """Raise the error for a "no", with the provider's message."""
        said, code = (
            text(answer.get("msg")) or text(answer.get("message")),
            _code(answer.get("code")),
        )
        if code is None:
            raise self.unexpected(reply, "reply.code is not a number")
        # Their own fault, except from createTask, which reports missing fields like this.
        if free and code == 500:
            raise self.error(Unavailable, reply, said, code)
        if querying and code in _NO_SUCH_TASK:
            raise self.error(NoSuchTask, reply, said, code)
        if code != 200:
            kind = _NO.get(code) or _NO.get(reply.status_code, Refused)
            raise self.error(kind, reply, said, code)
        if reply.is_error:
            raise self.unexpected(reply, "code 200 under an HTTP error")

    def _status(self, record: Record) -> Status:
        state = self.state(record.state, _STATES, record.url)
        cost = number(record.creditsConsumed)
        cost = number(record.consumeCredits) if cost is None else cost
        return Status(
            state,
            url=record.url if state == "succeeded" else None,
            cost=cost if state == "succeeded" else None,
            code=text(record.failCode) if state == "failed" else None,
            reason=text(record.failMsg) if state == "failed" else None,
            task_id=identifier(record.taskId) or identifier(record.task_id),
        )


def _record(answer: Mapping[str, Any]) -> Record | None:
    """
    The record in an answer, with a state or a result; None if there is none.

    It is in `data`; without it, an answer that has no error code may be the record itself.
    """
    for place in (answer.get("data"), answer if _code(answer.get("code", 200)) == 200 else None):
        record = structure(find_object(place, "state", "resultJson") or {}, Record)
        if record.url is not None or (isinstance(record.state, str) and record.state.strip()):
            return record
    return None


def _code(value: object) -> int | None:
    """The envelope's code: a number according to the documentation, or the same as a string."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,4}\s*", value):
        return int(value)
    return integer(value)


def _callback(body: bytes | str) -> Mapping[str, Any]:
    try:
        value = parse(body)
    except ValueError:
        # The documentation's sample bodies are not valid JSON: quotes in the echo of the request
        # (`param`) are missing one level of escaping, and some objects end in a comma.
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        value = parse(_without_echo(text))
    return structure(value, dict, "callback")


def _without_echo(text: str) -> str:
    # Quotes in the echo have one backslash too few, but at least one.
    if echo := re.search(r'"param"\s*:\s*"', text):
        end = re.compile(r'(?<!\\)"\s*,?').search(text, echo.end())
        text = text[: echo.start()] + (text[end.end() :] if end else "")
    return re.sub(r",(\s*[}\]])", r"\1", text)
