"""Work that hangs: a command ends all the same, and says what is known of the task."""

import asyncio
from typing import Any

import pytest
from kling26.cli import work
from kling26.core import JournalBusy, Kling26Error, NotDelivered, Progress, Runner, TryLater


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractions of a second instead of seconds."""
    for name in ("_OVERRUN", "_AT_MOST", "_LAST_ANSWER", "_CLOSING", "_LOOK"):
        monkeypatch.setattr(work, name, getattr(work, name) / 50)
    monkeypatch.setattr(work, "hung", False)


def given_up(*phases: Any) -> Kling26Error:
    """The error of work that reports these phases, each of another task, and then hangs."""

    async def hang(session: work.Session[None]) -> None:
        for number, phase in enumerate(phases):
            session.display.listen(Progress(f"k26-{number}", "kie", phase))
        await asyncio.Event().wait()

    with pytest.raises(Kling26Error) as raised:
        work.run_work(hang, idle="", limit=0.02)
    return raised.value


@pytest.mark.parametrize("phase", ["submitting", "queued", "running", "downloading"])
def test_of_a_task_that_may_be_paid_for_it_says_so(phase: str) -> None:
    error = given_up(phase)

    assert type(error) is NotDelivered
    assert (error.task, error.provider) == ("k26-0", "kie")
    assert str(error) == (
        "Time ran out, and the journal has not answered. The video may be paid for."
    )


@pytest.mark.parametrize("phase", ["waiting", "uploading"])
def test_of_a_task_that_was_not_sent_it_says_so(phase: str) -> None:
    error = given_up(phase)

    assert (type(error), error.task) == (TryLater, "k26-0")
    assert str(error) == "Time ran out before the request was sent to kie.ai."


def test_without_a_task_it_is_the_journal_that_hangs() -> None:
    error = given_up()

    assert type(error) is JournalBusy
    assert str(error) == "The journal did not answer in time. Nothing was sent."


def test_several_tasks_are_left_to_be_resumed() -> None:
    assert type(given_up("queued", "submitting")) is NotDelivered


def test_a_runner_that_cannot_be_closed_does_not_keep_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    async def nothing(_: work.Session[None]) -> int:
        return 7

    monkeypatch.setattr(Runner, "aclose", never)

    assert work.run_work(nothing, idle="") == 7
    assert work.hung


def test_all_waits_of_a_command_together_stay_within_its_allowance() -> None:
    assert work._OVERRUN + work._CLOSING < work._AT_MOST
