"""Two tasks at the provider for one request: the user is told of the one that is not ours."""

from collections.abc import Callable

import pytest
from kling26.core.errors import OutcomeUnknown
from kling26.core.runner.results import Outcome

from ..conftest import Stage
from .test_receipts import die_after, die_in, forgotten, receipts, resumed


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def also(stage: Stage, number: int) -> list[str]:
    """What is said of a task that was accepted, but is not the one in the journal."""
    other = stage.emulator.accepted[number].id
    return [f"kie.ai also has this request as {other}, which is paid for too."]


def notes(stage: Stage) -> list[str | None]:
    return [each.message for each in stage.progress if each.phase == "note"]


def test_of_two_ids_that_were_kept_none_is_dropped_without_a_word(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer comes to light only after the second one."""
    die_after(monkeypatch, kie)
    (kie.home / "receipts").rename(kie.home / "elsewhere")
    assert isinstance(resumed(kie).error, OutcomeUnknown)
    die_in(monkeypatch, kie, kie.runner().resubmit(kie.task().id))
    for receipt in (kie.home / "elsewhere").iterdir():
        receipt.rename(kie.home / "receipts" / receipt.name)

    assert resumed(kie).error is None

    assert kie.task().task_id == kie.emulator.accepted[0].id
    assert kie.paid == 2
    assert notes(kie) == also(kie, 1)
    assert receipts(kie)


def test_an_id_that_was_kept_is_told_when_the_user_has_given_another(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = kie.generate(seed=2).task_id
    forgotten(kie)
    die_after(monkeypatch, kie)

    async def work() -> Outcome:
        async with kie.runner() as runner:
            return await runner.adopt(kie.task().id, str(other), progress=kie.progress.append)

    kie.progress.clear()
    assert kie.run(work()).error is None

    assert notes(kie) == also(kie, 1)
    assert receipts(kie)
