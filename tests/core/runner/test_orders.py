"""
Every order of answers to the paid request, at each provider.

A task is unknown only if an answer that may have been an acceptance was lost, and nobody can be
asked; it is refused after a plain "no", whatever came before it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import httpx
import pytest
from attrs import define
from kling26.cli.exits import exit_status
from kling26.core.errors import Kling26Error
from kling26.sandbox import FaultName

from ..conftest import Stage

pytestmark = pytest.mark.no_cover

Event = Literal[
    "wait", "unreachable", "no", "500", "500, but taken", "reset", "reset, but taken", "cut", "late"
]
FAULTS: dict[Event, FaultName] = {
    "wait": "rate_limit",
    "no": "no_credit",
    "500": "error_before_accept",
    "500, but taken": "error_after_accept",
    "reset": "reset_before_accept",
    "reset, but taken": "reset_after_accept",
    "cut": "cut_body_without_id",
    "late": "slow",
}
#: After these, the provider certainly has no task.
HARMLESS = ("wait", "unreachable")
TAKEN = ("500, but taken", "reset, but taken", "cut", "late")
#: A third event is one of these: the others differ from them only in the words of the error.
LAST: tuple[Event, ...] = ("wait", "no", "reset", "reset, but taken")
#: The provider that can be asked for our own id.
ASKABLE = "cometapi"
#: What becomes of the task, and the exit status of the command.
ENDS = {"stored": 0, "refused": 3, "unknown": 5}


def becomes(provider: str, order: Sequence[Event]) -> str | None:
    """The state that the task ends in; None if that depends on what comes next."""
    event = order[-1]
    if event == "no":
        return "refused"
    if event in HARMLESS:
        return None
    if provider != ASKABLE:
        return "unknown"
    return "stored" if event in TAKEN else None


def orders(provider: str, before: tuple[Event, ...] = ()) -> Iterator[tuple[Event, ...]]:
    """All orders of up to three events, each of which matters; of two where three say no more."""
    longest = 3 if provider in ("kie", ASKABLE) else 2
    for event in LAST if len(before) == 2 else ("unreachable", *FAULTS):
        order = (*before, event)
        yield order
        told = len(order) < 2 or provider == "kie" or order[0] in LAST
        if len(order) < longest and told and becomes(provider, order) is None:
            yield from orders(provider, order)


@define
class Scheduled(httpx.AsyncBaseTransport):
    """The emulator, whose faults come in order; some of the time it cannot be reached."""

    stage: Stage
    order: list[Event]
    inner: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and self.order:
            event = self.order.pop(0)
            if event == "unreachable":
                raise httpx.ConnectError("refused", request=request)
            self.stage.fault(FAULTS[event])
        return await self.inner.handle_async_request(request)


def asked(stage: Stage, order: Sequence[Event]) -> Kling26Error | None:
    """The error that a request ends with, if it does."""
    transport = Scheduled(stage, list(order), stage.transport())

    async def work() -> None:
        async with stage.runner(sandbox=lambda _: transport) as runner:
            await stage.make(runner)

    try:
        stage.run(work())
    except Kling26Error as error:
        return error
    return None


#: A provider that cannot be asked for our id, and one that can: the runner sees no other.
CASES = [(provider, order) for provider in ("kie", "cometapi") for order in orders(provider)]


@pytest.mark.parametrize(
    ("provider", "order"), CASES, ids=[f"{name}: {', '.join(order)}" for name, order in CASES]
)
def test_a_task_ends_as_its_answers_say(
    stage_of: Callable[[str], Stage], provider: str, order: tuple[Event, ...]
) -> None:
    stage = stage_of(provider)

    error = asked(stage, order)

    state = becomes(provider, order) or "stored"
    assert stage.task().state == state
    assert (0 if error is None else exit_status(error)) == ENDS[state]
    assert stage.paid == (state == "stored" or order[-1] in TAKEN)
    assert ("Nothing was paid" in str(error)) == (state == "refused")
    kept = list(stage.home.glob("receipts/*"))
    assert bool(kept) == (state == "unknown")
