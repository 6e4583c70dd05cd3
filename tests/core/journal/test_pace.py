"""Departures and pauses, as the journal counts them for all processes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from kling26.core.journal.journal import Journal
from kling26.core.journal.pace import Departures, Taken, Window
from kling26.core.journal.schema import DEPARTURES
from kling26.testing.clock import run

KIE = Window(20, 10.0)


class World:
    """Processes that share a journal, and a clock that can be set."""

    def __init__(self, path: Path) -> None:
        self.path, self.time, self.journals = path, 2_000_000_000.0, list[Journal]()

    def process(self, pace: str = "live:kie") -> Departures:
        self.journals.append(Journal(self.path, self.path.parent, lambda: self.time))
        return self.journals[-1].departures(pace)

    async def close(self) -> None:
        for journal in self.journals:
            await journal.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "journal.sqlite3")
    yield world
    run(world.close())


async def departures(world: World, until: float, process: Callable[[], Departures]) -> list[float]:
    """When one process after the other leaves that always wants to."""
    left, started, number = [], world.time, 0
    processes = [process() for _ in range(4)]
    while world.time < started + until:
        taken = await processes[number % 4].take(KIE, 3)
        left += [world.time - started] * len(taken.departures)
        world.time += 0.0 if taken.departures else 0.3
        number += 1
    return left


def test_however_many_processes_ask_no_more_leave_than_the_window_has_room_for(
    world: World,
) -> None:
    left = run(departures(world, 25.0, world.process))

    assert left[:20] == [0.0] * 20  # All at once.
    assert all(later - earlier > 10 for earlier, later in zip(left, left[20:], strict=False))
    assert len(left) == 60


def test_whoever_finds_no_room_is_told_when_there_is_some(world: World) -> None:
    async def work() -> None:
        kie = world.process()
        assert len((await kie.take(KIE, 7)).departures) == 7
        world.time += 4.0
        first = await world.process().take(KIE, 30)
        assert len(first.departures) == 13
        assert first.wait == pytest.approx(6.5)
        world.time += 6.6
        assert len((await kie.take(KIE, 30)).departures) == 7

    run(work())


def test_one_that_did_not_leave_in_time_keeps_its_place_and_counts_anew(world: World) -> None:
    async def work() -> None:
        kie = world.process()
        (one,) = (await kie.take(KIE, 1)).departures
        await kie.take(KIE, 19)
        world.time += 8.0
        assert await kie.renew([one], KIE) == {one}
        world.time += 2.6
        assert len((await kie.take(KIE, 20)).departures) == 19
        world.time += 7.6
        assert len((await kie.take(KIE, 20)).departures) == 0
        world.time += 0.4
        assert len((await kie.take(KIE, 20)).departures) == 1

    run(work())


def test_one_that_passed_long_ago_has_to_be_taken_anew(world: World) -> None:
    async def work() -> None:
        kie = world.process()
        (one,) = (await kie.take(KIE, 1)).departures
        world.time += 11.0
        assert await kie.renew([one], KIE) == frozenset()

    run(work())


def test_where_the_journal_is_slow_a_departure_counts_from_when_it_may_leave_last(
    world: World,
) -> None:
    async def work() -> None:
        kie = world.process()
        await kie.take(KIE, 20, ahead=3.0)
        world.time += 13.4
        assert not (await kie.take(KIE, 1)).departures
        world.time += 0.2
        assert (await kie.take(KIE, 1)).departures

    run(work())


@pytest.mark.parametrize("set_back", [5.0, 3600.0, 90 * 86_400.0])
def test_a_clock_that_was_set_back_holds_up_for_one_window_at_the_most(
    world: World, set_back: float
) -> None:
    async def work() -> None:
        kie = world.process()
        await kie.take(KIE, 20)
        world.time -= set_back
        taken = await kie.take(KIE, 1)
        assert taken.wait is not None
        assert taken.wait <= 10.5
        world.time += taken.wait
        assert (await kie.take(KIE, 1)).departures

    run(work())


def test_a_clock_that_was_set_on_holds_nobody_up(world: World) -> None:
    async def work() -> None:
        kie = world.process()
        await kie.take(KIE, 20)
        world.time += 3600.0
        assert (await kie.take(KIE, 20)).wait is None

    run(work())


def test_the_table_is_no_larger_than_the_windows(world: World) -> None:
    async def work() -> list[str]:
        kie, other = world.process(), world.process("sandbox:kie")
        for _ in range(5):
            await kie.take(KIE, 20)
            await other.take(Window(1, 60.0), 1)
            world.time += 61.0
        return await world.journals[0].database.read(
            lambda connection: list(connection.scalars(sa.select(DEPARTURES.c.id)))
        )

    assert len(run(work())) == 21


def test_a_pause_is_everybodys_and_then_few_leave_at_first(world: World) -> None:
    async def work() -> list[int]:
        kie, other = world.process(), world.process()
        await kie.pause(30.0)
        assert await other.take(KIE, 5) == Taken(wait=pytest.approx(30.0))
        assert await other.paused() == pytest.approx(30.0)
        assert await world.process("live:apikley").paused() == 0.0
        world.time += 30.001
        counts = []
        for _ in range(8):
            taken = await other.take(KIE, 40)
            counts.append(len(taken.departures))
            assert taken.wait is not None
            world.time += taken.wait + 0.001
        return counts

    assert run(work()) == [1] * 8  # One every half second, for a window's length.


def test_no_pause_is_longer_than_a_minute_whatever_the_provider_says(world: World) -> None:
    async def work() -> None:
        kie = world.process()
        await kie.pause(86_400.0)
        assert await kie.paused() == pytest.approx(60.0)
        await kie.pause(5.0)  # Another process's is no shorter for that.
        assert await kie.paused() == pytest.approx(60.0)
        world.time -= 3600.0
        assert await kie.paused() == 0.0
        assert (await kie.take(KIE, 1)).departures

    run(work())


def test_before_there_is_a_journal_nothing_is_paused(world: World) -> None:
    assert run(world.process().paused()) == 0.0
    assert not world.path.exists()


def test_a_window_of_one_in_a_long_time_lets_one_through(world: World) -> None:
    async def work() -> None:
        slow = Window(1, 60.0)
        assert len((await world.process().take(slow, 2)).departures) == 1
        assert await world.process().take(slow, 2) == Taken(wait=pytest.approx(60.5))

    run(work())
