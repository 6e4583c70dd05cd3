"""What was answered to a paid request is kept, and read by whoever carries the task on."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path

import httpx
import pytest
from attrs import define
from kling26.core.errors import JournalError, NotDelivered, OutcomeUnknown, Refused
from kling26.core.journal.files import Store
from kling26.core.journal.journal import Journal
from kling26.core.journal.receipts import Receipt, Receipts
from kling26.core.runner.results import Outcome
from kling26.core.runner.runner import Runner
from kling26.sandbox import FaultName

from ..conftest import Stage
from .test_fault_table import try_it

pytestmark = pytest.mark.no_cover

PICTURE = (Path(__file__).parents[2] / "grey.png").read_bytes()


class Gone(BaseException):
    """The process is gone."""


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def die_after(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, runner: Runner | None = None, **wish: object
) -> None:
    """Ask for a video in a process that is killed as soon as the answer has been kept."""
    die_in(monkeypatch, stage, stage.make(runner or stage.runner(), **wish))


def die_in(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, work: Coroutine[object, None, object]
) -> None:
    keep = Receipts.keep

    def last(*args: object) -> None:
        keep(*args)  # type: ignore[arg-type]
        raise Gone

    with monkeypatch.context() as patch:
        patch.setattr(Receipts, "keep", last)
        with pytest.raises(Gone):
            stage.run(work)


def resumed(stage: Stage) -> Outcome:
    async def work() -> Outcome:
        async with stage.runner() as runner:
            (outcome,) = [each async for each in runner.resume(progress=stage.progress.append)]
            return outcome

    return stage.run(work())


def receipts(stage: Stage) -> list[Path]:
    return list(stage.home.glob("receipts/*"))


def test_a_video_that_is_here_leaves_no_receipt(stage: Stage) -> None:
    assert try_it(stage) is None
    assert receipts(stage) == []


def test_an_answer_that_was_kept_is_read_by_the_next_process(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_after(monkeypatch, stage)
    assert stage.task().standing == "unclear"

    assert resumed(stage).error is None

    assert (stage.paid, stage.submits(), stage.task().state) == (1, 1, "stored")
    assert receipts(stage) == []


def test_an_answer_is_read_without_the_image_that_was_sent(
    stage_of: Callable[[str], Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of("kie")
    die_after(monkeypatch, stage, image=PICTURE)
    for image in stage.home.glob("images/*"):
        image.unlink()

    assert resumed(stage).error is None
    assert (stage.paid, stage.submits()) == (1, 1)


def test_a_refusal_that_was_kept_is_the_truth(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.fault("no_credit")
    die_after(monkeypatch, stage)

    error = resumed(stage).error

    assert isinstance(error, Refused)
    assert str(error).endswith("Nothing was paid.")
    assert (stage.task().state, stage.submits()) == ("refused", 1)
    assert receipts(stage) == []


def test_after_a_wait_that_was_kept_the_request_is_sent_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.fault("rate_limit")
    die_after(monkeypatch, stage)

    assert resumed(stage).error is None
    assert (stage.paid, stage.submits()) == (1, 2)


def test_the_id_is_read_from_an_answer_that_was_cut_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.fault("cut_body_with_id")
    die_after(monkeypatch, stage)

    assert resumed(stage).error is None
    assert (stage.paid, stage.submits()) == (1, 1)


class Unwritable(Journal):
    """A journal that is locked from the acceptance on."""

    async def update(self, *args: object, **values: object) -> bool:
        raise JournalError("The journal is locked by another process.")


def test_a_journal_that_cannot_be_written_until_the_end_loses_nothing(stage: Stage) -> None:
    async def work() -> None:
        journal = Unwritable(stage.runner().journal.url, clock=stage.clock)
        async with stage.runner(journal=journal) as runner:
            await stage.make(runner, timeout=20.0)

    with pytest.raises(NotDelivered):
        stage.run(work())
    accepted = stage.emulator.accepted[0].id
    assert accepted in str([each.message for each in stage.progress if each.phase == "note"])
    assert stage.task().task_id is None

    assert resumed(stage).error is None
    assert (stage.paid, stage.submits()) == (1, 1)
    assert stage.task().task_id == accepted


def test_where_the_receipt_is_not_the_task_is_unknown_until_it_is_resumed_where_it_is(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hosts share a journal; the one that paid is gone for a while."""
    die_after(monkeypatch, kie)
    (kie.home / "receipts").rename(kie.home / "elsewhere")

    assert isinstance(resumed(kie).error, OutcomeUnknown)
    assert kie.task().state == "unknown"

    (kie.home / "elsewhere").rename(kie.home / "receipts")
    assert resumed(kie).error is None
    assert (kie.paid, kie.submits(), kie.task().state) == (1, 1, "stored")


def test_an_answer_that_comes_after_the_task_was_taken_over_is_read_by_a_resume(
    kie: Stage,
) -> None:
    kie.fault("reset_after_accept")
    assert isinstance(try_it(kie), OutcomeUnknown)
    (room,) = receipts(kie)
    answer = httpx.Response(
        200, json={"code": 200, "data": {"taskId": kie.emulator.accepted[0].id}}
    )
    Receipts(Store(kie.home)).keep(room, kept(answer), "sandbox-key")

    assert resumed(kie).error is None
    assert (kie.paid, kie.submits(), kie.task().state) == (1, 1, "stored")


def resubmitted(stage: Stage) -> Outcome:
    async def work() -> Outcome:
        async with stage.runner() as runner:
            return await runner.resubmit(stage.task().id)

    return stage.run(work())


def test_a_resubmit_reads_what_was_kept_and_does_not_pay_again(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_after(monkeypatch, kie)
    (kie.home / "receipts").rename(kie.home / "elsewhere")
    assert isinstance(resumed(kie).error, OutcomeUnknown)
    (kie.home / "elsewhere").rename(kie.home / "receipts")

    assert resubmitted(kie).error is None
    assert (kie.paid, kie.submits()) == (1, 1)


def forgotten(stage: Stage) -> None:
    """The journal knows none of the tasks that have ended."""

    async def work() -> None:
        async with stage.runner() as runner:
            await runner.prune(-1.0)

    stage.run(work())


@pytest.mark.parametrize("fault", ["no_credit", "rate_limit"])
def test_a_resubmit_that_is_refused_does_not_make_the_first_request_free(
    kie: Stage, fault: FaultName
) -> None:
    kie.fault("reset_after_accept")
    assert isinstance(try_it(kie), OutcomeUnknown)
    kie.fault(fault, times=10_000)

    error = resubmitted(kie).error

    assert isinstance(error, OutcomeUnknown)
    assert "Nothing was paid" not in str(error)
    assert kie.task().state == "unknown"
    kie.conditions.faults.clear()
    assert resubmitted(kie).error is None  # The user says so again.
    assert kie.paid == 2


def test_what_is_forgotten_leaves_no_receipt(kie: Stage) -> None:
    """A process may die after the last word of the journal and before it has tidied up."""
    kie.generate()
    Receipts(Store(kie.home)).reserve(kie.task().id, 1)

    forgotten(kie)

    assert receipts(kie) == []


def test_without_room_for_the_answer_nothing_is_sent(kie: Stage) -> None:
    kie.home.mkdir()
    (kie.home / "receipts").write_text("in the way")

    error = try_it(kie)

    assert isinstance(error, JournalError)
    assert "receipts" in str(error)
    assert (kie.submits(), kie.task().standing) == (0, "unsent")
    (kie.home / "receipts").unlink()
    assert try_it(kie) is None
    assert kie.paid == 1


@define
class Quoting(httpx.AsyncBaseTransport):
    """A provider that quotes the key in everything it answers as JSON."""

    inner: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await self.inner.handle_async_request(request)
        if reply.headers.get("content-type") != "application/json":
            return reply
        body = json.loads(await reply.aread()) | {"key": "sandbox-key"}
        return httpx.Response(reply.status_code, headers={"X-Key": "sandbox-key"}, json=body)


def test_a_key_that_is_quoted_is_nowhere_in_the_home(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_after(monkeypatch, stage, stage.runner(sandbox=lambda _: Quoting(stage.transport())))

    files = [path for path in stage.home.rglob("*") if path.is_file()]
    assert receipts(stage)
    assert not [path for path in files if b"sandbox-key" in path.read_bytes()]
    assert resumed(stage).error is None
    assert stage.submits() == 1


def kept(answer: httpx.Response) -> Receipt:
    headers = tuple(answer.headers.multi_items())
    return Receipt(1, answer.status_code, headers, answer.content, True, 1.0)
