"""The budget in numbers: what may be spent, what counts as what, and what is said about it."""

from math import inf, nan

import pytest
from kling26.core.errors import BudgetExceeded
from kling26.core.spending import DAY, HOUR, Budget, Left, Payment, Spent, caveat, check, left

MINUTE = 60.0


def spent(*payments: tuple[float, float | None], dearest: float | None = None) -> Spent:
    """So many seconds ago, so many USD were paid."""
    return Spent(tuple(Payment(age, usd) for age, usd in payments), dearest)


def refusal(budget: Budget, was_spent: Spent, price: float | None = 0.35) -> str:
    """What is said of a task that is over the budget."""
    with pytest.raises(BudgetExceeded) as refused:
        check(budget, was_spent, price)
    return str(refused.value)


# -- what may be spent ---------------------------------------------------------------------------


def test_without_a_limit_nothing_is_limited() -> None:
    assert not Budget().limited
    check(Budget(), spent(*[(0.0, 1e6)] * 1000), 1e6)


@pytest.mark.parametrize(
    "budget", [Budget(max_cost_per_day=0.0), Budget(max_tasks_per_day=0), Budget(1.0)]
)
def test_any_limit_limits_also_one_of_0(budget: Budget) -> None:
    assert budget.limited


def test_the_last_task_that_is_allowed_may_be_paid_for() -> None:
    two = spent((1.0, 0.35), (2.0, 0.35))

    check(Budget(max_tasks_per_day=3, max_tasks_per_hour=3), two, 0.35)
    assert "allows 2 tasks in 24 hours" in refusal(Budget(max_tasks_per_day=2), two)
    assert "allows 2 tasks in 60 min" in refusal(Budget(max_tasks_per_hour=2), two)


def test_an_hour_is_the_last_sixty_minutes() -> None:
    budget = Budget(max_tasks_per_hour=1)

    check(budget, spent((HOUR, 0.35)), 0.35)
    assert refusal(budget, spent((HOUR - 1.0, 0.35)))


def test_a_task_that_may_be_paid_for_twice_counts_twice() -> None:
    twice = Spent((Payment(10.0, 0.35, times=2),))

    assert (twice.tasks(DAY), twice.usd()) == (2, 0.7)
    assert refusal(Budget(max_tasks_per_day=2), twice)


def test_a_limit_can_be_spent_to_the_last_cent() -> None:
    """Sums of such prices are not exact."""
    check(Budget(max_cost_per_day=0.3), spent((1.0, 0.1), (2.0, 0.1)), 0.1)
    assert refusal(Budget(max_cost_per_day=0.3), spent((1.0, 0.1), (2.0, 0.1), (3.0, 0.1)), 0.01)


def test_a_video_that_costs_nothing_is_never_too_dear() -> None:
    check(Budget(max_cost_per_day=0.35), spent((1.0, 0.35)), 0.0)
    check(Budget(max_cost_per_day=0.0), spent(), 0.0)


# -- prices that are unknown ---------------------------------------------------------------------


def test_an_unknown_price_counts_as_the_dearest_known_one() -> None:
    budget = Budget(max_cost_per_day=1.5)

    check(budget, spent((1.0, 0.35), dearest=1.0), None)
    assert refusal(budget, spent((1.0, 0.7), dearest=1.0), None)
    assert refusal(budget, spent((1.0, None), dearest=1.0), 0.7)


def test_the_price_of_this_very_task_is_a_known_one_too() -> None:
    assert spent((1.0, None), (2.0, None)).usd(0.7) == 1.4
    assert spent((1.0, None), dearest=0.35).usd(0.7) == 0.7
    assert refusal(Budget(max_cost_per_day=1.0), spent((1.0, None)), 0.7)


def test_a_price_of_0_is_not_taken_for_that_of_others() -> None:
    assert spent((1.0, None), dearest=0.0).counted(None) is None


def test_where_no_price_is_known_only_the_number_of_tasks_holds() -> None:
    unknown = spent((1.0, None), (2.0, None))

    check(Budget(max_cost_per_day=0.01), unknown, None)
    assert refusal(Budget(max_cost_per_day=0.01, max_tasks_per_day=2), unknown, None)


def test_a_limit_that_cannot_hold_says_so() -> None:
    budget = Budget(max_cost_per_day=1.0, sources={"max_cost_per_day": "KLING26_MAX_COST_PER_DAY"})

    assert caveat(budget, spent((1.0, None)), None) == (
        "Neither the price of this video nor that of one before it is known, so "
        "KLING26_MAX_COST_PER_DAY cannot hold: only the number of tasks can be limited."
    )


def test_a_limit_that_holds_says_nothing() -> None:
    assert caveat(Budget(max_cost_per_day=1.0), spent(), 0.35) is None
    assert caveat(Budget(max_cost_per_day=1.0), spent(dearest=0.35), None) is None
    assert caveat(Budget(max_tasks_per_day=1), spent(), None) is None


def test_what_is_known_of_no_price_is_still_not_free() -> None:
    assert refusal(Budget(max_cost_per_day=0.0), spent(), None)


@pytest.mark.parametrize("told", [nan, inf, -1.0])
def test_what_cannot_be_a_price_counts_as_unknown(told: float) -> None:
    """A provider's plug-in may tell anything; it must neither lift the limit nor use it up."""
    assert spent((1.0, told), dearest=0.7).usd() == 0.7
    assert refusal(Budget(max_cost_per_day=1.0), spent((1.0, 0.7), dearest=0.7), told)


# -- what is left --------------------------------------------------------------------------------


def test_what_is_left_is_what_the_nearest_limit_leaves() -> None:
    was_spent = spent((10.0, 0.35), (2 * HOUR, 0.7), (3 * HOUR, 0.7))

    assert left(Budget(2.0, 10, 4), was_spent) == Left(1.75, 0.25, 3)
    assert left(Budget(2.0, 5, 4), was_spent) == Left(1.75, 0.25, 2)
    assert left(Budget(max_tasks_per_day=2), was_spent) == Left(1.75, None, 0)
    assert left(Budget(max_cost_per_day=1.0), was_spent) == Left(1.75, 0.0, None)


# -- what is said --------------------------------------------------------------------------------

SOURCES = {
    "max_cost_per_day": "KLING26_MAX_COST_PER_DAY",
    "max_tasks_per_hour": '"max_tasks_per_hour" in /home/me/config.toml',
}


def test_too_many_tasks_are_told_with_the_limit_the_number_and_the_wait() -> None:
    budget = Budget(max_tasks_per_hour=2, sources=SOURCES)
    ages = spent((50 * MINUTE, 0.35), (20 * MINUTE, 0.35), (23 * HOUR, 0.35))

    assert refusal(budget, ages) == (
        'The budget is used up: "max_tasks_per_hour" in /home/me/config.toml allows 2 tasks in '
        "60 min, and there were 2. The next one is possible in about 10 min."
    )


def test_one_task_is_told_in_the_singular() -> None:
    assert refusal(Budget(max_tasks_per_day=1), spent((20 * HOUR, None))) == (
        "The budget is used up: max_tasks_per_day allows 1 task in 24 hours, and there was 1. "
        "The next one is possible in about 4 hours."
    )


def test_the_wait_lasts_until_enough_tasks_no_longer_count() -> None:
    """A limit that was lowered is not met again when the oldest task has gone."""
    ages = spent((10 * MINUTE, 0.35), (55 * MINUTE, 0.35), (40 * MINUTE, 0.35))

    assert "and there were 3. The next one is possible in about 50 min." in refusal(
        Budget(max_tasks_per_hour=1), ages
    )


def test_what_is_too_dear_is_told_with_the_price_the_limit_and_what_was_spent() -> None:
    budget = Budget(max_cost_per_day=1.0, sources=SOURCES)

    assert refusal(budget, spent((20 * HOUR, 0.275), (2 * HOUR, 0.5)), 0.35) == (
        "The budget does not allow this video, which costs 0.35 USD: KLING26_MAX_COST_PER_DAY "
        "allows 1.00 USD in 24 hours, and 0.775 USD has been spent or set aside. It is possible "
        "in about 4 hours."
    )


def test_what_is_too_dear_for_any_day_need_not_be_waited_for() -> None:
    assert refusal(Budget(max_cost_per_day=0.2), spent()).endswith(
        "and 0.00 USD has been spent or set aside."
    )


def test_that_a_price_is_unknown_is_told() -> None:
    assert (
        "this video, which counts as 0.70 USD, the dearest price known, because its own is not: "
        in refusal(Budget(max_cost_per_day=1.0), spent((1.0, 0.7), dearest=0.7), None)
    )


@pytest.mark.parametrize("budget", [Budget(max_cost_per_day=0.0), Budget(max_tasks_per_day=0)])
def test_a_limit_of_0_allows_nothing_however_long_one_waits(budget: Budget) -> None:
    said = refusal(budget, spent())

    assert said.startswith("The budget allows no video to be paid for: max_")
    assert said.endswith("_per_day is 0.")


def test_the_error_tells_programs_which_limit_it_was() -> None:
    with pytest.raises(BudgetExceeded) as refused:
        check(Budget(max_tasks_per_hour=0), spent(), None)

    assert refused.value.setting == "max_tasks_per_hour"
    assert refused.value.remedy
    assert (refused.value.remedy.do, refused.value.remedy.option) == (
        "change",
        "max_tasks_per_hour",
    )
