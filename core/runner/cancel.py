"""Cancelling a task, where that is possible and free."""

from attrs import evolve, frozen

from ..errors import NotApplicable, ProviderError, SettingsError
from ..events import Events
from ..http.pacing import now
from ..journal.journal import Journal
from ..journal.task import Task
from ..rehearsal import of_money
from ..status import Ticket
from ..text import sentence
from .order import Target

#: How long to keep trying if the provider is unavailable, in seconds.
_TIMEOUT = 30.0


@frozen
class Cancellation:
    """
    The result of trying to cancel a task.

    `message` is a sentence on what really happened. A task that is not `cancelled` continues; how,
    its `standing` says.
    """

    task: Task
    cancelled: bool
    message: str


async def cancel(journal: Journal, events: Events, task: Task, target: Target) -> Cancellation:
    """Cancel a task; raises `NotApplicable` if it has already ended."""
    if task.state == "cancelled":
        return Cancellation(task, True, f"Task {task.id} is already cancelled.")
    if not task.open:
        raise NotApplicable(f"Task {task.id} is already {task.state}.", task=task.id)
    if (unsent := await journal.take_unsent(task)) is not None:
        await _record(journal, events, unsent, None)
        message = "The task is cancelled. Nothing had been sent, so it cost nothing."
        return Cancellation(await journal.get(task.id), True, message)
    title = target.provider.title
    if task.standing == "made":
        return Cancellation(task, False, f"The video is already finished at {title}.")
    if task.ticket is None:
        message = f"It is not known whether {title} accepted the task, so it cannot be cancelled."
        return Cancellation(task, False, message)
    if not target.provider.can("cancel"):
        paid = of_money(target.provider, "paid ")
        message = f"{title} cannot cancel tasks: the {paid}video is being made."
        return Cancellation(task, False, message)
    cancelled, message = await _ask(target, task.ticket)
    if cancelled:
        taken = await journal.take_cancelled(await journal.get(task.id))
        await _record(journal, events, taken, f"The task was cancelled at {title}.")
    return Cancellation(await journal.get(task.id), cancelled, message)


async def _record(journal: Journal, events: Events, task: Task | None, words: str | None) -> None:
    """Record that a task is cancelled, unless it has ended in another way meanwhile (None)."""
    if task is not None and task.owner is not None:
        moment = journal.clock()
        owner, task = task.owner, evolve(task, state="cancelled", finished=moment, error=words)
        if await journal.update(owner, "cancelled", last=True, finished=moment, error=words):
            await events.ended(task)


async def _ask(target: Target, ticket: Ticket) -> tuple[bool, str]:
    """Whether the provider cancelled the task, and a sentence on that."""
    provider, end = target.provider, now() + _TIMEOUT
    try:
        cancelled = await target.client.ask_until(lambda: end, lambda: provider.cancel(ticket))
    except (ProviderError, SettingsError) as error:
        return False, f"{sentence(error)} The task continues."
    if not cancelled:
        return False, f"{provider.title} is already making the video."
    return True, f"{provider.title} cancelled the task."
