"""What videos cost, also where that is only known some time after they are finished."""

import asyncio
import logging

from ..errors import JournalError, Kling26Error
from ..journal.journal import Journal
from ..journal.rows import Changes
from ..journal.task import Task
from ..money import in_usd
from ..provider import Provider
from ..status import Status, Ticket
from ..text import sanitize
from .context import JobContext
from .order import Resolver, Target

logger: logging.Logger = logging.getLogger("kling26")

#: More than any video costs, in any unit: such a number is a mistake.
_MOST = 1e9
#: How long after the download a cost that comes late is asked for, in seconds.
_COST_WAITS = (0.0, 2.0)
#: How long the provider may take to tell it, in seconds.
_COST_TIMEOUT = 5.0
#: How long a cost that comes late is asked for, in seconds since the task was recorded.
_AGE = 7 * 24 * 3600.0


async def ask_for_cost(context: JobContext, ticket: Ticket) -> None:
    """Ask once more what the video cost, where that comes late; the video does not depend on it."""
    provider = context.provider
    if context.task.cost is not None or not provider.cost_comes_late:
        return
    for wait in _COST_WAITS:
        await asyncio.sleep(wait)
        try:
            cost = await _asked(context.target, ticket)
        except (Kling26Error, TimeoutError) as error:
            logger.info("The cost of task %s: %s", context.id, error)
            continue
        if cost:
            context.note(**cost)
            return


async def _asked(target: Target, ticket: Ticket) -> Changes:
    """What the provider says that a video cost; raises `Kling26Error` and `TimeoutError`."""
    async with asyncio.timeout(_COST_TIMEOUT):
        status: object = await target.client.ask(target.provider.poll(ticket))
    return cost_of(target.provider, status) if isinstance(status, Status) else {}


def cost_of(provider: Provider, status: Status) -> Changes:
    """What a video cost, as the journal has it."""
    if status.cost is None or not 0 <= status.cost <= _MOST:
        return {}
    unit = sanitize(status.cost_unit or provider.cost_unit, 40)
    usd = in_usd(provider, status.cost, unit)
    return {"cost": status.cost, "cost_unit": unit, "cost_usd": usd}


async def ask_for_late_costs(journal: Journal, resolver: Resolver) -> None:
    """Ask for the costs of stored videos that were not known yet when those were fetched."""
    late = [each.name for each in resolver.registry.providers.values() if each.cost_comes_late]
    try:
        tasks = await journal.without_cost(late, _AGE) if late else []
        await asyncio.gather(*(_ask_again(journal, resolver, task) for task in tasks))
    except JournalError as error:
        logger.info("The costs that come late: %s", error)


async def _ask_again(journal: Journal, resolver: Resolver, task: Task) -> None:
    assert task.ticket is not None
    try:
        target = resolver.target(task)
        cost = await _asked(target, task.ticket)
    except (Kling26Error, TimeoutError) as error:
        logger.info("The cost of task %s: %s", task.id, error)
        return
    owned = await journal.take_over(task) if cost else None
    if owned is not None and owned.owner is not None:
        await journal.update(owned.owner, "stored", last=True, **cost)
