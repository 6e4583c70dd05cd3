"""How an emulator answers that is written by declaration."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from .declaration import Answer, Declaration
from .endpoints import Endpoint
from .fields import Asked
from .images import decode, size_of
from .refusals import look_up
from .requests import path_of
from .responses import AsciiJSONResponse
from .schema import JSON, Problem, problems
from .store import Upload
from .submission import RefusalReason, Submission
from .tasks import EmulatedTask, TaskPhase

_MARK = "kling26_endpoint"
_Method = TypeVar("_Method", bound=Callable[..., Awaitable[object]])
_Handler = Callable[[Request, Endpoint], Awaitable[Response]]
_Describe = Callable[[EmulatedTask, TaskPhase], JSON | Response]


def endpoint(line: str) -> Callable[[_Method], _Method]:
    """Mark a method as what answers at an endpoint; it is asked only with a valid key."""

    def mark(method: _Method) -> _Method:
        setattr(method, _MARK, line)
        return method

    return mark


class DeclaredEmulator(Declaration):
    """
    A service that takes JSON, queues the task, and is asked about it until it is done.

    The tables of a subclass say how the service spells that; whatever is different in it is a
    method to override. An endpoint is a line, with the task's id in its path or its query:
    ``GET /v1/videos/{id}``, ``GET /tasks?task_id={id}``.
    """

    def understand(self, request: Request, schema: JSON, body: object) -> Submission | Response:
        """What a body asks for, or its refusal."""
        wrong = list(problems(body, schema))
        if wrong or not isinstance(body, dict):
            return _response(self.invalid(wrong or [Problem("", "not an object")]))
        flat = self.flat(body)
        kind = "an image" if self.data_urls else "an image in base64 without a prefix"
        asked = Asked(flat, schema, request.query_params, self.fields, self._image, kind)
        submission = asked.submission(path_of(request.scope).lstrip("/"))
        if isinstance(submission, Problem):
            return _response(self.invalid([submission]))
        problem = self._reused(submission.external_id) or self.check(submission, flat)
        if problem is None:
            return submission
        known = problem if isinstance(problem, Problem) else Problem("", problem)
        return _response(self.invalid([known]))

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
        return self._refused(*look_up(self.refusals, reason))

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
        return _response(self.balance(0.0 if "broke" in self.key_of(request) else self.left))

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
    if task.began(now):
        yield "running"
    if task.cancelled or now >= task.ends:
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
