"""Samples: what a service replies to each flow of a provider, and what the flow makes of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import httpx
from attrs import define, field

from ..core.errors import Kling26Error
from ..core.images import ImageFile
from ..core.provider import Flow, Provider
from ..core.request import VideoRequest
from ..core.status import Ticket
from .conversation import as_response, next_request
from .usual import usual_request

T = TypeVar("T")

#: The states in which a task is polled; each is a sample of its own.
STATES = ("queued", "running", "succeeded", "failed")
#: Our own id of the sample's task.
TASK = "k26-0123456789abcdef"

#: More requests than this in one flow are taken for an endless loop.
MOST_REQUESTS = 12


class Endless(Kling26Error):
    """A flow that keeps sending requests."""

    def __init__(self) -> None:
        super().__init__(
            f"it sends more than {MOST_REQUESTS} requests; the runner does the asking."
        )


@define
class CancelAttempt:
    """What `cancel` returned for a queued or a running task, and whether that was true."""

    state: str
    returned: object
    cancelled: bool
    #: What `poll` returned or raised next.
    polled: object = None


@define
class Samples:
    """
    What the service replied and the flows made of it, by name.

    A name is that of a flow or, for `poll`, the state of the task; "unknown" is a state that no
    document lists.
    """

    ticket: Ticket
    replies: dict[str, list[httpx.Response]] = field(factory=dict)
    values: dict[str, object] = field(factory=dict)
    errors: dict[str, Kling26Error] = field(factory=dict)
    #: The tickets of samples about another task than that of `ticket`.
    tickets: dict[str, Ticket] = field(factory=dict)
    #: How many tasks the emulator accepted during each flow.
    accepted: dict[str, int] = field(factory=dict)
    #: The bodies that the emulator would send to a webhook.
    callbacks: list[object] = field(factory=list)
    cancels: list[CancelAttempt] = field(factory=list)
    #: The headers that sign a callback, from its body, a secret, and the time.
    sign_call: Callable[[bytes, str, float], Mapping[str, str]] = lambda *_: {}

    def ticket_of(self, name: str) -> Ticket:
        """The ticket of the task that a sample is about."""
        return self.tickets.get(name, self.ticket)


def from_replies(replies: Mapping[str, Sequence[object]], provider: Provider) -> Samples:
    """The samples that an author wrote: for each name, the replies to the flow's requests."""
    samples = Samples(Ticket("task-1"))
    for name, replied in replies.items():
        samples.replies[name] = [as_response(each) for each in replied]
    for name in sorted(samples.replies, key=lambda name: name != "submit"):  # The ticket first.
        flow = start(provider, name, samples.ticket)
        try:
            value = samples.values[name] = play(flow, samples.replies[name])
        except Kling26Error as error:
            samples.errors[name] = error
        else:
            if name == "submit" and isinstance(value, Ticket):
                samples.ticket = value
    return samples


def start(
    provider: Provider,
    name: str,
    ticket: Ticket,
    image: ImageFile | None = None,
    request: VideoRequest | None = None,
) -> Flow[object]:
    """A flow by its name, or `poll` by the name of a state."""
    request = request or usual_request(provider, task=TASK)
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
        case "quote":
            return provider.quote(request, provider.Options())
        case "balance":
            return provider.balance()
    return provider.poll(ticket)


def play(
    flow: Flow[T], replies: Sequence[httpx.Response], requests: list[httpx.Request] | None = None
) -> T:
    """
    What a flow returns when its requests get these replies in turn, the last one over and over.

    Its requests are added to `requests`. Raises what the flow raises, or `Endless`.
    """
    reply: httpx.Response | None = None
    for turn in range(MOST_REQUESTS):
        try:
            request = next_request(flow, reply)
        except StopIteration as stop:
            value: T = stop.value
            return value
        if requests is not None:
            requests.append(request)
        reply = _copy(replies[min(turn, len(replies) - 1)], request)
    raise Endless


def _copy(reply: httpx.Response, request: httpx.Request) -> httpx.Response:
    return httpx.Response(
        reply.status_code, headers=reply.headers, content=reply.content, request=request
    )
