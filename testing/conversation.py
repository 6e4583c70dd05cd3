"""
Flows, played by hand: what the fixture `talk` gives a test.

::

    # conftest.py
    pytest_plugins = ["kling26.testing.plugin"]

    # test_wire.py
    from kling26.testing import Conversation

    def test_a_queued_task(talk: Conversation) -> None:
        status = talk(Acme().poll(Ticket("v1")), {"id": "v1", "state": "queued"})

        assert status.state == "queued"
        assert talk.line == "GET https://api.acme.example/v1/videos/v1"
"""

import json
from typing import TypeVar

import httpx

from ..core.errors import Unavailable
from ..core.provider import Flow

T = TypeVar("T")


class Conversation:
    """
    Plays flows, and keeps the requests they make.

    ``talk(flow, first, second)`` replies to the requests of a flow in turn and returns the flow's
    value. A reply is JSON or raw bytes, sent with the HTTP `status`, or a whole `httpx.Response`,
    or an exception, which is raised inside the flow. A reply of HTTP 500 or above is raised there
    as `Unavailable`, as the runner does.
    """

    def __init__(self) -> None:
        #: The requests of all flows played so far.
        self.requests: list[httpx.Request] = []

    def __call__(self, flow: Flow[T], *replies: object, status: int = 200) -> T:
        waiting = [
            each if isinstance(each, Exception) else as_response(each, status) for each in replies
        ]
        try:
            self.requests.append(next_request(flow, None))
            while True:
                assert waiting, f"The flow makes one request too many: {self.lines[-1]}"
                self.requests.append(next_request(flow, waiting.pop(0)))
        except StopIteration as stop:
            assert not waiting, f"The flow ended before reading {len(waiting)} of the replies."
            value: T = stop.value
            return value

    @property
    def lines(self) -> list[str]:
        """Method and URL of each request: "GET https://api.acme.example/v1/videos/v1"."""
        return [f"{each.method} {each.url}" for each in self.requests]

    @property
    def request(self) -> httpx.Request:
        """The request, where there was exactly one; raises `ValueError` otherwise."""
        (request,) = self.requests
        return request

    @property
    def line(self) -> str:
        """Method and URL of the only request."""
        (line,) = self.lines
        return line

    @property
    def sent(self) -> str:
        """The only request's body as sorted JSON text: true is not 1, and 5 is not 5.0 or "5"."""
        kind = self.request.headers["content-type"]
        assert kind == "application/json", f"The body was sent as {kind}, not as JSON."
        return json.dumps(json.loads(self.request.content), sort_keys=True)


def next_request(flow: Flow[object], reply: httpx.Response | Exception | None) -> httpx.Request:
    """
    A flow's next request, after a reply to the last one; None starts it.

    HTTP 5xx is raised inside the flow, as the runner does. Raises `StopIteration` with the flow's
    value when it has ended.
    """
    if isinstance(reply, httpx.Response) and reply.is_server_error:
        reply = Unavailable(f"HTTP {reply.status_code}", reply=reply)
    failed = isinstance(reply, Exception)
    request = flow.throw(reply) if failed else flow.send(reply)  # type: ignore[arg-type]
    request.read()  # The body of a multipart form does not exist before.
    return request


def as_response(reply: object, status: int = 200) -> httpx.Response:
    """The response that a test wrote as JSON, as raw bytes, or as a whole `httpx.Response`."""
    if isinstance(reply, httpx.Response):
        return reply
    if isinstance(reply, bytes):
        return httpx.Response(status, content=reply)
    return httpx.Response(status, json=reply)
