"""The budget in the journal: since when a task counts, and for how long, by any clock."""

import asyncio
import time

import pytest
from kling26.core.errors import BudgetExceeded
from kling26.core.journal.journal import Journal
from kling26.core.spending import DAY, HOUR, Budget
from kling26.core.status import Ticket
from kling26.testing.clock import run

from .shop import ON_BOTH, Shop, draft, end

pytestmark = pytest.mark.no_cover

YEAR = 366 * DAY


# -- the window, and the clock -------------------------------------------------------------------


@ON_BOTH
def test_the_window_moves_on_with_each_task(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_hour=2)

    async def work() -> None:
        for minutes in (0, 50):
            shop.clock.now += 60.0 * minutes
            await shop.pay(f"At {minutes}")
        shop.clock.now += 60.0 * 9
        with pytest.raises(BudgetExceeded, match="possible in about 60 s"):
            await shop.pay("Too early")
        shop.clock.now += 60.0
        await shop.pay("In time")
        with pytest.raises(BudgetExceeded, match="possible in about 50 min"):
            await shop.pay("Too early again")

    run(work())


def test_it_counts_from_when_it_was_sent_however_long_it_waited(shop: Shop) -> None:
    async def work() -> list[int]:
        task = await shop.reserve(draft("A heron"))
        shop.clock.now += 20 * HOUR
        journal = await shop.send(task)
        await end(journal, "submitted", ticket=Ticket("t-1"), submitted=0.0, sending=None)
        shop.clock.now += 23 * HOUR
        counts = [await shop.count()]
        shop.clock.now += HOUR
        return [*counts, await shop.count()]

    assert run(work()) == [1, 0]


def test_a_task_that_is_adopted_long_after_it_was_sent_is_no_news(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> int:
        journal = await shop.pay("A heron")
        await end(journal, "unknown")
        shop.clock.now += 3 * DAY
        (task,) = await journal.tasks()
        assert task.owner
        assert await journal.adopt(task.owner, Ticket("t-1"))
        await shop.pay("A fox")
        return await shop.count()

    assert run(work()) == 1


@pytest.mark.parametrize("back", [DAY + 120.0, 70 * YEAR])
def test_a_clock_that_is_set_far_back_forgets_nothing_and_blocks_for_no_longer_than_a_day(
    shop: Shop, back: float
) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> None:
        await shop.pay("A heron")
        shop.clock.now -= back
        for _ in range(2):
            with pytest.raises(BudgetExceeded):
                await shop.pay("Too early")
            shop.clock.now += DAY / 2
        shop.clock.now += 1.0
        await shop.pay("In time")

    run(work())


@pytest.mark.parametrize("back", [1.0, HOUR, DAY])
def test_a_clock_that_is_set_back_by_up_to_a_day_lets_it_count_until_a_day_after_it_was_sent(
    shop: Shop, back: float
) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> None:
        await shop.pay("A heron")
        shop.clock.now -= back
        for wait in (0.0, back / 2, back / 2, DAY / 2, DAY / 2 - 1.0):
            shop.clock.now += wait
            with pytest.raises(BudgetExceeded):
                await shop.pay("Too early")
        shop.clock.now += 1.0
        await shop.pay("In time")

    run(work())


@ON_BOTH
def test_a_clock_that_was_set_back_by_mistake_and_is_put_right_forgets_nothing(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> None:
        await shop.pay("A heron")
        shop.clock.now -= DAY
        with pytest.raises(BudgetExceeded):
            await shop.pay("While it is wrong")
        shop.clock.now += DAY + 60.0
        with pytest.raises(BudgetExceeded):
            await shop.pay("When it is right again")
        shop.clock.now += DAY
        await shop.pay("A day later")

    run(work())


def test_a_clock_that_is_set_back_again_counts_from_then(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> None:
        await shop.pay("A heron")
        for _ in range(3):
            shop.clock.now -= 30 * DAY
            with pytest.raises(BudgetExceeded):
                await shop.pay("Too early")
        shop.clock.now += DAY + 1.0
        await shop.pay("In time")

    run(work())


def test_what_is_sent_after_the_clock_was_set_back_counts_from_then(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> int:
        task = await shop.reserve(draft("A heron"))
        shop.clock.now -= 30 * DAY
        with pytest.raises(BudgetExceeded):
            await shop.pay("Too early")
        shop.clock.now += 3 * DAY
        await shop.send(task)
        shop.clock.now -= DAY
        return await shop.count()

    assert run(work()) == 1


def test_a_clock_that_is_set_on_lets_the_time_pass(shop: Shop) -> None:
    """It cannot be told from a machine that was switched off for as long."""
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> int:
        await shop.pay("A heron")
        shop.clock.now += DAY
        await shop.pay("A fox")
        return await shop.count()

    assert run(work()) == 1


def test_where_machines_share_a_server_its_clock_counts(
    on_server: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the host that pays is a day behind, and then one ahead."""
    real = time.time
    budget = Budget(max_tasks_per_day=2)

    async def pay_at(offset: float, prompt: str) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + offset)
        journal = Journal(on_server.url, budget=lambda: budget)
        task, _ = await journal.claim(draft(prompt), None)
        assert task.owner
        assert await journal.mark_sent(task.owner)
        moment = journal.clock()
        await end(journal, "submitted", prompt, submitted=moment, sending=None)
        await journal.close()

    async def work() -> None:
        await pay_at(-2 * DAY, "By a host that is behind")
        await pay_at(2 * DAY, "By one that is ahead")
        for offset in (-2 * DAY, 0.0, 2 * DAY):
            with pytest.raises(BudgetExceeded, match="there were 2"):
                await pay_at(offset, "One too many")

    asyncio.run(work())


# -- deleting ------------------------------------------------------------------------------------


@ON_BOTH
def test_deleting_tasks_makes_nothing_unpaid(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=2, max_cost_per_day=1.0)

    async def work() -> list[tuple[int, float]]:
        for prompt, state in (("A heron", "refused"), ("A fox", "failed"), ("An owl", "stored")):
            journal = await shop.pay(prompt, 0.4)
            await end(journal, state, prompt)
            await journal.release()
        found = []
        for journal in [shop.process() for _ in range(2)]:
            shop.clock.now += HOUR
            found.append(len(await journal.prune(0.0)))
            with pytest.raises(BudgetExceeded):
                await shop.pay("A crow", 0.4)
        spent = await shop.spent()
        shop.clock.now += DAY
        later = await shop.spent()
        await shop.pay("A crow", 0.4)
        assert found == [3, 0]
        return [(each.tasks(DAY), each.usd()) for each in (spent, later)]

    assert run(work()) == [(2, 0.8), (0, 0)]


def test_what_was_never_sent_is_over_when_it_is_deleted(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> None:
        task = await shop.reserve(draft("A heron"))
        await shop.delete(task)
        await shop.pay("A fox")

    run(work())


def test_what_was_deleted_survives_a_clock_that_is_set_back(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> None:
        journal = await shop.pay("A heron")
        await end(journal, "failed")
        await journal.release()
        shop.clock.now += 1.0
        assert await shop.process().prune(0.0)
        shop.clock.now -= 5 * DAY
        with pytest.raises(BudgetExceeded):
            await shop.pay("Too early")
        shop.clock.now += DAY + 1.0
        await shop.pay("In time")

    run(work())
