"""Services whose videos are not Kling's own 5 or 10 seconds in three shapes, as a plug-in."""

from collections.abc import Iterable
from typing import Any

import httpx
from attrs import frozen
from kling26.core import (
    Flow,
    KeyRejected,
    Limits,
    NoSuchTask,
    OutOfCredit,
    Provider,
    ProviderError,
    Refused,
    Sandbox,
    Status,
    Ticket,
    TryLater,
    VideoRequest,
    hookimpl,
)
from kling26.core.wire import find_video, identifier, text
from kling26.sandbox import JSON, DeclaredEmulator, EmulatedTask, TaskPhase, object_of

NO = {401: KeyRejected, 402: OutOfCredit, 429: TryLater}
STATES = {"queued": "queued", "running": "running", "succeeded": "succeeded", "failed": "failed"}


@frozen
class Reply:
    id: Any = None
    state: Any = None
    url: Any = None
    reason: Any = None


class Span(Provider):
    """Takes 3 to 15 seconds, in shapes of its own."""

    name, title, key_variable = "span", "Span Video", "SPAN_API_KEY"
    base_url = "https://api.span.example"
    limits = Limits(durations=range(3, 16), aspect_ratios=("16:9", "4:3", "21:9"), image_formats=())

    def body(self, request: VideoRequest) -> dict[str, object]:
        return {
            "prompt": request.prompt,
            "duration": request.duration,
            "sound": request.sound,
            **({"aspect_ratio": request.aspect_ratio} if request.image is None else {}),
            **({"image": request.image} if request.image else {}),
        }

    def submit(self, request: VideoRequest, options: object) -> Flow[Ticket]:
        reply = yield httpx.Request("POST", f"{self.base_url}/videos", json=self.body(request))
        task_id = identifier(self._answer(reply, Refused).id)
        if task_id is None:
            raise self.unexpected(reply, "reply.id is missing")
        return Ticket(task_id)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        reply = yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
        said = self._answer(reply, NoSuchTask)
        url = find_video(said.url)
        return Status(self.state(said.state, STATES, url), url=url, reason=text(said.reason))  # type: ignore[arg-type]

    def _answer(self, reply: httpx.Response, otherwise: type[ProviderError]) -> Reply:
        answer = self.read(reply, Reply)
        if reply.is_error:
            kind = otherwise if reply.status_code == 404 else NO.get(reply.status_code, Refused)
            raise self.error(kind, reply, answer.reason)
        return answer

    def price(self, request: VideoRequest, options: object) -> float | None:
        return round(0.05 * request.duration, 2)


class Steps(Span):
    """Takes 4, 8 or 12 seconds, and so not the 5 that is asked for by default."""

    name, title, key_variable = "steps", "Steps", "STEPS_API_KEY"
    base_url = "https://api.steps.example"
    limits = Limits(durations=(4, 8, 12), image_formats=())


class Loose(Span):
    """Chooses the shape itself."""

    name, title, key_variable = "loose", "Loose", "LOOSE_API_KEY"
    base_url = "https://api.loose.example"
    limits = Limits(aspect_ratios=(), image_formats=())

    def body(self, request: VideoRequest) -> dict[str, object]:
        return {
            name: each for name, each in super().body(request).items() if name != "aspect_ratio"
        }


def emulator(provider: Provider) -> type[DeclaredEmulator]:
    """The emulator of one of them, which takes what it takes and nothing else."""
    limits = provider.limits
    shape = {"aspect_ratio": {"enum": list(limits.aspect_ratios)}} if limits.aspect_ratios else {}
    needed = {
        "prompt": {"type": "string"},
        "duration": {"type": "integer", "enum": list(limits.durations)},
        "sound": {"type": "boolean"},
    }

    class Emulated(DeclaredEmulator):
        failure = "The prompt was refused."
        submits = {"POST /videos": object_of(needed, image={"type": "string"}, **shape)}
        polls = "GET /videos/{id}"
        states = STATES  # type: ignore[assignment]
        refusals = {
            "key": (401, "The key is not known."),
            "credit": (402, "There is no credit left."),
            "rate_limit": (429, "There are too many requests."),
            "error": (500, "Something broke."),
            "no_such_task": (404, "There is no such video."),
            "invalid": (422, "{problem}"),
        }

        def describe(self, task: EmulatedTask, phase: TaskPhase, url: str | None) -> JSON:
            reason = task.failure if phase == "failed" else None
            return {"id": task.id, "state": self.state(task, phase), "url": url, "reason": reason}

        def refusal(self, code: int | str | None, text: str) -> JSON:
            return {"reason": text}

    Emulated.provider = provider.name
    return Emulated


PROVIDERS = (Span(), Steps(), Loose())


@hookimpl
def kling26_providers() -> Iterable[Provider]:
    return PROVIDERS


@hookimpl
def kling26_sandboxes() -> Iterable[Sandbox]:
    return [Sandbox(each.name, build=emulator(each)) for each in PROVIDERS]
