"""What all emulators have in common: a provider's life of a task, in that provider's words."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Router
from starlette.types import Receive, Scope, Send

from ._answers import CutOff, JSONAnswer, retry_after, web_page, wrong_types
from ._conditions import Conditions
from ._deliveries import LINK_LIFE, Deliveries
from ._faults import Fault, FaultName, Reset
from ._requests import SeenRequest, account_of, base_of, json_of, key_of, read, replay, seen
from ._schema import JSON, fields_of
from ._tasks import FolderTasks, Phase, Task, Tasks
from ._video import Clip
from ._window import Window

Reason = Literal[
    "key",
    "credit",
    "rate_limit",
    "rate_limit_in_body",
    "maintenance",
    "error",
    "error_in_200",
    "no_such_task",
    "no_such_path",
]

#: The faults that turn a submit away before a task is made, and what the provider says then.
TURNED_AWAY: dict[FaultName, Reason] = {
    "rate_limit": "rate_limit",
    "rate_limit_in_body": "rate_limit_in_body",
    "maintenance": "maintenance",
    "no_credit": "credit",
    "error_before_accept": "error",
}

#: A prompt with this word in it makes a task that fails.
FAIL_WORD = "[fail]"

Handler = Callable[[Request], Awaitable[Response]]


@frozen
class Order:
    """What an emulator understood of a body that it can accept."""

    model: str
    clip: Clip
    external_id: str | None = None
    callback_url: str | None = None
    failure: str | None = None


class Emulator(ABC):
    """
    A provider's HTTP API, on all of its hosts at once, as an ASGI application.

    A dialect adds the routes, the rules for a body, and the wording of every answer.
    """

    provider: ClassVar[str]
    #: What stands before the key in the header Authorization.
    key_scheme: ClassVar[str] = "Bearer"
    #: How many new tasks an account may make, in how many seconds.
    rate: ClassVar[tuple[int, float] | None] = None
    #: Whether asking for a task again gives a fresh link when its link has expired.
    asking_renews: ClassVar[bool] = True
    #: What a failed task says of itself.
    failure: ClassVar[str]
    #: The HTTP status of a submit that was accepted.
    accepted_status: ClassVar[int] = 200

    #: Clock, speed, faults, and which keys are good.
    conditions: Conditions
    #: What arrived, without the keys.
    requests: list[SeenRequest]
    #: The accepted tasks: `find(id)`, `find_external(our id)`, `save(task)`.
    tasks: Tasks
    #: Their results: `link(task, base)` is where one is, `renew(task, base, seconds)` another link.
    deliveries: Deliveries

    def __init__(self, conditions: Conditions | None = None) -> None:
        self.conditions = Conditions() if conditions is None else conditions
        self.requests = []
        folder = self.conditions.folder
        self.tasks = FolderTasks(folder / self.provider) if folder else Tasks()
        self.deliveries = Deliveries(self.conditions, self.tasks, asking_renews=self.asking_renews)
        self._window = Window(*self.rate) if self.rate else None
        self._router = Router(
            [*self.routes(), *self.deliveries.routes()],
            default=self._nowhere,
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # a server asks for a lifespan first
            return
        body = await read(receive)
        self.requests.append(seen(scope, body))
        await self._router(scope, replay(body), send)

    # What tests look at

    @property
    def accepted(self) -> list[Task]:
        """The tasks that a bill would be sent for."""
        return list(self.tasks)

    @property
    def callbacks(self) -> list[tuple[str, JSON]]:
        """The calls to webhooks that the provider would have made by now."""
        return [
            (task.callback_url, body)
            for task in self.tasks
            if task.callback_url
            for body in self.calls(task)
        ]

    def settle(self, task_id: str) -> None:
        """Let a task be finished now."""
        task = self.tasks.find(task_id)
        if task is None:
            raise KeyError(task_id)
        task.starts = task.ends = min(task.ends, self.conditions.clock())
        task.links[0] = task.ends + LINK_LIFE
        self.tasks.save(task)

    # What a dialect says

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]: ...

    @abstractmethod
    def no(self, reason: Reason) -> tuple[int, JSON]:
        """The HTTP status and the body of a refusal."""

    @abstractmethod
    def spell_id(self, milliseconds: int) -> str:
        """A task's id, in the provider's looks."""

    @abstractmethod
    def receipt(self, task: Task) -> JSON:
        """The answer to a submit that was accepted."""

    def calls(self, task: Task) -> Iterable[JSON]:
        """The bodies of the calls to a task's webhook until now."""
        return []

    def sign_call(self, body: bytes, secret: str, now: float) -> Mapping[str, str]:
        """The headers that sign such a call, at a time in seconds since the epoch."""
        return {}

    # What every dialect does

    def refuse(
        self, reason: Reason, *, status: int | None = None, wait: float | None = None
    ) -> Response:
        usual, body = self.no(reason)
        return JSONAnswer(body, status or usual, retry_after(wait))

    def key_of(self, request: Request) -> str:
        return key_of(request, self.key_scheme)

    def keyed(self, handler: Handler) -> Handler:
        """The handler behind the check of the key."""

        async def guarded(request: Request) -> Response:
            if not self.conditions.knows(self.key_of(request)):
                return self.refuse("key")
            return await handler(request)

        return guarded

    async def submit(
        self, request: Request, understand: Callable[[object], Order | Response]
    ) -> Response:
        fault = self.conditions.next_fault("submit")
        if fault and (fault.name in TURNED_AWAY or fault.name == "reset_before_accept"):
            self.conditions.spend(fault)
            return self._turned_away(fault)
        if "broke" in self.key_of(request):
            return self.refuse("credit")
        body = await json_of(request)
        order = understand(body)
        if isinstance(order, Response):
            return order
        account = account_of(self.key_of(request))
        if self._window and not self._window.admits(account, self.conditions.clock()):
            return self.refuse("rate_limit")
        task = self._accept(order, fields_of(body), base_of(request))
        answer = JSONAnswer(self.receipt(task), self.accepted_status)
        if fault is None:
            return answer
        self.conditions.spend(fault)
        return await self._garbled(fault, task, answer)

    def upload_fault(self) -> Response | None:
        """The answer to an upload that shall go wrong, if this one shall."""
        fault = self.conditions.take_fault("upload")
        if fault is None:
            return None
        if fault.name == "upload_reset":
            raise Reset
        return self.refuse("error", wait=fault.retry_after)

    async def poll(
        self, task: Task | None, tell: Callable[[Task, Phase], JSON | Response]
    ) -> Response:
        """What `tell` says of a task; a whole `Response` where it is not HTTP 200."""
        fault = self.conditions.take_fault("poll")
        if fault and (answer := self._unanswered(fault)):
            return answer
        if task is None:
            return self.refuse("no_such_task")
        unknown = fault is not None and fault.name == "poll_unknown_state"
        told = tell(task, "unknown" if unknown else self._phase(task))
        if isinstance(told, Response):
            return told
        return JSONAnswer(wrong_types(told) if fault and not unknown else told)

    def cancel(self, task: Task) -> None:
        """Let a task be cancelled now."""
        task.cancelled = True
        self.tasks.save(task)

    def phase(self, task: Task) -> Phase:
        """How a task stands now."""
        return task.phase(self.conditions.clock())

    def _accept(self, order: Order, body: JSON, base: str) -> Task:
        now = self.conditions.clock()
        starts = now + self.conditions.queued
        ends = starts + self.conditions.running
        task = Task(
            id=self.tasks.new_id(int(now * 1000), self.spell_id),
            model=order.model,
            body=body,
            clip=order.clip,
            base=base,
            created=now,
            starts=starts,
            ends=ends,
            external_id=order.external_id,
            callback_url=order.callback_url,
            failure=order.failure or (self.failure if FAIL_WORD in order.clip.prompt else None),
            links=[ends + LINK_LIFE],
        )
        self.tasks.save(task)
        return task

    def _phase(self, task: Task) -> Phase:
        now = self.conditions.clock()
        if task.phase(now) == "succeeded" and self.conditions.take_fault("end", "failed_task"):
            task.failure = self.failure
            self.tasks.save(task)
        return task.phase(now)

    def _turned_away(self, fault: Fault) -> Response:
        if fault.name == "reset_before_accept":
            raise Reset
        status = fault.status if fault.name == "error_before_accept" else None
        return self.refuse(TURNED_AWAY[fault.name], status=status, wait=fault.retry_after)

    async def _garbled(self, fault: Fault, task: Task, answer: Response) -> Response:
        match fault.name:
            case "error_after_accept":
                return self.refuse("error", status=fault.status, wait=fault.retry_after)
            case "reset_after_accept":
                raise Reset
            case "cut_body_with_id":
                quoted = json.dumps(task.id).encode()
                return CutOff(answer, bytes(answer.body).index(quoted) + len(quoted))
            case "cut_body_without_id":
                return CutOff(answer, bytes(answer.body).index(task.id.encode()))
            case "html_page":
                return web_page()
            case _:  # slow
                await self.conditions.sleep(600.0 if fault.seconds is None else fault.seconds)
                return answer

    def _unanswered(self, fault: Fault) -> Response | None:
        """The answer to a status request that has nothing of the task in it, if it has not."""
        match fault.name:
            case "poll_429":
                return self.refuse("rate_limit", wait=fault.retry_after)
            case "poll_503":
                return self.refuse("error", status=503, wait=fault.retry_after)
            case "poll_reset":
                raise Reset
            case "poll_html":
                return web_page()
            case "poll_error_in_200":
                return self.refuse("error_in_200", wait=fault.retry_after)
            case "poll_no_such_task":
                return self.refuse("no_such_task")
        return None

    async def _nowhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.refuse("no_such_path")(scope, receive, send)
