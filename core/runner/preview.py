"""What would happen if a video were requested: nothing is paid, and nothing is written."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import httpx
from attrs import frozen

from ..errors import Kling26Error, SettingsError
from ..http.client import ProviderClient
from ..http.pacing import now
from ..journal.journal import Journal
from ..journal.task import Passed, Task
from ..money import Balance, Price, in_usd
from ..options import is_number
from ..plugins import Registry
from ..provider import Provider
from ..request import VideoRequest
from ..spending import Budget, Spent, check
from .auto import choose
from .order import Order, Target
from .prices import Prices

#: How long a provider may take to tell the balance, in seconds.
_TIMEOUT = 10.0


@frozen
class Preview:
    """
    What a request would do: "pay", "join" a `task` that is being made, or "reuse" its video.

    `price` is that of a new video, and all None for one that is not paid for. `spent` is None
    without a budget, and `balance` if nobody knows it. `passed` are the providers that "auto" would
    pass over, and why.
    """

    would: Literal["pay", "join", "reuse"]
    provider: Provider
    request: VideoRequest
    options: dict[str, object]
    task: Task | None
    price: Price
    budget: Budget
    spent: Spent | None
    balance: Balance | None
    #: Why the balance is not known, if the provider has said something else.
    problem: Kling26Error | None = None
    passed: Sequence[Passed] = ()


async def preview(
    order: Order,
    journal: Journal,
    prices: Prices,
    registry: Registry,
    sandbox: bool,
    deadline: float,
) -> Preview:
    """
    What an order would do, checked as it would be; no balance is waited for after the deadline.

    Raises `MissingKey`, `BudgetExceeded` and `PaymentForbidden`, as it would.
    """
    equal = await journal.find_equal(order.fingerprints)
    if equal is not None and not await journal.is_left(equal):
        return await _preview_of_known(order, equal, journal, deadline)
    budget = journal.budget()
    spent = await journal.spent(equal.id if equal else None) if budget.limited else None
    choice = await choose(order, prices)
    target, price = choice.target, choice.price
    if spent is not None and not sandbox:
        check(budget, spent, price.usd)
    await registry.events.before_paying(order.request, target.provider, price)
    return Preview(
        "pay", target.provider, order.request, target.own, equal, price, budget, spent,
        *await balance_if_known(target, deadline), choice.passed,
    )  # fmt: skip


async def _preview_of_known(order: Order, task: Task, journal: Journal, deadline: float) -> Preview:
    """What an order would do whose video was requested before, and is not paid for again."""
    budget = Budget()
    with suppress(SettingsError):  # What may be spent does not matter.
        budget = journal.budget()
    target = order.target_of(task) or order.targets[0]
    return Preview(
        "reuse" if task.standing == "stored" else "join",
        target.provider,
        order.request,
        target.own,
        task,
        Price(),
        budget,
        await journal.spent() if budget.limited else None,
        *await balance_if_known(target, deadline),
    )


async def balance_of(provider: Provider, client: ProviderClient) -> Balance:
    """What is left on the account with a provider; raises `Kling26Error`."""
    left: object = await client.ask(provider.balance())
    if not is_number(left):
        raise provider.unexpected(httpx.Response(0), "its plug-in found no balance")
    return Balance(float(left), provider.cost_unit, in_usd(provider, left, provider.cost_unit))


async def balance_if_known(
    target: Target, deadline: float
) -> tuple[Balance | None, Kling26Error | None]:
    """The balance, or why it is not known; neither where there is no way to ask, or no answer."""
    if not target.provider.can("balance"):
        return None, None
    try:
        async with asyncio.timeout(min(_TIMEOUT, deadline - now())):
            return await balance_of(target.provider, target.client), None
    except Kling26Error as error:
        return None, error
    except TimeoutError:
        return None, None
