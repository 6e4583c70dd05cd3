"""Many videos in one process: each row ends by itself, and none is paid for beyond its limit."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Unpack

import pytest
from attrs import fields
from kling26.core.api import ManyKeywords
from kling26.core.errors import (
    BudgetExceeded,
    NotSent,
    OptionRefused,
    OutcomeUnknown,
    OutOfCredit,
    OutputRefused,
    StillRunning,
    UsageError,
)
from kling26.core.images import ImageOnDisk
from kling26.core.request import VideoRequest
from kling26.core.runner.many import Many, Row, RowOutcome
from kling26.core.runner.runner import Runner
from PIL import Image

from ..conftest import Stage


@pytest.fixture
def stage(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def rows(count: int, begin: int = 0) -> list[VideoRequest]:
    return [VideoRequest(f"A heron, number {number}") for number in range(begin, begin + count)]


async def made(
    runner: Runner, asked: Sequence[VideoRequest | Row], **keywords: Unpack[ManyKeywords]
) -> list[RowOutcome]:
    keywords = {"sandbox": True, **keywords}
    found = [each async for each in runner.generate_many(asked, "kie", **keywords)]
    return sorted(found, key=lambda outcome: outcome.number)


def make(
    stage: Stage, asked: Sequence[VideoRequest | Row], **keywords: Unpack[ManyKeywords]
) -> list[RowOutcome]:
    """What becomes of rows in a process of their own."""

    async def work() -> list[RowOutcome]:
        async with stage.runner() as runner:
            return await made(runner, asked, **keywords)

    return stage.run(work())


def errors(outcomes: Sequence[RowOutcome]) -> list[type[Any] | None]:
    return [None if each.error is None else type(each.error) for each in outcomes]


def test_every_row_gets_its_video_and_is_paid_for_once(stage: Stage, tmp_path: Path) -> None:
    asked = [Row(each, output=tmp_path / f"{n}.mp4") for n, each in enumerate(rows(5))]

    outcomes = make(stage, asked)

    assert [each.number for each in outcomes] == [1, 2, 3, 4, 5]
    assert all(each.video and each.video.file.exists() and not each.reused for each in outcomes)
    assert [each.video and each.video.file for each in outcomes] == [each.output for each in asked]
    assert stage.paid == 5


def test_the_same_rows_again_cost_nothing(stage: Stage) -> None:
    make(stage, rows(3))

    outcomes = make(stage, rows(4))

    assert [each.reused for each in outcomes] == [True, True, True, False]
    assert stage.paid == 4


def test_equal_rows_are_paid_for_once_and_each_gets_the_video(stage: Stage, tmp_path: Path) -> None:
    request = VideoRequest("A heron")
    outputs = [tmp_path / "a.mp4", tmp_path / "b.mp4"]

    outcomes = make(stage, [Row(request, output=each) for each in outputs])

    assert [each.video and each.video.file for each in outcomes] == outputs
    assert all(each.exists() for each in outputs)
    assert stage.paid == 1


def test_a_row_s_error_is_its_own(stage: Stage) -> None:
    stage.fault("reset_after_accept")
    wrong = VideoRequest("A heron", duration=7)

    outcomes = make(stage, [*rows(1), wrong, *rows(2, begin=1)])

    assert errors(outcomes) == [OutcomeUnknown, OptionRefused, None, None]
    assert outcomes[0].task is not None
    assert outcomes[0].task.state == "unknown"


def test_an_unknown_row_is_never_sent_again(stage: Stage) -> None:
    stage.fault("reset_after_accept")
    make(stage, rows(2))

    outcomes = make(stage, rows(3))

    assert errors(outcomes) == [OutcomeUnknown, None, None]
    assert stage.submits() == 3


def test_a_bug_in_what_listens_ends_one_row_only(stage: Stage) -> None:
    def listen(number: int, _: object) -> None:
        if number == 2:
            raise ValueError("a bug of the caller")

    make(stage, rows(2))  # The listener is asked for what was found, too.
    outcomes = make(stage, rows(3), progress=listen)

    assert [each.error is None for each in outcomes] == [True, False, True]


def test_rows_that_raise_are_told_after_those_before_them(stage: Stage) -> None:
    def broken() -> Iterator[VideoRequest]:
        yield from rows(2)
        raise ValueError("the table ends here")

    async def work() -> None:
        async with stage.runner() as runner:
            async for each in runner.generate_many(broken(), "kie", sandbox=True):
                seen.append(each.number)

    seen: list[int] = []
    with pytest.raises(ValueError, match="the table ends here"):
        stage.run(work())

    assert sorted(seen) == [1, 2]


def test_rows_are_read_only_as_they_are_needed(stage: Stage) -> None:
    read = []

    def endless() -> Iterator[VideoRequest]:
        for number, request in enumerate(rows(1000)):
            read.append(number)
            yield request

    async def work() -> None:
        async with stage.runner() as runner:
            outcomes = runner.generate_many(endless(), "kie", sandbox=True, jobs=2)
            async with aclosing(outcomes):
                await anext(outcomes)

    stage.run(work())
    assert len(read) < 10
    assert stage.paid < 10


# -- what holds others back --------------------------------------------------------------------


def test_without_credit_one_request_leaves_and_no_other(stage: Stage) -> None:
    stage.fault("no_credit")

    outcomes = make(stage, rows(30))

    assert errors(outcomes) == [OutOfCredit, *[NotSent] * 29]
    assert stage.submits() == 1
    assert "Not enough credits" in str(outcomes[-1].error)
    assert outcomes[-1].error is not None
    assert outcomes[-1].error.remedy is not None
    assert outcomes[-1].error.remedy.do == "top_up"


def test_what_is_paid_is_delivered_although_the_credit_has_run_out(stage: Stage) -> None:
    make(stage, rows(3), wait=False)
    stage.fault("no_credit")

    outcomes = make(stage, [*rows(1, begin=7), *rows(3), *rows(1, begin=8)], jobs=1)

    assert errors(outcomes) == [OutOfCredit, None, None, None, NotSent]
    assert stage.paid == 3


def test_a_first_row_whose_answer_takes_long_holds_up_nobody(stage: Stage) -> None:
    stage.fault("slow")

    outcomes = make(stage, rows(4), timeout=90.0)

    assert errors(outcomes).count(None) == 3


def test_at_the_end_of_the_time_rows_are_open_or_not_sent(stage: Stage) -> None:
    outcomes = make(stage, rows(6), timeout=30.0, jobs=2)

    assert errors(outcomes) == [StillRunning, StillRunning, NotSent, NotSent, NotSent, NotSent]
    assert stage.paid == 2


def test_closing_the_iterator_sends_nothing_more_and_keeps_what_is_paid(stage: Stage) -> None:
    async def work() -> None:
        async with stage.runner(alive=True) as runner:
            outcomes = runner.generate_many(rows(60), "kie", sandbox=True, wait=False)
            async with aclosing(outcomes):
                await anext(outcomes)
            before = stage.submits()
            await asyncio.sleep(600)
            assert stage.submits() == before

    stage.run(work())
    paid = stage.paid

    async def resume() -> int:
        async with stage.runner() as runner:
            tasks = [task.id for task in await runner.tasks() if task.standing != "unsent"]
            return len(tasks)

    assert stage.run(resume()) == paid < 60


def test_a_row_that_is_left_to_the_provider_ends_when_it_is_taken(stage: Stage) -> None:
    outcomes = make(stage, rows(2), wait=False)

    assert [(each.video, each.error) for each in outcomes] == [(None, None)] * 2
    assert [each.task and each.task.state for each in outcomes] == ["submitted"] * 2


# -- limits ------------------------------------------------------------------------------------


def test_max_tasks_counts_over_all_runs(stage: Stage) -> None:
    first = make(stage, rows(5), max_tasks=3)
    again = make(stage, rows(5), max_tasks=3)
    more = make(stage, rows(5), max_tasks=4)

    assert errors(first)[:3] == errors(again)[:3] == [None] * 3
    assert {*errors(first)[3:]} | {*errors(again)[3:]} <= {BudgetExceeded, NotSent}
    assert errors(more)[:4] == [None] * 4
    assert stage.paid == 4


def test_a_failure_counts_too(stage: Stage) -> None:
    stage.fault("failed_task")
    make(stage, rows(2), max_tasks=2, jobs=1)

    outcomes = make(stage, rows(2), max_tasks=2, jobs=1)

    assert errors(outcomes) == [BudgetExceeded, None]
    assert stage.paid == 2


def test_what_other_rows_cost_does_not_count(stage: Stage) -> None:
    make(stage, rows(3))

    assert errors(make(stage, rows(2, begin=3), max_tasks=2)) == [None, None]


def test_max_cost_is_in_usd_and_holds_in_a_rehearsal(stage: Stage) -> None:
    """A video of kie.ai's is 0.275 USD by its list."""
    outcomes = make(stage, rows(4), max_cost=0.6)

    assert errors(outcomes)[:2] == [None, None]
    assert {*errors(outcomes)[2:]} <= {BudgetExceeded, NotSent}
    refusal = next(each.error for each in outcomes if isinstance(each.error, BudgetExceeded))
    assert refusal.setting == "max_cost"
    assert str(refusal) == (
        "These videos may cost 0.60 USD in all; 0.55 USD has been spent or set aside, and this "
        "one, which costs 0.275 USD, would be too much."
    )


def test_two_processes_with_the_same_rows_do_not_pass_the_limit_together(stage: Stage) -> None:
    async def work() -> None:
        async with stage.runner() as one, stage.runner() as other:
            await asyncio.gather(
                made(one, rows(8), max_tasks=5), made(other, rows(8)[::-1], max_tasks=5)
            )

    stage.run(work())
    assert stage.paid == 5


def test_with_a_limit_a_wrong_row_is_refused_before_anything_is_sent(stage: Stage) -> None:
    with pytest.raises(UsageError, match="duration must be 5 or 10"):
        make(stage, [*rows(2), VideoRequest("A heron", duration=7)], max_tasks=3)

    assert stage.submits() == 0


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_cost": float("nan")}, "max_cost must be a sum in USD, such as 5 or 2.50; got nan."),
        ({"max_cost": float("inf")}, "max_cost must be a sum"),
        ({"max_cost": -1}, "max_cost must be a sum"),
        ({"max_cost": "5"}, 'max_cost must be a sum in USD, such as 5 or 2.50; got "5".'),
        ({"max_cost": True}, "max_cost must be a sum"),
        ({"max_cost": 10**400}, "max_cost must be a sum"),
        ({"max_tasks": float("nan")}, "max_tasks must be a whole number from 0 on; got nan."),
        ({"max_tasks": 1.5}, "max_tasks must be a whole number"),
        ({"max_tasks": -1}, "max_tasks must be a whole number"),
        ({"max_tasks": "3"}, "max_tasks must be a whole number"),
        ({"max_tasks": False}, "max_tasks must be a whole number"),
        ({"jobs": 0}, "jobs must be a whole number between 1 and 5000; got 0."),
        ({"jobs": 2.0}, "jobs must be"),
        ({"jobs": 5001}, "jobs must be"),
        ({"timeout": float("nan")}, "timeout must be a number of seconds; got nan."),
        ({"timeout": -1}, "timeout must be"),
        ({"timeout": "90"}, "timeout must be"),
    ],
)
def test_a_limit_that_is_none_is_refused_before_anything_is_sent(
    stage: Stage, limits: Any, said: str
) -> None:
    with pytest.raises(OptionRefused) as refused:
        make(stage, rows(1), **limits)

    assert str(refused.value).startswith(said)
    assert stage.submits() == 0


# -- what is no row ----------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, "A heron", 5, {"prompt": "A heron"}])
def test_what_is_no_row_ends_itself_and_no_other(stage: Stage, wrong: Any) -> None:
    outcomes = make(stage, [*rows(1), wrong, *rows(1, begin=1)])

    assert errors(outcomes) == [None, UsageError, None]
    assert str(outcomes[1].error).startswith("Row 2 must be a Row or a VideoRequest; got ")
    assert stage.paid == 2


def test_with_a_limit_what_is_no_row_is_refused_before_anything_is_sent(stage: Stage) -> None:
    with pytest.raises(UsageError, match="Row 3 must be a Row or a VideoRequest; got None"):
        make(stage, [*rows(2), None], max_tasks=5)  # type: ignore[list-item]
    with pytest.raises(UsageError, match="The request of row 1 must be a VideoRequest; got"):
        make(stage, [Row("A heron")], max_tasks=5)  # type: ignore[arg-type]

    assert stage.submits() == 0


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("a.mp4", "as row 1 would"),
        ("A.MP4", "as row 1 would"),
        ("a.mp4/b.mp4", "there is no such folder"),
    ],
)
def test_of_two_rows_with_one_output_the_second_is_not_paid(
    stage: Stage, tmp_path: Path, other: str, said: str
) -> None:
    names = ["a.mp4", other, "c.mp4"]
    asked = [Row(each, output=tmp_path / name) for each, name in zip(rows(3), names, strict=True)]

    outcomes = make(stage, asked)
    with pytest.raises(OutputRefused, match="Row 2 would be written to"):
        make(stage, asked, max_tasks=5)

    assert errors(outcomes) == [None, OutputRefused, None]
    assert said in str(outcomes[1].error)
    assert stage.paid == 2


def test_only_as_many_workers_begin_as_there_are_rows(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    work = Many._work

    async def counted(self: Many, *given: Any) -> None:
        begun.append(self)
        await work(self, *given)

    monkeypatch.setattr(Many, "_work", counted)
    make(stage, rows(2))

    assert len(begun) == 3


def test_a_checked_row_has_all_that_the_row_had(stage: Stage, tmp_path: Path) -> None:
    row = Row(rows(1)[0], "kie", {}, tmp_path / "a.mp4", {"name": "a"})

    async def check() -> Any:
        async with stage.runner() as runner:
            return (await runner.check_rows([row], sandbox=True))[0]

    found = stage.run(check())
    given = {each.name: getattr(row, each.name) for each in fields(Row)}
    assert {name: getattr(found, name) for name in given} == given


def test_whoever_has_no_turn_before_the_end_of_the_time_was_not_sent(
    stage_of: Callable[[str], Stage],
) -> None:
    """kie.ai takes 20 tasks in 10 seconds."""
    stage = stage_of("kie")

    outcomes = make(stage, rows(60), timeout=12.0, wait=False)

    taken = [each for each in outcomes if each.error is None]
    assert {type(each.error) for each in outcomes if each.error is not None} == {NotSent}
    assert len(taken) == stage.paid < 60
    assert all(each.task is None or each.task.standing == "unsent"
               for each in outcomes if each.error is not None)  # fmt: skip


# -- pictures ----------------------------------------------------------------------------------


def test_a_picture_is_read_when_it_is_sent_and_not_kept(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "heron.png"
    Image.effect_noise((400, 400), 50).save(path)
    image = ImageOnDisk(path)

    outcomes = make(stage, [VideoRequest("It flies", image=image)])

    assert errors(outcomes) == [None]
    assert not any(isinstance(each, bytes) for each in vars(image).values())


def test_a_picture_that_changes_after_the_check_is_not_sent(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "heron.png"
    Image.new("RGB", (400, 400), "red").save(path)
    row = Row(VideoRequest("It flies", image=ImageOnDisk(path)))

    async def work() -> list[RowOutcome]:
        async with stage.runner() as runner:
            checked = await runner.check_rows([row], "kie", sandbox=True)
            Image.new("RGB", (400, 400), "blue").save(path)
            return await made(runner, checked)  # type: ignore[arg-type]

    (outcome,) = stage.run(work())

    assert "was changed while it was used" in str(outcome.error)
    assert stage.submits() == 0
