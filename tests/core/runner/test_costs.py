"""What a video cost: the number, what it counts, and both kept."""

from pathlib import Path

import pytest
from attrs import evolve
from kling26.core.errors import Unavailable
from kling26.core.journal.task import Task
from kling26.core.provider import Flow
from kling26.core.runner.results import cost_in_usd
from kling26.core.status import Status, Ticket
from kling26.providers.kie import Kie
from kling26.testing import Stage

from ..conftest import built_in


class Varied(Kie):
    """Charges in what it likes, task by task."""

    charge: tuple[float | None, str | None] = (None, None)

    def poll(self, ticket: Ticket) -> Flow[Status]:
        status = yield from super().poll(ticket)
        cost, unit = self.charge
        return evolve(status, cost=cost, cost_unit=unit)


def make(home: Path, *charges: tuple[float | None, str | None]) -> Task:
    """The task of a video that was made, and fetched again for each further charge."""
    provider = Varied()
    with Stage(home, provider, built_in("kie")[1]) as stage:
        for charge in charges:
            provider.charge = charge
            stage.generate().file.unlink()
        return stage.task()


@pytest.mark.parametrize(
    ("charge", "kept"),
    [
        ((2.5, "CNY"), (2.5, "CNY")),
        ((55.0, None), (55.0, "credits")),
        ((0.0, "units"), (0.0, "units")),
        ((None, "CNY"), (None, None)),
        ((1.0, "\x1b[2JCNY\n"), (1.0, "[2JCNY")),
    ],
)
def test_the_unit_is_kept_with_the_task(
    tmp_path: Path, charge: tuple[float | None, str | None], kept: tuple[float | None, str | None]
) -> None:
    task = make(tmp_path, charge)

    assert (task.state, task.cost, task.cost_unit) == ("stored", *kept)


def test_the_video_carries_it_even_when_the_provider_now_counts_otherwise(tmp_path: Path) -> None:
    provider = Varied()
    provider.charge = (2.5, "CNY")
    with Stage(tmp_path, provider, built_in("kie")[1]) as stage:
        made = stage.generate()
        provider.charge = (55.0, None)
        again = stage.generate()

    assert (made.cost, made.cost_unit) == (2.5, "CNY")
    assert (again.reused, again.cost, again.cost_unit) == (True, 2.5, "CNY")


@pytest.mark.parametrize(
    ("charge", "usd"),
    [((55.0, None), 0.275), ((2.5, "USD"), 2.5), ((2.5, "CNY"), None), ((None, None), None)],
)
def test_the_video_carries_what_it_cost_in_usd_where_that_is_known(
    tmp_path: Path, charge: tuple[float | None, str | None], usd: float | None
) -> None:
    provider = Varied()
    provider.charge = charge
    with Stage(tmp_path, provider, built_in("kie")[1]) as stage:
        assert stage.generate().cost_usd == usd


def test_a_row_of_an_older_version_counts_in_usd_as_its_unit_is_worth(tmp_path: Path) -> None:
    task = evolve(make(tmp_path, (55.0, None)), cost_unit=None, cost_usd=None)

    assert cost_in_usd(task, Kie()) == 0.275
    assert cost_in_usd(task, None) is None
    assert cost_in_usd(evolve(task, cost_unit="USD"), None) == 55.0


def test_a_known_cost_is_not_lost_when_the_video_is_fetched_again(tmp_path: Path) -> None:
    task = make(tmp_path, (2.5, "CNY"), (None, None))

    assert (task.cost, task.cost_unit) == (2.5, "CNY")


class Late(Varied):
    """Tells the cost a while after the video is finished."""

    cost_comes_late = True
    silent = 0

    def poll(self, ticket: Ticket) -> Flow[Status]:
        status = yield from super().poll(ticket)
        if status.state == "succeeded" and self.silent > 0:
            self.silent -= 1
            return evolve(status, cost=None)
        return status


@pytest.mark.parametrize(("silent", "known"), [(0, 55.0), (1, 55.0), (2, 55.0), (9, None)])
def test_a_cost_that_comes_late_is_asked_for_after_the_download(
    tmp_path: Path, silent: int, known: float | None
) -> None:
    provider = Late()
    provider.charge, provider.silent = (55.0, None), silent
    with Stage(tmp_path, provider, built_in("kie")[1]) as stage:
        assert stage.generate().cost == known
        assert stage.task().cost == known


class Broken(Varied):
    """Cannot say a second time that a video is finished."""

    cost_comes_late = True
    told = False

    def poll(self, ticket: Ticket) -> Flow[Status]:
        if self.told:
            raise Unavailable("kie.ai is temporarily unavailable.")
        status = yield from super().poll(ticket)
        self.told = status.state == "succeeded"
        return status


def test_the_video_does_not_depend_on_a_late_cost(tmp_path: Path) -> None:
    with Stage(tmp_path, Broken(), built_in("kie")[1]) as stage:
        assert stage.generate().file.is_file()
        assert (stage.task().state, stage.task().cost) == ("stored", None)


def test_a_cost_that_came_later_still_is_asked_for_with_the_next_resume(tmp_path: Path) -> None:
    provider = Late()
    provider.charge, provider.silent = (55.0, None), 9
    with Stage(tmp_path, provider, built_in("kie")[1]) as stage:
        stage.generate()
        before = stage.task()
        provider.silent = 0

        async def resume() -> None:
            async with stage.runner() as runner:
                assert [each async for each in runner.resume()] == []

        stage.run(resume())
        after = stage.task()

    assert (before.cost, after.cost, after.cost_usd) == (None, 55.0, 0.275)
    assert (after.state, after.file, after.worker) == ("stored", before.file, None)


@pytest.mark.parametrize("nonsense", [-1.0, 1e40])
def test_nonsense_is_no_cost(tmp_path: Path, nonsense: float) -> None:
    assert make(tmp_path, (nonsense, None)).cost is None
