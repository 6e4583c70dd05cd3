"""An emulator by declaration: what services have in common, told in tables."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar, TypeVar
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from .conditions import Conditions
from .emulator import Emulator
from .endpoints import Endpoint
from .fields import Asked, Fields
from .images import decode, size_of
from .responses import AsciiJSONResponse
from .schema import JSON, Problem, problems
from .store import FileStore, StoredFile, Upload
from .submission import RefusalReason, Submission
from .tasks import EmulatedTask, TaskPhase

#: HTTP status, code and text of a refusal; without the code where the service has none.
Refusal = tuple[int, str] | tuple[int, int | str, str]

#: An answer: JSON under HTTP 200, the HTTP status and the JSON, or the whole response.
Answer = JSON | tuple[int, JSON] | Response

_MARK = "kling26_endpoint"
_Method = TypeVar("_Method", bound=Callable[..., Awaitable[object]])
_Handler = Callable[[Request, Endpoint], Awaitable[Response]]
_Describe = Callable[[EmulatedTask, TaskPhase], JSON | Response]

#: The phases of a task that costs nothing.
FREE: tuple[TaskPhase, ...] = ("failed", "cancelled")

#: What HTTP itself has for the refusals that a table leaves out.
_USUAL: Mapping[str, Refusal] = {
    "key": (401, "The key is not valid"),
    "credit": (402, "The account has no credit left"),
    "rate_limit": (429, "Too many requests"),
    "error": (500, "Internal server error"),
    "no_such_task": (404, "Not found"),
}
#: The refusals that are others, unless a table has them, and their HTTP status.
_INSTEAD: Mapping[str, tuple[str, int | None]] = {
    "rate_limit_in_body": ("rate_limit", None),
    "maintenance": ("error", 503),
    "error_in_200": ("error", 200),
    "no_such_path": ("no_such_task", 404),
}


def endpoint(line: str) -> Callable[[_Method], _Method]:
    """Mark a method as what answers at an endpoint; it is asked only with a valid key."""

    def mark(method: _Method) -> _Method:
        setattr(method, _MARK, line)
        return method

    return mark


class DeclaredEmulator(Emulator):
    """
    A service that takes JSON, queues the task, and is asked about it until it is done.

    Its tables say how the service spells that. Whatever is different in it is a method to override.
    An endpoint is written as a line, with the task's id in its path or its query:
    ``GET /v1/videos/{id}``, ``GET /tasks?task_id={id}``.
    """

    #: The endpoints that create a task, and the JSON schema of each body. What may be left out has
    #: its documented `default` there.
    submits: ClassVar[Mapping[str, JSON]]
    #: The endpoints of a task's status, or of several tasks' (``?task_ids={ids}``); of its result,
    #: if that is another; and to cancel it.
    polls: ClassVar[str | None] = None
    results: ClassVar[str | None] = None
    cancels: ClassVar[str | None] = None
    #: The names under which answers have the URLs of these endpoints: see `urls`.
    links: ClassVar[Mapping[str, str]] = {}
    #: The endpoint of the balance, and what is on a new account, in the unit of `cost`.
    balances: ClassVar[str | None] = None
    credit: ClassVar[float] = 100.0
    #: The endpoints that take files: `FormUpload`, `Base64Upload` or `PutUpload`; and the URL where
    #: files are, by the URL where an upload is asked for, if that is another host.
    uploads: ClassVar[Mapping[str, Upload]] = {}
    stores: ClassVar[Mapping[str, str]] = {}
    #: What the service calls what is asked for.
    fields: ClassVar[Fields] = Fields()
    #: Whether a picture in base64 may begin with ``data:``.
    data_urls: ClassVar[bool] = True
    #: What it calls the phases of a task, if not as they are called here.
    states: ClassVar[Mapping[TaskPhase, str]] = {}
    #: Its refusals, as far as they are not HTTP's own: status, code and text of each. That of a
    #: wrong body is "invalid", and "{problem}" in its text becomes what is wrong.
    refusals: ClassVar[Mapping[str, Refusal]] = {}
    #: How ids are made: "uuid", or a text with "{}" for the milliseconds: "task_{}".
    ids: ClassVar[str] = "uuid"
    #: The phases in which a task can be cancelled, and those that the webhook is told of.
    cancellable: ClassVar[tuple[TaskPhase, ...]] = ("queued",)
    told: ClassVar[tuple[TaskPhase, ...]] = ("succeeded", "failed", "cancelled")
    #: Whether webhook calls are signed as https://www.standardwebhooks.com prescribes.
    standard_webhooks: ClassVar[bool] = False

    #: The files that were uploaded.
    files: FileStore

    def __init__(self, conditions: Conditions | None = None) -> None:
        conditions = Conditions() if conditions is None else conditions
        self.files = FileStore(conditions, self.stores)
        super().__init__(conditions)

    # What a subclass adds.

    def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        """
        The task as the service tells of it, in its answers and in its webhook calls.

        `url` is that of the video, and None as long as there is none.
        """
        raise NotImplementedError

    def state(self, task: EmulatedTask, phase: TaskPhase) -> str:
        """The service's word for a phase."""
        return self.states.get(phase, "moderating" if phase == "unknown" else phase)

    def refusal(self, code: int | str | None, text: str) -> JSON:
        """The body of a refusal; that of FastAPI, with which many services are made."""
        return {"detail": text}

    def wrap(self, data: JSON | Sequence[JSON]) -> JSON:
        """The body of a good answer, from what it is about: in an envelope, if there is one."""
        return data if isinstance(data, Mapping) else {"data": data}

    def result(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> Answer:
        """The answer of `results`, if it is not the same as that of `polls`."""
        return self.wrap(self.describe(task, phase, url))

    def cancelled(self, task: EmulatedTask | None, was: TaskPhase) -> Answer:
        """The answer to a cancel; `was` is the phase before it, "unknown" if there is no task."""
        return self.status(task, self.phase(task)) if task else self.refuse("no_such_task")

    def call(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
        """The body of a webhook call."""
        return self.describe(task, phase, url)

    def stored(self, file: StoredFile, names: Sequence[str]) -> JSON:
        """The answer to an upload: the URL of the file, under the names that `uploads` declares."""
        return self.wrap(dict.fromkeys(names, file.url))

    def cost(self, task: EmulatedTask) -> float:
        """What a task costs, in the service's unit."""
        return 0.0

    def balance(self, left: float) -> JSON:
        """The answer about the balance."""
        return self.wrap({"balance": left})

    def flat(self, body: JSON) -> JSON:
        """The body in which `fields` are looked for, if that has to be put in order first."""
        return body

    def check(self, asked: Submission, body: JSON) -> str | None:
        """The rule, beyond those of the schema, that a body breaks; `body` is that of `flat`."""
        return None

    def find(self, task_id: str) -> EmulatedTask | None:
        """The task with an id that was asked about."""
        return self.tasks.find(task_id)

    def invalid(self, wrong: Sequence[Problem]) -> Answer:
        """The refusal of a wrong body; that of FastAPI, if `refusals` has no "invalid"."""
        if "invalid" not in self.refusals:
            return 422, {"detail": [problem.detail for problem in wrong]}
        status, code, text = self._refusal("invalid")
        first = f"{wrong[0].path}: {wrong[0].text}".removeprefix(": ")
        return status, self.refusal(code, text.replace("{problem}", first))

    # What a subclass can use.

    @property
    def request_id(self) -> str:
        """An id of the present request."""
        return f"sandbox-{len(self.requests)}"

    def status(self, task: EmulatedTask, phase: TaskPhase) -> JSON:
        """The answer of `polls`."""
        url = None if self.results else self.link(task, phase)
        return self.wrap(self.describe(task, phase, url))

    def urls(self, task: EmulatedTask) -> JSON:
        """The URLs that `links` declares, for one task."""
        return {
            name: task.base + Endpoint.of(line).at(task.id) for name, line in self.links.items()
        }

    def link(self, task: EmulatedTask, phase: TaskPhase) -> str | None:
        """The URL of the video, once it is there."""
        return self.deliveries.link(task, task.base) if phase == "succeeded" else None

    def understand(self, request: Request, schema: JSON, body: object) -> Submission | Response:
        """What a body asks for, or its refusal."""
        wrong = list(problems(body, schema))
        if wrong or not isinstance(body, dict):
            return _response(self.invalid(wrong or [Problem("", "not an object")]))
        flat = self.flat(body)
        asked = Asked(flat, schema, request.query_params, self.fields, self._image)
        submission = asked.submission(request.url.path.lstrip("/"))
        if isinstance(submission, Problem):
            return _response(self.invalid([submission]))
        problem = self._reused(submission.external_id) or self.check(submission, flat)
        return _response(self.invalid([Problem("", problem)])) if problem else submission

    # What `Emulator` asks for.

    def routes(self) -> Sequence[BaseRoute]:
        answers: list[tuple[str | None, _Handler]] = [
            *((line, partial(self._answer_submit, body)) for line, body in self.submits.items()),
            *((line, partial(self._answer_upload, way)) for line, way in self.uploads.items()),
            (self.polls, partial(self._answer_poll, self.status)),
            (self.results, partial(self._answer_poll, self._linked)),
            (self.cancels, self._answer_cancel),
            (self.balances, self._answer_balance),
        ]
        found = [self._route(line, answer) for line, answer in answers if line]
        return [*found, *self._marked(), *(self.files.routes() if self.uploads else [])]

    def no(self, reason: RefusalReason) -> tuple[int, JSON]:
        known = reason in self.refusals or reason in _USUAL
        instead, changed = (reason, None) if known else _INSTEAD[reason]
        status, code, text = self._refusal(instead)
        return changed or status, self.refusal(code, text)

    def spell_id(self, milliseconds: int) -> str:
        if self.ids == "uuid":
            return str(uuid5(NAMESPACE_URL, f"{self.provider}:{milliseconds}"))
        return self.ids.format(milliseconds)

    def receipt(self, task: EmulatedTask) -> JSON:
        return self.wrap(self.describe(task, "queued", None))

    def calls(self, task: EmulatedTask) -> Iterable[JSON]:
        for phase in _life(task, self.conditions.clock()):
            if phase in self.told:
                url = self.deliveries.first(task) if phase == "succeeded" else None
                yield self.call(task, phase, url)

    def sign_call(self, body: bytes, secret: str, now: float) -> Mapping[str, str]:
        return _standard_webhook(body, secret, now) if self.standard_webhooks else {}

    def _marked(self) -> Iterator[BaseRoute]:
        """The routes of methods that are marked with `endpoint`."""
        for name in dir(type(self)):
            if line := getattr(getattr(type(self), name), _MARK, None):
                yield self._route(line, partial(self._answer_marked, getattr(self, name)))

    async def _answer_marked(
        self, answer: Callable[[Request], Awaitable[Answer]], request: Request, _: Endpoint
    ) -> Response:
        return _response(await answer(request))

    def _image(self, text: str) -> bytes | str | None:
        """An image's bytes, or its URL if it is elsewhere; None if it is neither."""
        if text.startswith(("http://", "https://")):
            return self.files.find(text) or text
        image = None if text.startswith("data:") and not self.data_urls else decode(text)
        return image if image and size_of(image) else None

    def _refusal(self, reason: str) -> tuple[int, int | str | None, str]:
        row = self.refusals.get(reason) or _USUAL[reason]
        return (row[0], None, row[1]) if len(row) == 2 else row

    def _reused(self, external_id: str | None) -> str | None:
        if external_id and self.tasks.find_external(external_id):
            return f"{self.fields.external_id}: a task with this id already exists"
        return None

    def _linked(self, task: EmulatedTask, phase: TaskPhase) -> JSON | Response:
        match self.result(task, phase, self.link(task, phase)):
            case (200, body):
                return body
            case (status, body):
                return AsciiJSONResponse(body, status)
            case answer:
                return answer

    def _route(self, line: str, answer: _Handler) -> BaseRoute:
        endpoint = Endpoint.of(line)

        async def handler(request: Request) -> Response:
            return await answer(request, endpoint)

        return endpoint.route(self.keyed(handler))

    async def _answer_submit(self, schema: JSON, request: Request, _: Endpoint) -> Response:
        return await self.submit(request, partial(self.understand, request, schema))

    async def _answer_poll(
        self, describe: _Describe, request: Request, endpoint: Endpoint
    ) -> Response:
        if endpoint.several:
            return await self._answer_several(*endpoint.task_ids(request))
        return await self.poll(self.find(endpoint.task_id(request)), describe)

    async def _answer_several(self, ids: list[str], own: list[str]) -> Response:
        """In an array, from which unknown ids are left out."""
        known = [*map(self.find, ids), *map(self.tasks.find_external, own)]
        tasks = [task for task in known if task]

        def describe(first: EmulatedTask, phase: TaskPhase) -> JSON:
            told = zip(tasks, [phase, *map(self.phase, tasks[1:])], strict=True)
            return self.wrap([self.describe(task, now, self.link(task, now)) for task, now in told])

        if not tasks and not self.conditions.next_fault("poll"):
            return _response(self.wrap([]))
        return await self.poll(tasks[0] if tasks else None, describe)

    async def _answer_cancel(self, request: Request, endpoint: Endpoint) -> Response:
        task = self.find(endpoint.task_id(request))
        was = self.phase(task) if task else "unknown"
        if task and was in self.cancellable:
            self.cancel(task)
        return _response(self.cancelled(task, was))

    async def _answer_balance(self, request: Request, _: Endpoint) -> Response:
        charged = (task for task in self.tasks if self.phase(task) not in FREE)
        left = max(0.0, self.credit - sum(map(self.cost, charged)))
        return _response(self.balance(0.0 if "broke" in self.key_of(request) else round(left, 2)))

    async def _answer_upload(self, upload: Upload, request: Request, _: Endpoint) -> Response:
        if fault := self.upload_fault():
            return fault
        file = await upload.take(request, self.files.add)
        if isinstance(file, str):
            return _response(self.invalid([Problem("", file)]))
        return _response(self.stored(file, upload.urls))


def _response(answer: Answer) -> Response:
    if isinstance(answer, Response):
        return answer
    status, body = answer if isinstance(answer, tuple) else (200, answer)
    return AsciiJSONResponse(body, status)


def _life(task: EmulatedTask, now: float) -> Iterator[TaskPhase]:
    """The phases that a task has reached, in their order."""
    yield "queued"
    if task.starts <= min(now, task.ends):
        yield "running"
    if now >= task.ends:
        yield task.phase(now)


def _standard_webhook(body: bytes, secret: str, now: float) -> Mapping[str, str]:
    call, moment = f"call-{int(now * 1000)}", str(int(now))
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{call}.{moment}.".encode() + body, "sha256")
    return {
        "webhook-id": call,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
