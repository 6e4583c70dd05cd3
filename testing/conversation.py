"""
Flows, played by hand: the fixture `talk`. A plug-in of pytest.

::

    # conftest.py
    pytest_plugins = ["kling26.testing.plugin"]

    # test_wire.py
    from kling26.testing.conversation import Conversation

    def test_a_queued_task(talk: Conversation) -> None:
        status = talk(Acme().poll(Ticket("v1")), {"id": "v1", "state": "queued"})

        assert status == Status("queued")
        assert talk.line == "GET https://api.acme.example/v1/videos/v1"
"""

import json
from typing import Any, TypeVar

import httpx
import pytest

from ..core.errors import Unavailable
from ..core.provider import Flow

T = TypeVar("T")


class Conversation:
    """
    Plays flows, and keeps what they ask.

    ``talk(flow, first, second)`` answers the requests of a flow in turn and returns its value. An
    answer is JSON or raw bytes, under the HTTP `status` that goes for all of them, a whole
    `httpx.Response`, or an error, which is raised inside the flow. An answer from HTTP 500 on is
    raised there as `Unavailable`, as the runner does.
    """

    def __init__(self) -> None:
        #: The requests of all flows that were played.
        self.requests: list[httpx.Request] = []

    def __call__(self, flow: Flow[T], *answers: object, status: int = 200) -> T:
        waiting = [
            each if isinstance(each, Exception) else response(each, status) for each in answers
        ]
        try:
            self.requests.append(hear(flow, None))
            while True:
                assert waiting, f"The flow asks once more: {self.lines[-1]}"
                self.requests.append(hear(flow, waiting.pop(0)))
        except StopIteration as stop:
            assert not waiting, "The flow ended before it had heard everything."
            value: T = stop.value
            return value

    @property
    def lines(self) -> list[str]:
        """The methods and addresses of the requests: "GET https://api.acme.example/v1/videos/v1"."""
        return [f"{each.method} {each.url}" for each in self.requests]

    @property
    def request(self) -> httpx.Request:
        """The only request that was made."""
        (request,) = self.requests
        return request

    @property
    def line(self) -> str:
        """Its method and address."""
        (line,) = self.lines
        return line

    @property
    def sent(self) -> str:
        """Its body as sorted JSON text, where true is not 1, and 5 is neither 5.0 nor "5"."""
        assert self.request.headers["content-type"] == "application/json"
        return json.dumps(json.loads(self.request.content), sort_keys=True)


def hear(flow: Flow[Any], answer: httpx.Response | Exception | None) -> httpx.Request:
    """A flow's next request, after an answer; HTTP 5xx is raised in it, as by the runner."""
    if isinstance(answer, httpx.Response) and answer.is_server_error:
        answer = Unavailable(f"HTTP {answer.status_code}", reply=answer)
    broke = isinstance(answer, Exception)
    request = flow.throw(answer) if broke else flow.send(answer)  # type: ignore[arg-type]
    request.read()  # The body of a multipart form is not there before.
    return request


def response(answer: object, status: int = 200) -> httpx.Response:
    """What a test calls an answer: JSON, raw bytes, or a whole response."""
    if isinstance(answer, httpx.Response):
        return answer
    if isinstance(answer, bytes):
        return httpx.Response(status, content=answer)
    return httpx.Response(status, json=answer)


@pytest.fixture
def talk() -> Conversation:
    """Plays a flow by hand: ``talk(provider.poll(ticket), {"state": "queued"})``."""
    return Conversation()
