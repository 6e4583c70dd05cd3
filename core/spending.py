"""The budget: what may be spent, and what has been."""

from attrs import frozen

from .errors import BudgetExceeded
from .text import span

HOUR, DAY = 3600.0, 86400.0


@frozen
class Budget:
    """
    The most that may be spent, in USD and in tasks; None where there is no limit.

    A day is the last 24 hours, and an hour the last 60 minutes, so no time zone matters.
    """

    max_cost_per_day: float | None = None
    max_tasks_per_day: int | None = None
    max_tasks_per_hour: int | None = None

    @property
    def limited(self) -> bool:
        return any(limit is not None for limit in (
            self.max_cost_per_day, self.max_tasks_per_day, self.max_tasks_per_hour
        ))  # fmt: skip


@frozen
class Spent:
    """
    What the tasks of the last 24 hours cost or will cost in USD, and how many there were.

    A task whose price nobody knows counts as the `dearest` known one. `unknown` is how many such
    tasks there were although no price is known at all: they are not in `usd`.
    """

    usd: float = 0.0
    tasks_in_day: int = 0
    tasks_in_hour: int = 0
    unknown: int = 0
    dearest: float | None = None


def check(budget: Budget, spent: Spent, price: float | None) -> None:
    """
    Check that one more task may be paid for; raises `BudgetExceeded` if not.

    `price` is in USD; one that is unknown counts as the dearest known one.
    """
    for limit, count, setting, length in (
        (budget.max_tasks_per_hour, spent.tasks_in_hour, "max_tasks_per_hour", HOUR),
        (budget.max_tasks_per_day, spent.tasks_in_day, "max_tasks_per_day", DAY),
    ):
        if limit is not None and count >= limit:
            raise BudgetExceeded(
                f"The budget is used up: {count} of {limit} tasks in the last {span(length)} "
                f"({setting}).",
                setting=setting,
            )
    cost = spent.dearest if price is None else price
    most = budget.max_cost_per_day
    # Rounded, because sums of prices such as 0.1 are not exact.
    if most is not None and cost is not None and round(spent.usd + cost - most, 6) > 0:
        raise BudgetExceeded(
            f"The budget does not allow this: {spent.usd:.2f} of {most:.2f} USD are spent in the "
            f"last {span(DAY)} (max_cost_per_day), and this video costs {_about(price)}{cost:.2f}.",
            setting="max_cost_per_day",
        )


def _about(price: float | None) -> str:
    return "up to " if price is None else ""
