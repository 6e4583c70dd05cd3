"""
Finding out what became of a paid request whose answer was not read.

By what was kept of it, or by asking the provider for our own id.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial

import httpx
from attrs import Factory, frozen

from ..errors import (
    NetworkSettingsError,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Remedy,
    TryLater,
)
from ..http.client import AnswerLost, is_ticket
from ..http.exchange import Answer
from ..journal.receipts import Receipt
from ..rehearsal import of_money
from ..request import VideoRequest
from ..status import Ticket
from ..text import sentence
from .context import JobContext

STOPPED = "the program stopped before the answer arrived."
#: The waits before each lookup of a task whose answer was lost, in seconds: a new task may take a
#: moment to show. After the last one, it counts as not accepted.
_SEARCH_WAITS = (0.0, 0.5, 1.5, 3.0, 4.0)
#: How a refusal may say that our own id is taken.
_TAKEN = re.compile(r"\b(already|duplicated?|not unique|must be unique|in use)\b", re.IGNORECASE)


@frozen
class Earlier:
    """
    What is known from the answers that were kept.

    `tickets` are in some of them. `refusals` has the "no" of each other attempt that had room for
    an answer, or None where the answer was lost.
    """

    tickets: Sequence[Ticket] = ()
    refusals: Mapping[int, ProviderError | None] = Factory(dict)

    @property
    def lost(self) -> bool:
        """Whether an attempt is known whose outcome is not."""
        return None in self.refusals.values()

    def refusal(self, attempt: int) -> ProviderError | None:
        """The "no" to the latest attempt, if every one was answered with a "no"."""
        return None if self.lost else self.refusals.get(attempt)


async def read_receipts(context: JobContext) -> Earlier:
    """Read the answers to earlier attempts again."""
    tickets: list[Ticket] = []
    refusals: dict[int, ProviderError | None] = {}
    for receipt in await context.answers.read():
        # The room was reserved, and then nothing was sent; or it was another provider's answer.
        if not context.task.settled < receipt.attempt <= context.task.attempts:
            continue
        if receipt.is_unsent:
            refusals[receipt.attempt] = TryLater("The request had not left.")
            continue
        try:
            tickets.append(await _reread(context, receipt))
        except (Refused, TryLater) as refusal:
            refusals[receipt.attempt] = refusal
        except ProviderError:  # Lost; or a question that precedes the payment cannot be asked now.
            refusals.setdefault(receipt.attempt, None)
    return Earlier(tickets, refusals)


async def report_others(context: JobContext, ticket: Ticket) -> None:
    """Tell of each task in the answers that were kept which is not the one with this ticket."""
    if context.task.attempts:
        for other in (await read_receipts(context)).tickets:
            context.tell_of_another(other, ticket)


async def _reread(context: JobContext, receipt: Receipt) -> Ticket:
    """What a kept answer says, which is what it would have said when it came."""
    request = context.task.request()
    if not receipt.status:
        fragment = receipt.content.decode("utf-8", "replace")
        lost = AnswerLost(STOPPED, fragment=fragment, provider=context.provider.name)
        return recovered(context, lost, request)
    reply = httpx.Response(receipt.status, headers=receipt.headers, content=receipt.content)
    problem = None if receipt.whole else "the program stopped while it came"
    flow = context.provider.submit(request, context.options)
    try:
        return await context.client.reread(flow, Answer(reply, problem))
    except AnswerLost as lost:
        return recovered(context, lost, request)


def recovered(context: JobContext, lost: AnswerLost, request: VideoRequest) -> Ticket:
    """The ticket in what did arrive of an answer; raises the loss if there is none."""
    try:
        ticket: object = context.provider.recover_ticket(lost.fragment, request)
    except Exception:  # noqa: BLE001 - a plug-in that fails here has found nothing.
        raise lost from None
    if not is_ticket(ticket):
        raise lost
    return ticket


async def judge(context: JobContext, refusal: Refused) -> Ticket:
    """
    Decide on a repetition that was refused, after an answer that was lost.

    The ticket, if the first request is found after all, which may be why. Raises the refusal if it
    is not, and `OutcomeUnknown` if the refusal says that our id is taken.
    """
    lost = f"an earlier answer was lost, and then: {refusal}"
    if (ticket := await search(context, lost)) is not None:
        return ticket
    conflict = refusal.reply is not None and refusal.reply.status_code == httpx.codes.CONFLICT
    if conflict or _TAKEN.search(str(refusal)) or context.id in str(refusal):
        raise unknown(context, lost)
    await settle_unsent(context)
    raise refusal


async def settle_unsent(context: JobContext) -> None:
    """Record that no attempt had an effect."""
    context.lost = None
    if await context.mark_unsent():  # Otherwise only the receipts say so.
        await context.answers.discard()


async def look_up(context: JobContext) -> Ticket:
    """The ticket of an unknown task, which is looked up and never resubmitted here."""
    known = context.task.error  # The original error says more than a new one.
    lost = f"the answer to the {of_money(context.provider, 'paid ')}request was lost."
    try:
        ticket = await search(context, lost)
    except OutcomeUnknown as error:
        error.message = known or error.message
        raise
    if ticket is None:
        nowhere = unknown(context, lost)
        nowhere.message = known or nowhere.message
        raise nowhere
    return ticket


async def search(context: JobContext, lost: str) -> Ticket | None:
    """
    Look the task up by our own id, several times within some seconds.

    Raises `OutcomeUnknown` if the provider cannot look it up, or not in time, and
    `NetworkSettingsError`.
    """
    provider = context.provider
    if not provider.can("find"):
        raise unknown(context, lost)
    message = f"{provider.title}: {sentence(lost)} Checking whether the request was accepted."
    context.report("submitting", message=message)
    find = partial(provider.find, context.task.request())
    for wait in _SEARCH_WAITS:
        if wait >= context.remaining:
            raise unknown(context, lost)
        await asyncio.sleep(wait)
        try:
            ticket: object = await context.client.ask_until(
                lambda: context.deadline, find, context.report_wait
            )
        except NetworkSettingsError:
            raise  # The user can mend it, and ask again.
        except ProviderError as error:
            raise unknown(context, lost) from error
        if is_ticket(ticket):
            return ticket
        if ticket is not None:
            raise unknown(context, lost)
    return None


def unknown(context: JobContext, lost: str) -> OutcomeUnknown:
    """The error that says what is known, and where to check."""
    provider = context.provider
    page = provider.tasks_page
    paid = of_money(context.provider, " and charged for it")
    return OutcomeUnknown(
        f"{provider.title} may have accepted this request{paid}: {sentence(lost)}",
        remedy=Remedy("resubmit" if page is None else "adopt", page=page),
    )
