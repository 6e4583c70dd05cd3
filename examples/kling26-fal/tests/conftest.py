"""Flows played by hand; runs and cassettes are played by what kling26 has for that."""

import json
from importlib.metadata import distributions
from typing import Any, TypeVar

import httpx
import pytest
from kling26.core import Flow

pytest_plugins = ["kling26.core.testing.plugin"]

T = TypeVar("T")


class Conversation:
    """A flow that is answered by hand, with JSON or with whole responses; keeps what it asks."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, flow: Flow[T], *replies: Any, status: int = 200) -> T:
        waiting = [
            each if isinstance(each, httpx.Response) else httpx.Response(status, json=each)
            for each in replies
        ]
        reply: Any = None
        try:
            while True:
                self.requests.append(flow.send(reply))
                reply = waiting.pop(0)
        except StopIteration as stop:
            assert not waiting, "The flow ended before it had heard everything."
            value: T = stop.value
            return value

    @property
    def lines(self) -> list[str]:
        return [f"{each.method} {each.url}" for each in self.requests]

    @property
    def sent(self) -> str:
        """The only body, as sorted JSON text: true is not 1 there, and "5" is not 5."""
        (request,) = self.requests
        return json.dumps(json.loads(request.content), sort_keys=True)


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


@pytest.fixture
def installed() -> None:
    """For tests that find the plug-in by its name."""
    if not list(distributions(name="kling26-fal")):
        pytest.skip('It has to be installed: pip install -e ".[test]"')
