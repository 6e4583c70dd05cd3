"""
The budget: what may be spent, and what has been.

A day is the last 24 hours, and an hour the last 60 minutes, so no time zone matters.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from attrs import frozen

from .errors import BudgetExceeded
from .money import amount, usd_text
from .text import join_sentences, span

HOUR, DAY = 3600.0, 86400.0
#: The names of the limits, as settings have them.
LIMITS = ("max_cost_per_day", "max_tasks_per_day", "max_tasks_per_hour")


@frozen
class Budget:
    """
    The most that may be spent, in USD and in tasks; None where there is no limit.

    `sources` says what has set each limit, to be named in the middle of a sentence.
    """

    max_cost_per_day: float | None = None
    max_tasks_per_day: int | None = None
    max_tasks_per_hour: int | None = None
    sources: Mapping[str, str] = MappingProxyType({})

    @property
    def limited(self) -> bool:
        return self.max_cost_per_day is not None or any(
            limit is not None for _, limit, _ in self.of_tasks
        )

    @property
    def of_tasks(self) -> Iterable[tuple[str, int | None, float]]:
        """The limits of numbers of tasks, each with its span in seconds."""
        return (
            ("max_tasks_per_hour", self.max_tasks_per_hour, HOUR),
            ("max_tasks_per_day", self.max_tasks_per_day, DAY),
        )

    def source(self, limit: str) -> str:
        return self.sources.get(limit, limit)


@frozen
class Allowance:
    """
    The most that the tasks with these fingerprints may cost in all, in USD and in their number.

    None where there is no limit. Whenever they were paid for, they count.
    """

    fingerprints: frozenset[str]
    max_cost: float | None = None
    max_tasks: int | None = None


@frozen
class Payment:
    """
    A task that is or may be paid for, perhaps several `times`, or is about to be.

    `age` is since when, in seconds ago; `usd` what it costs each time, None if unknown.
    """

    age: float
    usd: float | None
    times: int = 1


@frozen
class Spent:
    """What was paid in the last 24 hours, and the `dearest` price in USD that is known at all."""

    payments: tuple[Payment, ...] = ()
    dearest: float | None = None

    def tasks(self, length: float) -> int:
        """How many tasks there were in the last so many seconds."""
        return sum(each.times for each in self.payments if each.age < length)

    def usd(self, price: float | None = None) -> float:
        """What they cost, where `price` is that of the next task, or None."""
        return sum((self.counted(each.usd, price) or 0.0) * each.times for each in self.payments)

    def counted(self, *prices: float | None) -> float | None:
        """
        What a task counts as in USD whose price is the first of `prices`.

        If that is unknown, it counts as the dearest price that is known; None if none is.
        """
        first, *others = map(amount, prices)
        if first is not None:
            return first
        # A price of 0 says nothing about the others.
        return max((usd for usd in (*others, amount(self.dearest)) if usd), default=None)


@frozen
class Left:
    """What was spent of a budget, in USD, and what is left of it; None where there is no limit."""

    spent_usd: float
    left_usd: float | None
    tasks_left: int | None


def left(budget: Budget, spent: Spent) -> Left:
    """What is left of a budget."""
    usd, most = spent.usd(), budget.max_cost_per_day
    tasks = [
        max(0, limit - spent.tasks(length))
        for _, limit, length in budget.of_tasks
        if limit is not None
    ]
    return Left(
        spent_usd=round(usd, 6),
        left_usd=None if most is None else round(max(0.0, most - usd), 6),
        tasks_left=min(tasks, default=None),
    )


def caveat(budget: Budget, spent: Spent, price: float | None) -> str | None:
    """A sentence if the limit of the cost cannot hold, because no price is known at all."""
    if budget.max_cost_per_day is None or spent.counted(price) is not None:
        return None
    return (
        "Neither the price of this video nor that of one before it is known, so "
        f"{budget.source('max_cost_per_day')} cannot hold: only the number of tasks can be limited."
    )


def check(budget: Budget, spent: Spent, price: float | None) -> None:
    """
    Check that one more task may be paid for; raises `BudgetExceeded` if not.

    `price` is in USD; one that is unknown counts as the dearest known one.
    """
    for name, limit, length in budget.of_tasks:
        if limit is not None and spent.tasks(length) >= limit:
            raise _too_many(budget, name, limit, spent, length)
    most, cost = budget.max_cost_per_day, spent.counted(price)
    if most is None:
        return
    over = spent.usd(price) + (cost or 0.0) - most
    # Rounded, because sums of prices such as 0.1 are not exact. Something of which nothing is known
    # still costs something.
    if round(over, 6) > 0 or (cost is None and not most):
        raise _too_dear(budget, most, spent, price)


def check_allowance(allowance: Allowance, spent: Spent, price: float | None) -> None:
    """
    Check that one more of these tasks may be paid for; raises `BudgetExceeded` if not.

    `spent` is what they took so far, and `price` is in USD, as for `check`.
    """
    count, limit = sum(each.times for each in spent.payments), allowance.max_tasks
    if limit is not None and count >= limit:
        raise BudgetExceeded(
            f"max_tasks {limit} is reached: {count} of these videos "
            f"{'is' if count == 1 else 'are'} paid for, or set aside to be.",
            setting="max_tasks",
        )
    most, cost = allowance.max_cost, spent.counted(price)
    if most is None:
        return
    usd = spent.usd(price)
    # As for the budget: sums are not exact, and what is not known still costs something.
    if round(usd + (cost or 0.0) - most, 6) > 0 or (cost is None and not most):
        costs = "" if cost is None else f", which {_costs(price, cost)},"
        raise BudgetExceeded(
            f"These videos may cost {usd_text(most)} in all; {usd_text(usd)} has been spent or set "
            f"aside, and this one{costs} would be too much.",
            setting="max_cost",
        )


def _costs(price: float | None, cost: float) -> str:
    """What a video costs, or counts as, worded to follow its name."""
    if amount(price) is not None:
        return f"costs {usd_text(cost)}"
    return f"counts as {usd_text(cost)}, the dearest price known, because its own is not"


def _too_many(budget: Budget, name: str, limit: int, spent: Spent, length: float) -> BudgetExceeded:
    if not limit:
        return _nothing_allowed(budget, name)
    count = spent.tasks(length)
    recent = [(each.age, float(each.times)) for each in spent.payments if each.age < length]
    return BudgetExceeded(
        f"The budget is used up: {budget.source(name)} allows {limit} "
        f"{'task' if limit == 1 else 'tasks'} in {span(length)}, and there "
        f"{'was' if count == 1 else 'were'} {count}. The next one is possible in about "
        f"{_wait(recent, count - limit + 1, length)}.",
        setting=name,
    )


def _too_dear(budget: Budget, most: float, spent: Spent, price: float | None) -> BudgetExceeded:
    name = "max_cost_per_day"
    if not most:
        return _nothing_allowed(budget, name)
    cost, usd = spent.counted(price) or 0.0, spent.usd(price)
    paid = [
        (each.age, (spent.counted(each.usd, price) or 0.0) * each.times) for each in spent.payments
    ]
    wait = _wait(paid, usd + cost - most, DAY) if cost <= most else None  # None: for ever.
    return BudgetExceeded(
        join_sentences(
            f"The budget does not allow this video, which {_costs(price, cost)}: "
            f"{budget.source(name)} allows {usd_text(most)} in {span(DAY)}, and "
            f"{usd_text(usd)} has been spent or set aside.",
            f"It is possible in about {wait}." if wait else "",
        ),
        setting=name,
    )


def _nothing_allowed(budget: Budget, name: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"The budget allows no video to be paid for: {budget.source(name)} is 0.", setting=name
    )


def _wait(paid: Iterable[tuple[float, float]], excess: float, length: float) -> str:
    """
    How long it takes until the oldest of `paid` no longer count, which must make up `excess`.

    Each is how many seconds ago something was paid, and how much.
    """
    for age, much in sorted(paid, reverse=True):
        excess -= much
        if round(excess, 6) <= 0:
            return span(max(1.0, length - age))
    raise AssertionError("what is over the limit was paid")
