"""A job: everything this process does for a task, from its journal row to the stored video."""

import logging

from ..errors import (
    BudgetExceeded,
    JournalError,
    Kling26Error,
    NotDelivered,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    ResultUnavailable,
    SettingsError,
    TaskCancelled,
    TaskFailed,
    UsageError,
)
from ..journal.rows import Changes
from ..journal.task import Task, TaskState
from ..machine import lack
from ..rehearsal import of_money
from ..status import Status, Ticket
from ..text import sanitize, sentence
from .auto import Replaced, Turns, may_pass
from .context import JobContext, TakenOver
from .costs import ask_for_cost, cost_of
from .fetch import fetch
from .poll import poll
from .settle import report_others
from .submit import submit

logger: logging.Logger = logging.getLogger("kling26")


async def run(context: JobContext, turns: Turns) -> Task:
    """
    Run the task to its end; returns its row once the video is stored, or raises.

    If nobody wants more, the end is that the provider has taken it.
    """
    try:
        return await _run(context, turns)
    except (Replaced, TakenOver):
        raise
    except Kling26Error as error:
        ended = error
    except Exception as error:
        if context.task.standing == "unsent":
            raise
        # What is paid for stays so, whatever bug of ours or of a plug-in this is.
        ended = unexpected(error, context.id, NotDelivered)
    await _record_error(context, ended)
    raise ended.about(
        task=context.id, provider=context.provider.name, task_id=context.task.task_id
    ) from ended.__cause__


async def _run(context: JobContext, turns: Turns) -> Task:
    path, url = context.store.find(context.id, context.task.file), context.task.url
    if path is None:
        if context.ticket is not None:
            await report_others(context, context.ticket)
        ticket = context.ticket or await context.accept(await _submit(context, turns))
        if await context.tell_taken():
            return context.task
        status = context.result or await _mark_succeeded(context, await poll(context, ticket))
        path, url = await fetch(context, ticket, status)
        await ask_for_cost(context, ticket)
    context.stored = True
    await context.move("stored", last=True, file=str(path), url=context.without_key(url))
    context.report("stored")
    return context.task


async def _submit(context: JobContext, turns: Turns) -> Ticket:
    """The ticket of the task, which one provider after the other gets if it is for any."""
    while True:
        try:
            return await submit(context)
        except ProviderError as error:
            if context.too_late or context.remaining <= 0 or not may_pass(context.task, error):
                raise
            try:
                task, target = await turns.next(context.task, error, await context.pictures())
            except Replaced as replaced:
                context.report("note", message=f"{sentence(error)} {_joining(replaced, turns)}")
                raise
            await context.turn_to(task, target)
            message = f"{sentence(error)} Going on to {target.provider.title}."
            context.report("note", message=message)


def _joining(replaced: Replaced, turns: Turns) -> str:
    title = turns.resolver.maker_of(replaced.other).title
    return f"{title} makes the same video already, as {replaced.other.id}."


def unexpected(
    error: Exception, task: str, kind: type[Kling26Error] = Kling26Error
) -> Kling26Error:
    """An error that should not happen, in words; it is logged unless it is the machine's."""
    if (lacking := lack(error)) is not None:
        found = (UsageError if kind is Kling26Error else kind)(lacking)
    else:
        logger.error("Task %s", task, exc_info=error)
        found = kind(f"Something unexpected happened: {sanitize(repr(error), 200)}.")
    found.__cause__ = error
    return found


#: The states in which a task is over at its provider, without a video.
_OVER: tuple[TaskState, ...] = ("failed", "cancelled")


async def _mark_succeeded(context: JobContext, status: Status) -> Status:
    """Record that the video is finished, and its cost if known."""
    if context.task.state == "stored":  # It was here before, and stays so until it is again.
        return status
    changes: Changes = {"finished": context.clock(), "url": context.without_key(status.url)}
    changes |= cost_of(context.provider, status)
    await context.move("succeeded", **changes)
    return status


async def _record_error(context: JobContext, error: Kling26Error) -> None:
    """Record how the task ended, if the error ends it, and leave it to others."""
    unsent = context.task.standing == "unsent"
    if unsent and not isinstance(error, NotDelivered):
        paid = of_money(context.provider, " Nothing was paid.")
        error.message = f"{sentence(error, 1000)}{paid}"
    before = [each.why for each in context.task.passed if each.attempts]
    if before and not error.reasons:
        error.message = f"{sentence(error, 1000)} Passed over before: {' '.join(before)}"
    state = _final_state(error, context.task)
    if state is None or context.task.state == "stored":
        await context.give_up()
    else:
        changes: Changes = {"error": str(error), "code": error.code, "remedy": error.remedy}
        changes |= {"finished": context.clock()} if state in _OVER else {}
        await context.move(state, last=True, **changes)


def _final_state(error: Kling26Error, task: Task) -> TaskState | None:
    """The state that an error moves a task to; None if the state does not change."""
    states: list[tuple[type[Kling26Error], TaskState]] = [
        (TaskCancelled, "cancelled"),
        (TaskFailed, "failed"),
        (OutcomeUnknown, "unknown"),
        (ResultUnavailable, "succeeded"),
    ]
    for kind, state in states:
        if isinstance(error, kind):
            return state
    if task.standing != "unsent":
        return None
    # What is held back can be sent later, unless its provider was only the next in turn.
    can_wait = isinstance(error, BudgetExceeded | NotSent) and not task.passed
    # A setting of the network is a `ProviderError` too, which ends it.
    can_be_mended = isinstance(error, JournalError) or type(error) is SettingsError
    return None if can_wait or can_be_mended else "refused"
