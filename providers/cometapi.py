"""
CometAPI.

Written from https://apidoc.cometapi.com/api/video/kling/text-to-video and .../image-to-video
(submit), .../individual-queries (status), .../callback_url,
https://apidoc.cometapi.com/errors/error-codes-handling and
https://apidoc.cometapi.com/tools/balance-api. Kling's own error codes pass through it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, NoReturn
from urllib.parse import quote

import httpx
from attrs import frozen

from ..core import (
    Flow,
    KeyRejected,
    Limits,
    NoSuchTask,
    OutOfCredit,
    Provider,
    ProviderError,
    Refused,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    VideoRequest,
    hookimpl,
    option,
)
from ..core.wire import find_object, get, identifier, number, parse, state, text
from ._kling import (
    STATES,
    Action,
    Common,
    ImageToVideo,
    Task,
    TextToVideo,
    is_error,
    read_code,
    read_task,
    read_task_id,
    spell_image,
)

#: What a "no" means: by Kling's code (the error table in Kling's own documentation) or, if CometAPI
#: itself refuses, by the HTTP status. Any other is `Refused`.
_NO: Mapping[int, type[ProviderError]] = {
    **dict.fromkeys((401, 1000, 1001, 1002, 1003, 1004), KeyRejected),
    **dict.fromkeys((402, 1101, 1102), OutOfCredit),
    **dict.fromkeys((429, 1302, 1303), TryLater),
    # Not a "no": the task may have been accepted, which `find` finds out.
    **dict.fromkeys((5000, 5001, 5002), Unavailable),
}
_KLING_CODE = re.compile("[1-5][0-9]{3}")
#: How a refusal may say that `external_task_id` is not unique.
_OWN_ID_TAKEN = re.compile(
    r"(?=.*external[ _]?task[ _]?id).*\b(already|exists|duplicated?|unique|in use)\b", re.IGNORECASE
)
_UNKNOWN_TASK = (404, 1200, 1201, 1202, 1203)
#: List prices in USD for 5 seconds, by mode and sound. CometAPI charges what Kling does since
#: 2026-07-29 (https://github.com/orgs/cometapi-dev/discussions/127); the figures are Kling's, as
#: quoted on 2026-09-19. The group of an account may pay less.
_PRICES: Mapping[tuple[str, bool], float] = {
    ("std", False): 0.21, ("pro", False): 0.35, ("pro", True): 0.70,
}  # fmt: skip


@frozen
class CometAPIOptions:
    mode: Literal["std", "pro"] = option(
        "std",
        label="Mode",
        help="pro looks better and costs more; sound and an end image require it.",
    )
    negative_prompt: str = option(
        "",
        label="Negative prompt",
        help="What the video must not show.",
        max_length=200,
        multiline=True,
    )
    cfg_scale: float | None = option(
        None,
        label="CFG scale",
        help="How closely to follow the prompt; the v2 models are said to ignore it.",
        minimum=0,
        maximum=1,
        step=0.05,
        advanced=True,
    )
    camera_control: dict[str, Any] | None = option(
        None,
        label="Camera control",
        help="The camera's movement as a JSON object, text to video only.",
        advanced=True,
    )


class CometAPI(Provider[CometAPIOptions]):
    name = "cometapi"
    title = "CometAPI"
    key_variable = "COMETAPI_KEY"
    base_url = "https://api.cometapi.com"
    balance_url: str | None = "https://query.cometapi.com"
    key_page = "https://api.cometapi.com/console/token"
    tasks_page = "https://api.cometapi.com/console/task"
    Options = CometAPIOptions
    takes_callback_url = True
    task_id_name: ClassVar[str | None] = "task_id"
    # The prompt's limit is CometAPI's own; Kling itself accepts 2500 characters.
    limits: Limits = Limits(text_prompt=500, image_prompt=500, image_pixels=300, end_image=True)

    def body(self, request: VideoRequest, options: CometAPIOptions) -> TextToVideo | ImageToVideo:
        common = Common(
            duration="5" if request.duration == 5 else "10",
            mode=options.mode,
            sound="on" if request.sound else "off",
        )
        if request.task:
            common["external_task_id"] = request.task
        if options.negative_prompt:
            common["negative_prompt"] = options.negative_prompt
        if options.cfg_scale is not None:
            common["cfg_scale"] = options.cfg_scale
        if options.camera_control is not None:
            common["camera_control"] = options.camera_control
        if request.callback_url is not None:
            common["callback_url"] = request.callback_url
        if request.image is None:
            return TextToVideo(
                model_name="kling-v2-6",
                prompt=request.prompt,
                aspect_ratio=request.aspect_ratio,
                **common,
            )
        if request.end_image is not None:
            common["image_tail"] = spell_image(request.end_image)
        image = spell_image(request.image)
        return ImageToVideo(model_name="kling-v2-6", image=image, prompt=request.prompt, **common)

    def submit(self, request: VideoRequest, options: CometAPIOptions) -> Flow[Ticket]:
        action = _action(request)
        body = self.body(request, options)
        reply = yield httpx.Request("POST", self._url(action), json=body)
        answer = self.read(reply, dict)
        # Whoever gives an id has a task, whatever the code; refusals have a `request_id` at most.
        if (task_id := read_task_id(answer)) is not None:
            return self.ticket(task_id, request)
        self._check(reply, answer)
        raise self.unexpected(reply, "reply.data.task_id is missing")

    def poll(self, ticket: Ticket) -> Flow[Status]:
        action = ticket.data.get("action", "text2video")
        reply = yield httpx.Request("GET", self._url(action, ticket.task_id))
        answer = self.read(reply, dict)
        task = read_task(answer)
        # What the task says of itself counts, whatever code is next to it.
        if task is None or (task.video is None and state(task.state, STATES) is None):
            self._check(reply, answer, querying=True)
        if task is None:
            raise self.unexpected(reply, "reply.data.task_status is missing")
        return self._status(task)

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", self._balance_url)
        answer = self.read(reply, dict)
        if reply.is_error or answer.get("error"):
            said = get(answer, "error", "message") or answer.get("error") or answer.get("message")
            raise self.error(_NO.get(reply.status_code, Refused), reply, text(said))
        left = number(answer.get("total_quota"))  # What is left, in spite of the name.
        if left is None:
            raise self.unexpected(reply, "expected a number @ reply.total_quota")
        return left

    def sign(self, request: httpx.Request, key: str) -> None:
        """The balance is asked for with the key in the query, and without the usual header."""
        if request.url.copy_with(query=None) == self._balance_url:
            request.url = request.url.copy_set_param("key", key)
        else:
            super().sign(request, key)

    def price(self, request: VideoRequest, options: CometAPIOptions) -> float | None:
        price = _PRICES.get((options.mode, request.sound))
        return None if price is None else round(price * request.duration / 5, 2)

    def check(self, request: VideoRequest, options: CometAPIOptions) -> None:
        # Without mode pro neither, and with it one at a time:
        # https://docs.apimart.ai/en/api-reference/videos/kling-v2-6/generation
        if request.end_image is not None and request.sound:
            problem = "end_image does not go with sound; turn sound off, or leave end_image out."
            raise self.option_refused("sound", problem)
        if request.end_image is not None and options.mode != "pro":
            problem = "end_image requires mode pro; set mode to pro, or leave end_image out."
            raise self.option_refused("mode", problem)
        if request.sound and options.mode != "pro":
            problem = "sound requires mode pro; set mode to pro, or turn sound off."
            raise self.option_refused("mode", problem)
        if options.camera_control is not None and request.kind == "image":
            problem = "camera_control is for text to video only; leave it out with an image."
            raise self.option_refused("camera_control", problem)

    def find(self, request: VideoRequest) -> Flow[Ticket | None]:
        """A query accepts our `external_task_id` instead of the task's own id."""
        reply = yield httpx.Request("GET", self._url(_action(request), request.task))
        answer = self.read(reply, dict)
        task_id = read_task_id(answer)
        if task_id is None or is_error(answer):  # An error may repeat the id it was asked about.
            try:
                self._check(reply, answer, querying=True)
            except NoSuchTask as error:
                if read_code({"code": error.code}) in _UNKNOWN_TASK:
                    return None
            raise self.unexpected(reply, "reply.data.task_id is missing")
        # The id in a damaged answer would be kept for good, in place of the one that is paid for.
        found = find_object(answer, "task_info")
        if get(found, "task_info", "external_task_id") not in (None, "", request.task):
            raise self.unexpected(reply, "reply.data.task_info is about another task")
        return self.ticket(task_id, request)

    def read_callback(self, body: bytes | str) -> Status:
        try:
            task = read_task({"data": parse(body)})
        except ValueError as error:
            raise self.invalid_callback(error) from error
        if task is None or identifier(task.task_id) is None:
            raise self.invalid_callback("it has no task_id and task_status")
        return self._status(task)

    def ticket(self, task_id: str, request: VideoRequest) -> Ticket:
        return Ticket(task_id, {"action": _action(request)})

    @property
    def _balance_url(self) -> str:
        return f"{self.balance_url}/user/quota"

    def _url(self, action: str, task_id: str | None = None) -> str:
        url = f"{self.base_url}/kling/v1/videos/{action}"
        return url if task_id is None else f"{url}/{quote(task_id, safe='')}"

    def _check(
        self, reply: httpx.Response, answer: Mapping[str, Any], querying: bool = False
    ) -> None:
        """Raise the error for a "no"."""
        if error := answer.get("error"):
            said = get(error, "message") if isinstance(error, Mapping) else error
            self._refuse(reply, said, get(error, "code"), querying)
        code = read_code(answer)
        if code is None:
            raise self.unexpected(reply, "reply.code is neither 0 nor an error code")
        if code != 0:
            self._refuse(reply, answer.get("message"), code, querying)
        if reply.is_error:
            raise self.unexpected(reply, "code 0 under an HTTP error")

    def _refuse(
        self, reply: httpx.Response, message: object, code: object, querying: bool
    ) -> NoReturn:
        """Raise the error for a "no"; Kling's code says more than the HTTP status."""
        said, code = text(message), text(code)
        meaning = int(code) if code and _KLING_CODE.fullmatch(code) else reply.status_code
        if querying and (meaning in _UNKNOWN_TASK or reply.status_code == 404):
            raise self.error(NoSuchTask, reply, said, code)
        if said and _OWN_ID_TAKEN.match(said):
            # An earlier request under this id was accepted after all, which `find` finds out.
            raise self.unexpected(reply, "our own id is taken")
        raise self.error(_NO.get(meaning, Refused), reply, said, code)

    def _status(self, task: Task) -> Status:
        state = self.state(task.state, STATES, task.video)
        return Status(
            state,
            url=task.video if state == "succeeded" else None,
            reason=text(task.task_status_msg) if state == "failed" else None,
            task_id=identifier(task.task_id),
        )


def _action(request: VideoRequest) -> Action:
    return "text2video" if request.image is None else "image2video"


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return [CometAPI()]
