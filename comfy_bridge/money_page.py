"""The routes about money: what is left at a provider, whether a key is good, and the budget."""

import asyncio
from typing import TYPE_CHECKING

from ..core.api import shared_runner
from ..core.errors import Unavailable, UnknownProvider
from ..core.money import Balance
from ..core.plugins import Registry
from ..core.provider import AUTO, Provider
from ..core.settings import Settings
from ..core.spending import LIMITS, Budget
from . import routes
from .routes import Answer, Call
from .running import DEFAULTS

if TYPE_CHECKING:
    from ..core.runner.key_check import KeyCheck

#: How long a provider may take to tell the balance, in seconds.
_PATIENCE = 15.0


def add_routes(registry: Registry) -> None:
    """Serve them."""

    async def balance(call: Call) -> Answer:
        name = named(registry, call).name
        return Answer(200, balance_object(await routes.on_background(_balance(name))))

    async def check(call: Call) -> Answer:
        name = named(registry, call).name
        key = call.text("key") if call.body else None  # A misspelt "key" is no wish for that.
        return Answer(200, check_object(await checked(name, key)))

    routes.add("GET", "/kling26/providers/{provider}/balance", balance)
    routes.add("POST", "/kling26/providers/{provider}/check", check)
    routes.add("GET", "/kling26/budget", _show_budget)
    routes.add("POST", "/kling26/budget", _set_budget)


def named(registry: Registry, call: Call) -> Provider:
    """The provider of a path; raises `UnknownProvider`."""
    name = call.parts["provider"].strip()
    if name == AUTO:
        raise UnknownProvider(call.words("routes.any_provider"))
    return registry[name]


async def checked(provider: str, key: str | None) -> "KeyCheck":
    """What a provider says of a key, or of the one that is kept; raises `Kling26Error`."""
    return await routes.on_background(_check(provider, key))


async def _check(provider: str, key: str | None) -> "KeyCheck":
    return await shared_runner(DEFAULTS).check_key(provider, key)


async def _balance(provider: str) -> Balance:
    runner = shared_runner(DEFAULTS)
    try:
        async with asyncio.timeout(_PATIENCE):
            return await runner.balance(provider)
    except TimeoutError as error:
        title = runner.registry[provider].title
        raise Unavailable(f"{title} did not answer in time.", provider=provider) from error


def balance_object(balance: Balance) -> dict[str, object]:
    return {"amount": balance.amount, "unit": balance.unit, "usd": balance.usd}


def check_object(check: "KeyCheck") -> dict[str, object]:
    """Whether a key is accepted (null: that cannot be told), and the balance."""
    return {
        "accepted": check.accepted,
        "balance": None if check.balance is None else balance_object(check.balance),
    }


# -- the budget --------------------------------------------------------------------------------


async def _show_budget(_: Call) -> Answer:
    return Answer(200, await asyncio.to_thread(_limits))


async def _set_budget(call: Call) -> Answer:
    return Answer(200, await asyncio.to_thread(_changed, call))


def _limits() -> dict[str, object]:
    return limits_object(Settings(defaults=DEFAULTS).budget)


def limits_object(budget: Budget) -> dict[str, object]:
    """The limits by their names; null is none."""
    return {name: getattr(budget, name) for name in LIMITS}


def _changed(call: Call) -> dict[str, object]:
    from ..core.budget_file import checked_limits, set_limits

    set_limits(Settings(), checked_limits(call.body))
    return _limits()
