"""Plug-ins that do not keep the rules: the user still pays once, and is told the truth."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kling26.core import Flow, Provider, Status, Ticket, VideoRequest
from kling26.core.errors import Kling26Error, OutcomeUnknown, UnexpectedReply
from kling26.core.images import ImageFile
from kling26.core.options import NoOptions
from kling26.core.plugins import load_sandboxes
from kling26.providers.cometapi import CometAPI
from kling26.providers.kie import Kie

from ..conftest import Stage
from .test_fault_table import try_it

PICTURE = (Path(__file__).parents[2] / "grey.png").read_bytes()


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Callable[[Provider], Stage]]:
    """A stage for a provider with the emulator of its name."""
    stages: list[Stage] = []

    def build(provider: Provider) -> Stage:
        stages.append(Stage(tmp_path / "home", provider, load_sandboxes()[provider.name]))
        return stages[-1]

    yield build
    for stage in stages:
        stage.close()


class Twice(Kie):
    """Pays again when it cannot read the first answer, which it never can."""

    def submit(self, request: VideoRequest, options: NoOptions) -> Flow[Ticket]:
        try:
            ticket = yield from super().submit(request, options)
            raise self.unexpected(httpx.Response(200), f"{ticket} is odd")
        except UnexpectedReply:
            return (yield from super().submit(request, options))


def test_a_plug_in_that_wants_to_pay_again_is_given_what_it_has_paid_for(
    staged: Callable[[Provider], Stage],
) -> None:
    stage = staged(Twice())

    assert try_it(stage) is None  # The id stands in the first answer.
    assert (stage.paid, stage.submits()) == (1, 1)


class TwiceWithoutId(Twice):
    task_id_name = None


def test_where_the_first_answer_says_nothing_the_task_is_unknown(
    staged: Callable[[Provider], Stage],
) -> None:
    stage = staged(TwiceWithoutId())

    error = try_it(stage)

    assert isinstance(error, OutcomeUnknown)
    assert (stage.paid, stage.submits(), stage.task().state) == (1, 1, "unknown")


class TwiceWithFind(CometAPI):
    task_id_name = None

    def submit(self, request: VideoRequest, options: Any) -> Flow[Ticket]:
        yield from super().submit(request, options)
        return (yield from super().submit(request, options))


def test_where_the_provider_can_be_asked_the_first_task_is_found(
    staged: Callable[[Provider], Stage],
) -> None:
    stage = staged(TwiceWithFind())

    assert try_it(stage) is None
    assert (stage.paid, stage.submits()) == (1, 1)


class Idle(Kie):
    """Says that it has submitted, and has not."""

    def submit(self, request: VideoRequest, options: NoOptions) -> Flow[Ticket]:
        yield httpx.Request("GET", f"{self.base_url}/api/v1/chat/credit")
        return Ticket("task-1")


def test_a_task_that_was_never_submitted_is_refused(
    staged: Callable[[Provider], Stage],
) -> None:
    stage = staged(Idle())

    error = try_it(stage)

    assert "sent no paid request" in str(error)
    assert str(error).endswith("Nothing was paid.")
    assert (stage.paid, stage.task().state) == (0, "refused")


def returning(what: object) -> Callable[..., Flow[Any]]:
    def flow(self: Provider, *_: object) -> Flow[Any]:
        yield httpx.Request("GET", f"{self.base_url}/api/v1/chat/credit")
        return what

    return flow


@pytest.mark.parametrize("url", [None, "", 7, ImageFile(PICTURE)])
def test_without_the_url_of_the_upload_no_other_video_is_paid_for(
    staged: Callable[[Provider], Stage], url: object
) -> None:
    odd = type("Odd", (Kie,), {"upload": returning(url)})

    error = try_it(stage := staged(odd()), image=PICTURE)

    assert isinstance(error, Kling26Error)
    assert (stage.submits(), stage.task().state) == (0, "refused")


@pytest.mark.parametrize("found", [True, "task-1", Ticket(""), Status("succeeded")])
def test_what_a_search_returns_is_a_ticket_or_says_nothing(
    staged: Callable[[Provider], Stage], found: object
) -> None:
    odd = type("Odd", (CometAPI,), {"find": returning(found)})
    stage = staged(odd())
    stage.fault("reset_before_accept")

    assert isinstance(try_it(stage), OutcomeUnknown)
    assert (stage.submits(), stage.task().state) == (1, "unknown")


@pytest.mark.parametrize("recovered", [True, "task-1", Ticket(""), ZeroDivisionError])
def test_what_is_recovered_from_a_fragment_is_a_ticket_or_nothing(
    staged: Callable[[Provider], Stage], recovered: object
) -> None:
    def recover(*_: object) -> object:
        return 1 / 0 if recovered is ZeroDivisionError else recovered

    stage = staged(type("Odd", (Kie,), {"recover_ticket": recover})())
    stage.fault("cut_body_with_id")

    assert isinstance(try_it(stage), OutcomeUnknown)
    assert (stage.paid, stage.task().state) == (1, "unknown")


class Slow(Kie):
    """Has no status at first."""

    answers = 0

    def poll(self, ticket: Ticket) -> Flow[Any]:
        status = yield from super().poll(ticket)
        Slow.answers += 1
        return (None, "succeeded", {"state": "succeeded"}, status)[min(Slow.answers - 1, 3)]


def test_what_is_no_status_is_asked_for_again(staged: Callable[[Provider], Stage]) -> None:
    stage = staged(Slow())

    assert try_it(stage) is None
    assert Slow.answers > 3
