"""A row in the journal for an order: a new one, or that of an equal request before it."""

import asyncio
from contextlib import suppress

from ..errors import JournalError, SettingsError
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import Task
from ..money import usd_text
from ..progress import Progress
from ..spending import Allowance, caveat
from ..text import join_sentences, sanitize
from .auto import Choice, choose
from .jobs import OVERRUN
from .order import Order
from .pictures import drop_pictures, save_pictures
from .prices import Prices
from .terms import FREELY, Terms


async def claim(
    order: Order, journal: Journal, store: Store, prices: Prices
) -> tuple[Task, Choice | None]:
    """
    The journal's row for an order; for a new one, who is to make it, and None if it existed before.

    Raises `MissingKey`, `BudgetExceeded` and `NotSent`, among others, before there is one.
    """
    equal = await journal.find_equal(order.fingerprints)
    if equal is not None:
        # A stored video is written at once, and one on its way must not wait for a writer.
        if equal.standing != "stored" and order.output is not None:
            with suppress(JournalError, TimeoutError):  # It may be paid for: never give up.
                async with asyncio.timeout(OVERRUN):
                    await journal.request_output(equal.id, order.output)
        return equal, None
    order = order.to_be_paid()
    choice = await choose(order, prices)  # Without a key, there must be no row.
    store.prepare()
    names = await save_pictures(store, order.request.files)
    draft = order.draft(choice.target, choice.passed, names, journal.clock, choice.price.usd)
    new = False
    try:
        allowance = order.terms.allowance
        task, new = await journal.claim(draft, order.output, order.fingerprints, allowance)
    finally:
        if not new:
            await drop_pictures(store, journal, names.values())
    return task, choice if new else None


async def unlimited(task: Task, journal: Journal, terms: Terms = FREELY) -> Progress | None:
    """
    The report that the limit of the cost cannot hold for a new task, if no price is known.

    Of many that share their terms, it is told with the first.
    """
    if task.price_usd is not None or terms.told_unlimited:
        return None
    message = None
    if await _is_unlimited(terms.allowance, journal):
        message = "No price is known yet, so the limit of the cost cannot hold at first."
    elif not task.sandbox:
        message = await _budget_caveat(journal)
    if message is None or terms.told_unlimited:
        return None
    terms.told_unlimited = shared = terms is not FREELY
    return Progress(
        task.id, task.provider, "note", message=message, sandbox=task.sandbox, for_all=shared
    )


async def _budget_caveat(journal: Journal) -> str | None:
    with suppress(JournalError, SettingsError):  # It is recorded, so nothing holds it up any more.
        budget = journal.budget()
        if budget.max_cost_per_day is not None:
            return caveat(budget, await journal.spent(), None)
    return None


async def _is_unlimited(allowance: Allowance | None, journal: Journal) -> bool:
    if allowance is None or allowance.max_cost is None:
        return False
    with suppress(JournalError):
        return (await journal.spent_on(allowance.fingerprints)).counted(None) is None
    return False


def unused_callback(task: Task) -> Progress:
    """The report that a request gives another callback URL than the equal one before it."""
    before = f"with {sanitize(task.callback_url)}" if task.callback_url else "without one"
    message = f"The callback URL is not used: this video was requested before, {before}."
    return Progress(task.id, task.provider, "note", message=message, sandbox=task.sandbox)


def found(task: Task) -> Progress:
    """The report that an equal request was made before."""
    return Progress(
        task.id,
        task.provider,
        "found",
        since=task.submitted or task.created,
        standing=task.standing,
        sandbox=task.sandbox,
    )


def chosen(task: Task, choice: Choice) -> Progress:
    """The report on who makes the video, and who was passed over, and why."""
    title, usd = choice.target.provider.title, choice.price.usd
    price = "" if usd is None or task.sandbox else f" for {usd_text(usd)}"
    message = join_sentences(f"{title} makes the video{price}.", *choice.reasons)
    return Progress(task.id, task.provider, "note", message=message, sandbox=task.sandbox)
