"""A task that was accepted although the answer says otherwise: it is paid for once."""

from collections.abc import Callable

import pytest
from kling26.core.errors import OutcomeUnknown

from ..conftest import Stage
from .test_fault_table import try_it

#: A "no" or a "wait" of each provider, as it says it.
NO = {
    "kie": {"code": 429, "msg": "queue is full"},
    "apikley": {"code": 422, "msg": "the input is not accepted"},
    "cometapi": {"code": 1303, "message": "parallel task over resource pack limit"},
    "runcomfy": {"error_code": 400002, "error_message": "insufficient resources"},
}


def answer_with(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, status: int, with_id: bool = True
) -> None:
    """Accept every task, and say "no" next to its id, or without it."""
    emulator = type(stage.emulator)
    receipt, no = emulator.receipt, NO[stage.provider.name]
    body = (lambda self, task: {**receipt(self, task), **no}) if with_id else lambda *_: no
    monkeypatch.setattr(emulator, "receipt", body)
    monkeypatch.setattr(emulator, "accepted_status", status)


@pytest.mark.parametrize("status", [200, 401, 422, 429])
def test_an_id_next_to_a_no_is_the_task(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    answer_with(monkeypatch, stage, status)

    assert try_it(stage) is None

    assert (stage.paid, stage.submits(), stage.task().state) == (1, 1, "stored")


def test_an_id_that_leads_nowhere_leaves_the_task_unknown_and_is_not_sent_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, stage, 429)
    stage.fault("poll_no_such_task", times=10_000)

    error = try_it(stage)

    assert isinstance(error, OutcomeUnknown), error
    assert "Nothing was paid" not in str(error)
    assert stage.submits() == 1


def test_a_task_that_was_taken_under_a_wait_is_found_when_its_id_is_refused(
    stage_of: Callable[[str], Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of("cometapi")
    answer_with(monkeypatch, stage, 429, with_id=False)

    assert try_it(stage) is None

    assert (stage.paid, stage.submits(), stage.task().state) == (1, 2, "stored")
