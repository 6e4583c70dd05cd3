"""A row in the journal for an order: a new one, or that of an equal request before it."""

import asyncio
from contextlib import suppress

from ..errors import JournalError
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import Task
from ..progress import Progress
from ..text import sanitize
from ..threads import in_thread
from .jobs import OVERRUN
from .order import Order
from .prices import Prices


async def claim(order: Order, journal: Journal, store: Store, prices: Prices) -> tuple[Task, bool]:
    """
    The journal's row for an order, and whether it existed before.

    Raises `MissingKey`, among others, before there is one.
    """
    equal = await journal.find_equal([order.fingerprint])
    if equal is not None:
        # A stored video is written at once, and one on its way must not wait for a writer.
        if equal.standing != "stored" and order.output is not None:
            with suppress(JournalError, TimeoutError):  # It may be paid for: never give up.
                async with asyncio.timeout(OVERRUN):
                    await journal.request_output(equal.id, order.output)
        return equal, True
    _ = order.target.client  # Without a key, there must be no row.
    price = await prices.of(order)
    store.prepare()
    names = {
        option: await in_thread(store.save_image, image)
        for option, image in order.request.files.items()
    }
    draft = order.draft(names, journal.clock, price.usd)
    task, new = await journal.claim(draft, order.output)
    return task, not new


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
