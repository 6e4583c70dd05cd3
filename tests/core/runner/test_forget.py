"""Forgetting a task: its row and its video go, and what it cost still counts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from kling26.core.errors import NotApplicable, UnknownTask
from kling26.core.runner.totals import Total, start_of_day, start_of_month, total

from ..conftest import Stage
from .test_fault_table import try_it

pytestmark = pytest.mark.no_cover


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def forget(stage: Stage) -> None:
    async def work() -> None:
        async with stage.runner() as runner:
            await runner.forget(stage.tasks()[0].id)

    stage.run(work())


def test_a_stored_video_goes_with_its_row(kie: Stage, tmp_path: Path) -> None:
    kie.generate(output=tmp_path / "heron.mp4")

    forget(kie)

    assert (kie.tasks(), list(kie.home.glob("videos/*"))) == ([], [])
    assert (tmp_path / "heron.mp4").exists()  # That one is the user's.


def test_the_same_request_is_paid_for_again(kie: Stage) -> None:
    kie.generate()
    forget(kie)
    kie.generate()

    assert kie.paid == 2


def test_what_was_never_taken_can_be_forgotten(kie: Stage) -> None:
    kie.fault("reset_after_accept")
    try_it(kie)
    assert kie.task().state == "unknown"

    forget(kie)

    assert kie.tasks() == []


def test_what_is_paid_for_and_not_here_stays(kie: Stage) -> None:
    kie.fault("download_500", times=10_000)
    try_it(kie)
    assert kie.task().standing == "made"

    with pytest.raises(NotApplicable, match="is paid for and its video is not here yet"):
        forget(kie)

    assert kie.task().standing == "made"


def test_an_unknown_name_is_told(kie: Stage) -> None:
    async def work() -> None:
        async with kie.runner() as runner:
            await runner.forget("k26-0000000000000000")

    with pytest.raises(UnknownTask):
        kie.run(work())


def test_sums_are_in_usd_and_by_unit_where_nobody_knows_that(kie: Stage) -> None:
    kie.generate()
    task = kie.task()
    made = evolve(task, realm="live", cost=55.0, cost_unit="credits", cost_usd=0.275)
    told_nothing = evolve(made, cost=None, cost_unit=None, cost_usd=None, price_usd=0.21)
    elsewhere = evolve(made, provider="gone", cost_unit="coins", cost_usd=None)
    refused = evolve(told_nothing, state="refused")
    rehearsed = evolve(made, realm="sandbox")

    assert total([made, told_nothing, elsewhere, refused, rehearsed], {}) == Total(
        0.485, {"coins": 55.0}
    )


def test_days_and_months_begin_at_midnight_here() -> None:
    now = 1_790_000_000.0

    assert 0 <= now - start_of_day(now) < 25 * 3600
    assert start_of_month(now) <= start_of_day(now)
    assert start_of_day(start_of_month(now)) == start_of_month(now)
