"""What an emulator by declaration can say of its service: tables, and methods to override."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from starlette.responses import Response

from .conditions import Conditions
from .emulator import Emulator
from .endpoints import Endpoint
from .fields import Fields
from .refusals import Refusal, look_up, problem_details
from .schema import JSON, Problem, nested
from .store import FileStore, StoredFile, Upload
from .submission import Submission
from .tasks import EmulatedTask, TaskPhase

#: An answer: JSON under HTTP 200, the HTTP status and the JSON, or the whole response.
Answer = JSON | tuple[int, JSON] | Response

#: The phases of a task that costs nothing.
FREE: tuple[TaskPhase, ...] = ("failed", "cancelled")


class Declaration(Emulator):
    """The tables, and the methods with the service's own wording."""

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
    #: Whether the bodies of refusals are problem JSON (RFC 9457), instead of what `refusal` makes.
    problem_json: ClassVar[bool] = False
    #: How ids are made: "uuid", or a text with "{}" for the milliseconds: "task_{}".
    ids: ClassVar[str] = "uuid"
    #: The phases in which the service cancels a task, whether it then charges for it or not: what
    #: is asked of it, and when, is up to the provider. And those that the webhook is told of.
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
        """
        The answer to an upload: the URL of the file, under the names that `uploads` declares.

        `names` are the `urls` of the upload, with dots as they are: "urls.get".
        """
        return self.wrap(nested(names, file.url))

    def cost(self, task: EmulatedTask) -> float:
        """What a task costs, in the service's unit."""
        return 0.0

    def balance(self, left: float) -> JSON:
        """The answer about the balance."""
        return self.wrap({"balance": left})

    def flat(self, body: JSON) -> JSON:
        """The body in which `fields` are looked for, if that has to be put in order first."""
        return body

    def check(self, asked: Submission, body: JSON) -> Problem | str | None:
        """What is wrong beyond the schema, in words or with its place; `body` is that of `flat`."""
        return None

    def find(self, task_id: str) -> EmulatedTask | None:
        """The task with an id that was asked about."""
        return self.tasks.find(task_id)

    def invalid(self, wrong: Sequence[Problem]) -> Answer:
        """The refusal of a wrong body; that of FastAPI, if `refusals` has no "invalid"."""
        if "invalid" not in self.refusals and not self.problem_json:
            return 422, {"detail": [problem.detail for problem in wrong]}
        usual: Mapping[str, Refusal] = {"invalid": (422, "{problem}")}
        status, code, text = look_up({**usual, **self.refusals}, "invalid")
        first = f"{wrong[0].path}: {wrong[0].text}".removeprefix(": ")
        return self._refused(status, code, text.replace("{problem}", first))

    def _refused(self, status: int, code: int | str | None, text: str) -> tuple[int, JSON]:
        if self.problem_json:
            return status, problem_details(status, code, text)
        return status, self.refusal(code, text)

    # What a subclass can use.

    @property
    def request_id(self) -> str:
        """An id of the present request."""
        return f"sandbox-{len(self.requests)}"

    @property
    def left(self) -> float:
        """What the tasks have left of `credit`, to two places; those that fail cost nothing."""
        charged = (task for task in self.tasks if self.phase(task) not in FREE)
        return round(max(0.0, self.credit - sum(map(self.cost, charged))), 2)

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
