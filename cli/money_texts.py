"""Sums of money, in words: what a video costs, what is left of it, and what may be spent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..core.money import USD, Balance, Price, usd_text
from ..core.spending import DAY, Budget, Spent, left
from ..core.text import sanitize, span

if TYPE_CHECKING:
    from ..core.provider import Provider


def amount(number: float, unit: str | None, usd: float | None = None) -> str:
    """
    A sum in the unit of a provider, and in USD where that is known and another one.

    >>> amount(0.3, "USD", 0.3), amount(110.0, "credits")
    ('0.30 USD', '110 credits')
    >>> amount(55.0, "credits", 0.275)
    '55 credits (0.275 USD)'
    """
    if unit == USD:
        return usd_text(number)
    shown = f"{round(number, 6):.12g} {sanitize(unit or '', 40)}".rstrip()
    return shown if usd is None else f"{shown} ({usd_text(usd)})"


def about(usd: float) -> str:
    """
    A sum that is an estimate.

    >>> about(0.21)
    'about 0.21 USD'
    """
    return f"about {usd_text(usd)}"


def price_text(price: Price, provider: "Provider") -> str:
    """
    What a video will cost, and who says so.

    >>> from kling26.providers.kie import Kie
    >>> price_text(Price(55.0, "credits", 0.275, "list"), Kie())
    '0.275 USD (55 credits), list price'
    >>> price_text(Price(110.0, "credits", None, "usual"), Kie()), price_text(Price(), Kie())
    ('usually 110 credits', 'price unknown')
    """
    if price.amount is None:
        return "price unknown"
    shown = amount(price.amount, price.unit)
    if price.usd is not None and price.unit != USD:
        shown = f"{usd_text(price.usd)} ({shown})"
    if price.source == "usual":
        return f"usually {shown}"
    source = "list price" if price.source == "list" else f"as {sanitize(provider.title, 60)} says"
    return f"{shown}, {source}"


def balance_text(balance: Balance) -> str:
    """
    What is left on an account.

    >>> balance_text(Balance(1234.0, "credits", 6.17))
    '1234 credits (6.17 USD)'
    """
    return amount(balance.amount, balance.unit, balance.usd)


def budget_text(budget: Budget, spent: Spent) -> str:
    """
    How far each limit of the budget is used, and what is left of it.

    >>> budget_text(Budget(5.0, max_tasks_per_hour=30), Spent())
    '0.00 of 5.00 USD spent in the last 24 hours, 5.00 USD left; 0 of 30 tasks in the last 60 min'
    """
    return "; ".join(_used(budget, spent))


def _used(budget: Budget, spent: Spent) -> Iterator[str]:
    most, rest = budget.max_cost_per_day, left(budget, spent).left_usd
    if most is not None and rest is not None:
        used = usd_text(spent.usd()).removesuffix(f" {USD}")
        yield f"{used} of {usd_text(most)} spent in the last {span(DAY)}, {usd_text(rest)} left"
    for _, limit, length in budget.of_tasks:
        if limit is not None:
            yield f"{spent.tasks(length)} of {limit} tasks in the last {span(length)}"
