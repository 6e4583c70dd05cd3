"""What all emulators share: the life of a task, and the faults in it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Router
from starlette.types import Receive, Scope, Send

from .conditions import Conditions
from .deliveries import LINK_LIFE, Deliveries
from .faults import Fault, Reset
from .requests import (
    SeenRequest,
    account_of,
    base_of,
    json_of,
    key_of,
    read_body,
    record,
    replay,
)
from .responses import (
    AsciiJSONResponse,
    TruncatedResponse,
    end_of_id,
    retry_after,
    web_page,
    without,
    wrong_types,
)
from .schema import JSON, fields_of
from .submission import FAIL_WORD, REFUSED_SUBMITS, RefusalReason, Submission
from .tasks import EmulatedTask, FolderTasks, TaskPhase, Tasks
from .video import Clip
from .window import Window

Handler = Callable[[Request], Awaitable[Response]]


class Emulator(ABC):
    """
    A provider's HTTP API, for all of its hosts, as an ASGI application.

    A subclass adds the routes, the rules for a body, and the wording of each response.
    """

    #: The provider's name.
    provider: ClassVar[str]
    #: What precedes the key in the Authorization header.
    key_scheme: ClassVar[str] = "Bearer"
    #: How many tasks an account may create in how many seconds; None: any number.
    rate: ClassVar[tuple[int, float] | None] = None
    #: Whether a status request replaces an expired link by a new one. Where the documents do not
    #: promise it: False.
    polling_renews: ClassVar[bool] = True
    #: The reason that a failed task gives.
    failure: ClassVar[str]
    #: The URL of the documents that it is written from, for cassettes that it plays.
    documents: ClassVar[str | None] = None
    #: The JSON names of what a video cost, which the fault `late_cost` leaves out.
    cost_names: ClassVar[tuple[str, ...]] = ()
    #: The HTTP status of an accepted submit.
    accepted_status: ClassVar[int] = 200

    #: Clock, speed, faults, and the valid keys.
    conditions: Conditions
    #: The requests that arrived, without their keys.
    requests: list[SeenRequest]
    #: The accepted tasks: `find(id)`, `find_external(our id)`, `save(task)`.
    tasks: Tasks
    #: Their videos: `link(task, base)` is a URL, `renew(task, base, seconds)` another one.
    deliveries: Deliveries

    def __init__(self, conditions: Conditions | None = None) -> None:
        self.conditions = Conditions() if conditions is None else conditions
        self.requests = []
        folder = self.conditions.folder
        self.tasks = FolderTasks(folder / self.provider) if folder else Tasks()
        self.deliveries = Deliveries(
            self.conditions, self.tasks, polling_renews=self.polling_renews
        )
        self._window = Window(*self.rate) if self.rate else None
        self._router = Router(
            [*self.routes(), *self.deliveries.routes()],
            default=self._not_found,
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # A server offers a lifespan first.
            return
        body = await read_body(receive)
        self.requests.append(record(scope, body))
        await self._router(scope, replay(body), send)

    # What tests look at.

    @property
    def accepted(self) -> list[EmulatedTask]:
        """The tasks that the provider would charge for."""
        return list(self.tasks)

    @property
    def callbacks(self) -> list[tuple[str, JSON]]:
        """The webhook calls that the provider would have made by now: URL and body."""
        return [
            (task.callback_url, body)
            for task in self.tasks
            if task.callback_url
            for body in self.calls(task)
        ]

    def settle(self, task_id: str) -> None:
        """Finish a task now; raises KeyError if there is no such task."""
        task = self.tasks.find(task_id)
        if task is None:
            raise KeyError(task_id)
        task.starts = task.ends = min(task.ends, self.conditions.clock())
        task.links[0] = task.ends + LINK_LIFE
        self.tasks.save(task)

    # What a subclass adds.

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The routes of the API, without those of the results."""

    @abstractmethod
    def no(self, reason: RefusalReason) -> tuple[int, JSON]:
        """The HTTP status and the body of a refusal."""

    @abstractmethod
    def spell_id(self, milliseconds: int) -> str:
        """A task's id in the provider's format, made from the time."""

    @abstractmethod
    def receipt(self, task: EmulatedTask) -> JSON:
        """The body of the response to an accepted submit."""

    def calls(self, task: EmulatedTask) -> Iterable[JSON]:
        """The bodies of the webhook calls for a task until now."""
        return []

    def sign_call(self, body: bytes, secret: str, now: float) -> Mapping[str, str]:
        """The headers that sign a webhook call sent at `now`, in seconds since the epoch."""
        return {}

    # What a subclass can use.

    def refuse(
        self, reason: RefusalReason, *, status: int | None = None, wait: float | None = None
    ) -> Response:
        """The response that refuses a request, with `wait` seconds as Retry-After."""
        usual, body = self.no(reason)
        return AsciiJSONResponse(body, status or usual, retry_after(wait))

    def key_of(self, request: Request) -> str:
        """The key that a request carries; empty if there is none."""
        return key_of(request, self.key_scheme)

    def keyed(self, handler: Handler) -> Handler:
        """The handler, but requests without a valid key are refused."""

        async def guarded(request: Request) -> Response:
            if not self.conditions.knows(self.key_of(request)):
                return self.refuse("key")
            return await handler(request)

        return guarded

    async def submit(
        self, request: Request, understand: Callable[[object], Submission | Response]
    ) -> Response:
        """Create the task that `understand(body)` describes, or return the refusal it returns."""
        fault = self.conditions.next_fault("submit")
        if fault and (fault.name in REFUSED_SUBMITS or fault.name == "reset_before_accept"):
            self.conditions.spend(fault)
            return self._refuse_submit(fault)
        if "broke" in self.key_of(request):
            return self.refuse("credit")
        body = await json_of(request)
        submission = understand(body)
        if isinstance(submission, Response):
            return submission
        account = account_of(self.key_of(request))
        if self._window and not self._window.admits(account, self.conditions.clock()):
            return self.refuse("rate_limit")
        task = self._accept(submission, fields_of(body), base_of(request))
        response = AsciiJSONResponse(self.receipt(task), self.accepted_status)
        if fault is None:
            return response
        self.conditions.spend(fault)
        return await self._distort(fault, task, response)

    def upload_fault(self) -> Response | None:
        """The response to an upload if it is to fail, else None; may raise Reset."""
        fault = self.conditions.take_fault("upload")
        if fault is None:
            return None
        if fault.name == "upload_reset":
            raise Reset
        return self.refuse("error", wait=fault.retry_after)

    async def poll(
        self,
        task: EmulatedTask | None,
        describe: Callable[[EmulatedTask, TaskPhase], JSON | Response],
    ) -> Response:
        """
        The response to a status request.

        `describe` returns the JSON of a task in a phase, or a `Response` if it is not HTTP 200.
        """
        fault = self.conditions.take_fault("poll")
        if fault and (response := self._poll_fault(fault)):
            return response
        if task is None:
            return self.refuse("no_such_task")
        unknown = fault is not None and fault.name == "poll_unknown_state"
        phase = "unknown" if unknown else self._final_phase(task)
        late = phase == "succeeded" and self.conditions.take_fault("end", "late_cost")
        body = describe(task, phase)
        if isinstance(body, Response):
            return body
        said = without(body, self.cost_names) if late else body
        return AsciiJSONResponse(wrong_types(said) if fault and not unknown else said)

    def cancel(self, task: EmulatedTask) -> None:
        """Cancel a task, which ends it now."""
        task.cancelled, task.ends = True, min(task.ends, self.conditions.clock())
        self.tasks.save(task)

    def phase(self, task: EmulatedTask) -> TaskPhase:
        """The phase that a task is in now."""
        return task.phase(self.conditions.clock())

    def _accept(self, submission: Submission, body: JSON, base: str) -> EmulatedTask:
        now = self.conditions.clock()
        starts = now + self.conditions.queued
        ends = starts + self.conditions.running
        task = EmulatedTask(
            id=self.tasks.new_id(int(now * 1000), self.spell_id),
            model=submission.model,
            body=body,
            clip=submission.clip,
            base=base,
            created=now,
            starts=starts,
            ends=ends,
            external_id=submission.external_id,
            callback_url=submission.callback_url,
            failure=submission.failure or self._requested_failure(submission.clip),
            links=[ends + LINK_LIFE],
            images=submission.images,
        )
        self.tasks.save(task)
        return task

    def _requested_failure(self, clip: Clip) -> str | None:
        return self.failure if FAIL_WORD in clip.prompt else None

    def _final_phase(self, task: EmulatedTask) -> TaskPhase:
        """The phase of a task now; success may turn into the failure that a fault asks for."""
        if self.phase(task) == "succeeded" and self.conditions.take_fault("end", "failed_task"):
            task.failure = self.failure
            self.tasks.save(task)
        return self.phase(task)

    def _refuse_submit(self, fault: Fault) -> Response:
        if fault.name == "reset_before_accept":
            raise Reset
        status = fault.status if fault.name == "error_before_accept" else None
        return self.refuse(REFUSED_SUBMITS[fault.name], status=status, wait=fault.retry_after)

    async def _distort(self, fault: Fault, task: EmulatedTask, response: Response) -> Response:
        """What a fault makes of the response to an accepted submit."""
        match fault.name:
            case "error_after_accept":
                return self.refuse("error", status=fault.status, wait=fault.retry_after)
            case "reset_after_accept":
                raise Reset
            case "cut_body_with_id":
                text = bytes(response.body).decode()
                return TruncatedResponse(response, end_of_id(text, task.id))
            case "cut_body_without_id":
                return TruncatedResponse(response, bytes(response.body).index(task.id.encode()))
            case "html_page":
                return web_page()
            case _:  # "slow"
                await self.conditions.sleep(600.0 if fault.seconds is None else fault.seconds)
                return response

    def _poll_fault(self, fault: Fault) -> Response | None:
        """The response to a status request, if the fault makes it say nothing of the task."""
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

    async def _not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.refuse("no_such_path")(scope, receive, send)
