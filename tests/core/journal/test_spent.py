"""The budget in the journal: what counts, and for whom, over all processes."""

import asyncio
from contextlib import suppress

import pytest
from kling26.core.errors import BudgetExceeded
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Task
from kling26.core.spending import DAY, Budget, Spent
from kling26.testing.clock import run

from .shop import ON_BOTH, THREE, Shop, draft, end, rehearsal

pytestmark = pytest.mark.no_cover


# -- what counts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("submitted", 1),
        ("succeeded", 1),
        ("stored", 1),
        ("failed", 1),
        ("unknown", 1),
        ("refused", 0),
        ("cancelled", 0),
    ],
)
def test_what_may_have_been_charged_counts(shop: Shop, state: str, counts: int) -> None:
    async def work() -> int:
        await end(await shop.pay("A heron"), state)
        return await shop.count()

    assert run(work()) == counts


def test_one_that_is_being_sent_counts(shop: Shop) -> None:
    async def work() -> int:
        await shop.pay("A heron")
        return await shop.count()

    assert run(work()) == 1


def test_rehearsals_never_count_and_are_never_held_up(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1, max_cost_per_day=0.35)

    async def work() -> Spent:
        for number in range(3):
            await shop.send(await shop.reserve(rehearsal(f"Rehearsal {number}")))
        await shop.pay("A heron")
        await shop.send(await shop.reserve(rehearsal("One more")))
        return await shop.spent()

    spent = run(work())

    assert (spent.tasks(DAY), spent.usd(), spent.dearest) == (1, 0.35, 0.35)


def test_what_it_cost_takes_the_place_of_what_it_should_cost(shop: Shop) -> None:
    shop.budget = Budget(max_cost_per_day=1.0)

    async def work() -> float:
        journal = await shop.pay("A heron", 0.35)
        await end(journal, "stored", cost=80.0, cost_unit="credits", cost_usd=0.7)
        await shop.pay("A fox", 0.3)
        with pytest.raises(BudgetExceeded, match=r"1\.00 USD has been spent or set aside"):
            await shop.pay("An owl", 0.1)
        return (await shop.spent()).usd()

    assert run(work()) == 1.0


def test_a_cost_in_a_unit_of_which_nobody_knows_the_worth_leaves_the_price(shop: Shop) -> None:
    async def work() -> float:
        await end(await shop.pay("A heron", 0.35), "stored", cost=12.0, cost_unit="tokens")
        return (await shop.spent()).usd()

    assert run(work()) == 0.35


def test_a_forgotten_task_still_counts(shop: Shop) -> None:
    async def work() -> tuple[bool, int]:
        process = await shop.pay("A heron")
        (task,) = await process.tasks()
        return await process.forget(task), await shop.count()

    assert asyncio.run(work()) == (True, 1)


def test_the_dearest_price_may_be_older_than_a_day(shop: Shop) -> None:
    shop.budget = Budget(max_cost_per_day=1.0)

    async def work() -> None:
        await shop.pay("A heron", 0.9)
        shop.clock.now += 30 * DAY
        await shop.pay("A fox", None)
        with pytest.raises(BudgetExceeded, match=r"counts as 0\.90 USD"):
            await shop.pay("An owl", None)

    run(work())


@ON_BOTH
@pytest.mark.parametrize("told", [float("nan"), float("inf"), -5.0])
def test_a_cost_that_cannot_be_one_neither_lifts_the_limit_nor_uses_it_up(
    shop: Shop, told: float
) -> None:
    shop.budget = Budget(max_cost_per_day=0.7)

    async def work() -> None:
        await end(await shop.pay("A heron"), "stored", cost=told, cost_usd=told)
        await shop.pay("A fox", 0.35)
        with pytest.raises(BudgetExceeded):
            await shop.pay("An owl", 0.35)

    run(work())


# -- resubmitting --------------------------------------------------------------------------------


async def lose(shop: Shop, journal: Journal) -> Task:
    """Lose the answer to the only task's request, and have it submitted again."""
    await end(journal, "unknown")
    (task,) = await journal.tasks()
    assert task.owner
    assert await journal.reopen(task.owner, lost=True)
    return (await journal.tasks())[0]


def test_a_task_counts_once_more_each_time_it_is_resubmitted(shop: Shop) -> None:
    async def work() -> list[int]:
        task = await lose(shop, await shop.pay("A heron"))
        counts = [await shop.count()]
        journal = await shop.send(task)
        counts.append(await shop.count())
        await lose(shop, journal)
        return [*counts, await shop.count()]

    assert run(work()) == [2, 2, 3]


def test_what_was_lost_counts_from_when_it_was_sent_not_from_when_it_was_recorded(
    shop: Shop,
) -> None:
    async def work() -> int:
        task = await shop.reserve(draft("A heron"))
        shop.clock.now += 2 * DAY
        await lose(shop, await shop.send(task))
        return await shop.count()

    assert run(work()) == 2


@ON_BOTH
def test_a_second_try_that_was_refused_does_not_count(shop: Shop) -> None:
    async def work() -> list[int]:
        counts = []
        journal = await shop.pay("A heron")
        for _ in range(3):
            journal = await shop.send(await lose(shop, journal))
            (task,) = await journal.tasks()
            assert task.owner
            assert await journal.mark_unsent(task.owner)
            await end(journal, "unknown")
            counts.append(await shop.count())
            assert await journal.update(task.owner, "unknown")
        return counts

    assert run(work()) == [1, 1, 1]


@pytest.mark.parametrize("state", ["refused", "cancelled"])
def test_what_was_lost_counts_also_if_the_second_try_is_over_for_nothing(
    shop: Shop, state: str
) -> None:
    async def work() -> int:
        task = await lose(shop, await shop.pay("A heron"))
        journal = shop.process()
        taken = await journal.take_unsent(task)
        assert taken
        assert taken.owner
        assert await journal.update(taken.owner, state)  # type: ignore[arg-type]
        return await shop.count()

    assert run(work()) == 1


def test_a_task_that_may_not_be_paid_for_again_stays_unknown(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> Task:
        journal = await shop.pay("A heron")
        with pytest.raises(BudgetExceeded, match="there was 1"):
            await lose(shop, journal)
        return (await journal.tasks())[0]

    assert run(work()).state == "unknown"


# -- what waits to be sent -----------------------------------------------------------------------


@ON_BOTH
def test_others_must_not_spend_what_a_recorded_task_needs(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> list[Task]:
        waiting = await shop.reserve(draft("A heron"))
        with pytest.raises(BudgetExceeded):
            await shop.reserve(draft("A fox"))
        await shop.send(waiting)
        return await shop.process().tasks()

    (task,) = run(work())

    assert (task.prompt, task.standing) == ("A heron", "unclear")


def test_one_that_is_left_behind_counts_for_a_day_or_until_it_is_cancelled(shop: Shop) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> list[int]:
        left = await shop.reserve(draft("A heron"))
        counts = [await shop.count()]
        shop.clock.now += DAY
        counts.append(await shop.count())
        await shop.reserve(draft("A fox"))
        journal = shop.process()
        taken = await journal.take_unsent(left)
        assert taken
        assert taken.owner
        assert await journal.update(taken.owner, "cancelled", last=True)
        return [*counts, await shop.count()]

    assert run(work()) == [1, 0, 1]


def test_an_older_one_is_held_by_the_budget_when_it_is_sent_and_can_be_sent_later(
    shop: Shop,
) -> None:
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> list[str]:
        old = await shop.reserve(draft("A heron"))
        shop.clock.now += DAY
        await shop.pay("A fox")
        with pytest.raises(BudgetExceeded):
            await shop.send(old)
        standings = [(await shop.process().get(old.id)).standing]
        shop.clock.now += DAY
        await shop.send(await shop.process().get(old.id))
        return [*standings, (await shop.process().get(old.id)).standing]

    assert run(work()) == ["unsent", "unclear"]


@ON_BOTH
def test_of_many_that_wait_as_many_are_sent_as_the_budget_allows(shop: Shop) -> None:
    """Recorded while there was no limit; none must leave its turn to all the others."""
    shop.budget = Budget()

    async def work() -> list[str]:
        waiting = []
        for number in range(8):
            shop.clock.now += 1.0
            waiting.append(await shop.reserve(draft(f"Heron {number}")))
        shop.budget = THREE
        for task in reversed(waiting):
            with suppress(BudgetExceeded):
                await shop.send(task)
        return [task.prompt for task in await shop.process().tasks() if task.standing != "unsent"]

    assert run(work()) == ["Heron 0", "Heron 1", "Heron 2"]


def test_who_has_lost_a_task_is_told_that_and_not_of_the_budget(shop: Shop) -> None:
    """The other worker has sent it, so nobody may say that nothing was paid."""
    shop.budget = Budget(max_tasks_per_day=1)

    async def work() -> bool:
        slow = shop.process()
        task, _ = await slow.claim(draft("A heron"), None)
        await shop.send(task)
        assert task.owner
        return await slow.mark_sent(task.owner)

    assert run(work()) is False


# -- many at once --------------------------------------------------------------------------------


@ON_BOTH
def test_of_many_that_come_at_once_no_more_are_recorded_than_may_be_paid_for(shop: Shop) -> None:
    """Each journal has connections and threads of its own, as a process has."""

    async def attempt(number: int) -> str | None:
        try:
            await shop.pay(f"Heron {number}")
        except BudgetExceeded as refused:
            return str(refused)
        return None

    async def work() -> tuple[list[str | None], int]:
        said = await asyncio.gather(*(attempt(number) for number in range(20)))
        return said, len(await shop.process().tasks())

    said, recorded = asyncio.run(work())

    assert (said.count(None), recorded) == (3, 3)
    words = (
        "allows 3 tasks in 24 hours, and there were 3. The next one is possible in about 24 hours."
    )
    assert {each for each in said if each} == {f"The budget is used up: max_tasks_per_day {words}"}


@ON_BOTH
def test_the_last_dollar_is_spent_once(shop: Shop) -> None:
    shop.budget = Budget(max_cost_per_day=1.1)

    async def attempt(number: int) -> bool:
        try:
            await shop.pay(f"Heron {number}", 0.35)
        except BudgetExceeded:
            return False
        return True

    async def work() -> list[bool]:
        return await asyncio.gather(*(attempt(number) for number in range(12)))

    assert asyncio.run(work()).count(True) == 3
