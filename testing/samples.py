"""What a provider's flows are told: sample answers, from an emulator or by hand, and spoilt."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from attrs import define, field

from ..core.errors import Kling26Error, Unavailable
from ..core.http.client import ProviderClient, make_client
from ..core.keys import Key
from ..core.provider import Flow, Provider
from ..core.request import ImageFile, VideoRequest
from ..core.status import Status, Ticket
from .conversation import hear, response
from .stage import EPOCH, Emulation, emulate, of_sandbox, serve

T = TypeVar("T")

#: The states that a task is asked for in; each is a sample of its own.
STATES = ("queued", "running", "succeeded", "failed")
#: Our own id of the sample's task.
TASK = "k26-0123456789abcdef"
PROMPT = "A heron lands on a pond"

_QUEUED, _RUNNING = 20.0, 40.0
#: More requests than this in one flow are taken for an endless loop.
_TURNS = 12


class Endless(Exception):
    """A flow that goes on asking."""


@define
class Cancel:
    """An attempt to cancel: what the flow and the emulator say, and then `poll`."""

    phase: str
    told: object
    cancelled: bool
    after: object = None


@define
class Samples:
    """Answers by the name of a flow, or of a state for `poll`; what went wrong; and the ticket."""

    ticket: Ticket
    answers: dict[str, list[httpx.Response]] = field(factory=dict)
    values: dict[str, Any] = field(factory=dict)
    trouble: dict[str, Kling26Error] = field(factory=dict)
    #: How many tasks the emulator took during each flow.
    taken: dict[str, int] = field(factory=dict)
    #: What the emulator would send to a webhook.
    calls: list[object] = field(factory=list)
    #: What became of each attempt to cancel, while queued and while running.
    cancels: list["Cancel"] = field(factory=list)
    #: The headers that sign a call, by its body, a secret, and a time.
    sign: Callable[[bytes, str, float], Mapping[str, str]] = lambda *_: {}


def written(replies: Mapping[str, Sequence[object]], provider: Provider) -> Samples:
    """The samples of an author: for each flow or state, the answers to its requests in turn."""
    samples = Samples(Ticket("task-1"))
    for name, replied in replies.items():
        samples.answers[name] = [response(each) for each in replied]
    for name in sorted(samples.answers, key=lambda name: name != "submit"):  # The ticket first.
        flow = start(provider, name, samples.ticket)
        try:
            samples.values[name] = play(flow, samples.answers[name])
        except Kling26Error as error:
            samples.trouble[name] = error
        if name == "submit" and isinstance(samples.values.get(name), Ticket):
            samples.ticket = samples.values[name]
    return samples


def start(provider: Provider, name: str, ticket: Ticket, image: ImageFile | None = None) -> Any:
    """A flow by its name, or `poll` by the name of a state."""
    request = VideoRequest(PROMPT, task=TASK)
    match name:
        case "submit":
            return provider.submit(request, provider.Options())
        case "upload":
            return provider.upload(image or ImageFile(b"\x89PNG"))
        case "cancel":
            return provider.cancel(ticket)
        case "find":
            return provider.find(request)
        case "renew":
            return provider.renew(ticket, "https://results.example/heron.mp4")
        case "balance":
            return provider.balance()
    return provider.poll(ticket)


def play(
    flow: Flow[T], answers: Sequence[httpx.Response], requests: list[httpx.Request] | None = None
) -> T:
    """What a flow returns when its requests are answered in turn, and then like the last one."""
    reply: httpx.Response | None = None
    for turn in range(_TURNS):
        try:
            request = hear(flow, reply)
        except StopIteration as stop:
            value: T = stop.value
            return value
        if requests is not None:
            requests.append(request)
        reply = _again(answers[min(turn, len(answers) - 1)], request)
    raise Endless


def _again(answer: httpx.Response, request: httpx.Request) -> httpx.Response:
    return httpx.Response(
        answer.status_code, headers=answer.headers, content=answer.content, request=request
    )


# -- from an emulator --------------------------------------------------------------------------


async def record(
    provider: Provider, sandbox: Emulation, image: ImageFile | None, served: bool = False
) -> Samples:
    """
    A task in each of its states, and every other flow, played to the emulator.

    That is where the provider would be, or `served` under a path beside others.
    """
    recorder = _Recorder(provider, sandbox, served)
    try:
        await recorder.life()
        await recorder.others(image)
    finally:
        await recorder.courier.client.aclose()
    return recorder.samples


class _Recorder:
    def __init__(self, provider: Provider, sandbox: Emulation, served: bool) -> None:
        self.now = EPOCH
        self.conditions = of_sandbox("Conditions")(
            clock=lambda: self.now, queued=_QUEUED, running=_RUNNING
        )
        if served:
            self.provider, self.emulator, self.conditions, transport = serve(
                provider, sandbox, self.conditions
            )
        else:
            self.emulator, connect = emulate(provider, sandbox, self.conditions)
            self.provider, transport = provider, connect()
        client, key = make_client(transport, keep_alive=False), Key("sandbox-key", "sandbox")
        self.courier = ProviderClient(self.provider, "sandbox", key, client, client)
        self.samples = Samples(Ticket("task-1"))
        if hasattr(self.emulator, "sign_call"):
            self.samples.sign = self.emulator.sign_call

    async def life(self) -> None:
        """A task from its submit to its end."""
        ticket = await self.ask("submit", self._submit(VideoRequest(PROMPT, task=TASK)))
        if not isinstance(ticket, Ticket):
            return
        self.samples.ticket = ticket
        self.fault("poll_unknown_state")
        await self.ask("unknown", self.provider.poll(ticket))
        await self.ask("queued", self.provider.poll(ticket))
        if self.provider.can("find"):
            await self.ask("find", start(self.provider, "find", ticket))
        self.now += _QUEUED + 1
        await self.ask("running", self.provider.poll(ticket))
        self.now += _RUNNING + 1
        done = await self.ask("succeeded", self.provider.poll(ticket))
        self.samples.calls += [body for _, body in getattr(self.emulator, "callbacks", ())]
        if self.provider.can("renew") and isinstance(done, Status) and done.url:
            await self.ask("renew", self.provider.renew(ticket, done.url))

    async def others(self, image: ImageFile | None) -> None:
        """A task that fails, one that is cancelled, and what needs no task."""
        if "submit" in self.samples.trouble:
            return
        ticket = await self.courier.ask(self._submit(VideoRequest(f"{PROMPT} again")))
        self.now += _QUEUED + _RUNNING + 1
        self.fault("failed_task")
        await self.ask("failed", self.provider.poll(ticket))
        if self.provider.can("cancel"):
            await self.cancel("running", _QUEUED + 1)
            await self.cancel("queued", 0.0)
        if self.provider.can("balance"):
            await self.ask("balance", self.provider.balance())
        if self.provider.can("upload") and image is not None:
            await self.ask("upload", self.provider.upload(image))

    async def cancel(self, phase: str, wait: float) -> None:
        ticket = await self.courier.ask(self._submit(VideoRequest(f"{PROMPT}, {phase}")))
        self.now += wait
        self.samples.values.pop("cancel", None)
        told = await self.ask("cancel", self.provider.cancel(ticket))
        task = self.emulator.accepted[-1]
        attempt = Cancel(phase, told, task.phase(self.now) == "cancelled")
        try:
            attempt.after = await self.courier.ask(self.provider.poll(ticket))
        except Kling26Error as error:
            attempt.after = error
        self.samples.cancels.append(attempt)

    def fault(self, name: str) -> None:
        self.conditions.faults.append(of_sandbox("Fault")(name))

    def _submit(self, request: VideoRequest) -> Flow[Ticket]:
        if self.provider.takes_callback_url:
            url = "https://me.example/hook"
            request = VideoRequest(request.prompt, callback_url=url, task=request.task)
        return self.provider.submit(request, self.provider.Options())

    async def ask(self, name: str, flow: Any) -> Any:
        """Play a flow to the emulator, and keep what it was answered."""
        heard: list[httpx.Response] = []
        before = len(self.emulator.accepted)
        try:
            self.samples.values[name] = await self.courier.ask(_overheard(flow, heard))
        except Kling26Error as error:
            self.samples.trouble[name] = error
        finally:
            self.conditions.faults.clear()
            self.samples.taken[name] = len(self.emulator.accepted) - before
        if heard:
            self.samples.answers[name] = heard
        return self.samples.values.get(name)


def _overheard(flow: Flow[T], heard: list[httpx.Response]) -> Flow[T]:
    """The same flow; its answers are kept."""
    answer: httpx.Response | Unavailable | None = None
    while True:
        try:
            request = hear(flow, answer)
        except StopIteration as stop:
            value: T = stop.value
            return value
        try:
            answer = yield request
            heard.append(answer)
        except Unavailable as trouble:
            answer = trouble
            heard += [trouble.reply] if trouble.reply else []


# -- spoilt ------------------------------------------------------------------------------------

#: What may stand in the place of any value.
VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 5.5, 10**400, "", "unheard-of", "x" * 5000, "{", "half \ud83d a pair",
    [], [None], {}, {"message": None},
)  # fmt: skip
#: What is no answer of any API.
ODD_BODIES: dict[str, bytes] = {
    "a web page": b"<!DOCTYPE html><html><title>Just a moment</title><h1>Checking</h1></html>",
    "an empty body": b"",
    "null": b"null",
    "an empty array": b"[]",
    "a JSON text": b'"ok"',
    "a number": b"7",
    "bytes that are no text": b"\xff\xfe\x00\xd8",
    "half an object": b'{"data": {"id": "task',
    "a nesting without end": b'{"data":' * 50_000,
}


def spoilt(answer: httpx.Response) -> Iterator[tuple[str, httpx.Response]]:
    """The answer without each of its values, and with each of them wrong; and what was done."""
    value = parsed(answer)
    if value is None:
        return
    for place in places(value):
        path = ".".join(map(str, place))
        yield f"{path} is missing", _with(answer, _without(value, place))
        for wrong in VALUES:
            shown = json.dumps(wrong)
            shown = shown if len(shown) < 40 else f"{shown[:20]}… ({len(shown)} characters)"
            yield f"{path} is {shown}", _with(answer, put(value, place, wrong))


def parsed(answer: httpx.Response) -> Any:
    """The JSON object or array of an answer; None of any other."""
    try:
        value = json.loads(answer.content)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def places(value: object, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the values of a JSON value are: the ways of keys and indices to them."""
    inner: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = [way for key, part in inner for way in places(part, (*place, key))]
    return [place, *found] if place else found


def at(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


def put(value: object, place: tuple[Any, ...], wrong: object) -> object:
    """The JSON with another value in a place."""
    changed: Any = copy.deepcopy(value)
    at(changed, place[:-1])[place[-1]] = wrong
    return changed


def _without(value: object, place: tuple[Any, ...]) -> object:
    changed: Any = copy.deepcopy(value)
    del at(changed, place[:-1])[place[-1]]
    return changed


def _with(answer: httpx.Response, value: object) -> httpx.Response:
    content = json.dumps(value).encode()
    return httpx.Response(answer.status_code, headers=_JSON, content=content)


_JSON = {"content-type": "application/json"}
