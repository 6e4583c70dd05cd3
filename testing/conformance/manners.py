"""How a flow behaves towards the runner: a generator that asks once, pays once, and lets go."""

import json
from collections.abc import Generator, Iterator
from typing import Any

import httpx

from ...core.errors import Unavailable, UnexpectedReply
from ...core.status import Status
from ..samples import Endless, start
from ..spoiling import MALFORMED
from .base import FREE
from .judging import fail, flow_name, show
from .results import Results

#: The flows that a provider need not have.
OPTIONAL = ("upload", "cancel", "find", "renew", "quote", "balance")


class Manners(Results):
    """Flows and the runner."""

    def test_flows_are_generators_of_requests(self) -> None:
        """
        A flow yields whole requests, and ends when it is closed or interrupted.

        What to do: write flows as plain `def` with `yield`; yield `httpx.Request` with the whole
        URL; catch no more than `Unavailable`.
        """
        optional = [name for name in OPTIONAL if self.provider.can(name)]
        for name in ("submit", "poll", *optional):
            flow = self._begun(name)
            if not isinstance(flow, Generator):
                fail(f"{flow_name(name)} is not a generator: it returned {show(flow)}.")
            self._check_yielded(name, self._first_of(name, flow))
            self._check_close(name, flow)
            self._check_interruption(name)

    def test_no_flow_hides_a_broken_connection(self) -> None:
        """
        A connection that breaks is raised in a flow as `Unavailable`, and says nothing of the task.

        What to do: let it pass. Catch `Unavailable` only to read its `reply`, and raise it again if
        there is none.
        """
        for name in self._sampled():
            for index in range(len(self._replies(name))):
                outcome = self._broken(name, index)
                if name == "quote" and outcome is None:
                    continue
                running = isinstance(outcome, Status) and not outcome.ended
                if not running and not isinstance(outcome, Unavailable | UnexpectedReply):
                    fail(f"{flow_name(name)} turns a broken connection into {show(outcome)}.")

    def test_no_flow_repeats_what_it_asks(self) -> None:
        """
        Whatever is replied, a submit pays once, and no other flow sends what pays, or asks forever.

        What to do: send each request once; the runner waits, polls and repeats.
        """
        asked = self._requests("submit")[::-1]
        paid = next((each for each in asked if each.method not in FREE), None)
        if paid is None:
            return  # Another test fails on that.
        for name in self._sampled():
            if name != "submit" and any(_pays_like(each, paid) for each in self._requests(name)):
                continue  # A service with a single URL for everything.
            for what, reply in self._bad_replies(name):
                requests: list[httpx.Request] = []
                outcome = self._outcome(name, [reply], requests=requests)
                if isinstance(outcome, Endless):
                    fail(f"{flow_name(name)} keeps sending requests after {what}.")
                paying = [each for each in requests if _pays_like(each, paid)]
                if len(paying) > int(name == "submit"):
                    fail(
                        f"{flow_name(name)} sends {len(paying)} requests that may be charged for "
                        f"after {what}."
                    )

    def _begun(self, name: str) -> Any:
        return start(self.provider, name, self._samples().ticket_of(name), self._image())

    def _first_of(self, name: str, flow: Any) -> object:
        try:
            return next(flow)
        except (Exception, StopIteration) as error:  # noqa: BLE001 - whatever it is, it is judged.
            fail(f"{flow_name(name)} ends without a request: {show(error)}.")

    def _check_yielded(self, name: str, request: object) -> None:
        flow = flow_name(name)
        if not isinstance(request, httpx.Request):
            fail(f"{flow} yields {show(request)} instead of an httpx.Request.")
        if request.url.scheme not in ("http", "https") or not request.url.host:
            fail(f"{flow} yields a request to {str(request.url)!r}, which is not a whole URL.")
        both = (httpx.SyncByteStream, httpx.AsyncByteStream)
        if not all(isinstance(request.stream, kind) for kind in both):
            fail(f"{flow} yields a request whose body can be read only once; give it bytes.")

    def _check_close(self, name: str, flow: Any) -> None:
        try:
            flow.close()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is judged.
            fail(f"{flow_name(name)} goes on when it is closed: {show(error)}.")

    def _check_interruption(self, name: str) -> None:
        """`KeyboardInterrupt` stands for whatever is no error of the service."""
        flow = self._begun(name)
        next(flow)
        try:
            flow.throw(KeyboardInterrupt())
        except KeyboardInterrupt:
            return
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is judged.
            end = error.value if isinstance(error, StopIteration) else error
            fail(f"{flow_name(name)} turns an interruption into {show(end)}.")
        fail(f"{flow_name(name)} goes on after an interruption.")

    def _broken(self, name: str, index: int) -> object:
        """What a flow makes of a connection that breaks in place of one of its replies."""
        flow, replies = self._begun(name), self._replies(name)
        try:
            flow.send(None)
            for reply in replies[:index]:
                flow.send(httpx.Response(reply.status_code, content=reply.content))
            flow.throw(Unavailable("The connection broke."))
        except StopIteration as stop:
            return stop.value
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            return error
        return Endless()

    def _bad_replies(self, name: str) -> Iterator[tuple[str, httpx.Response]]:
        """Refusals, statuses and forms that make careless code try again, and states that last."""
        for reason, (status, body) in self._refusals().items():
            yield f"the refusal for {reason.replace('_', ' ')}", httpx.Response(status, json=body)
        for status in (200, 202, 401, 404, 408, 409, 425, 429, 500, 502, 503, 504):
            for what in ("an empty body", "a web page", "an empty array"):
                yield f"{what} (HTTP {status})", httpx.Response(status, content=MALFORMED[what])
            empty = httpx.Response(status, content=json.dumps({}))
            yield f"an empty object (HTTP {status})", empty
        for state in ("queued", "running"):
            for reply in self._replies(state) if state in self._sampled() else ():
                yield f"the reply about a {state} task", reply


def _pays_like(request: httpx.Request, paid: httpx.Request) -> bool:
    """Whether a request goes where the paid one went."""
    return request.method == paid.method and request.url.path == paid.url.path
