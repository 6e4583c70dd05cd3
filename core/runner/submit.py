"""
Submitting a task, and paying for it once.

The row is in the journal before anything is sent. The paid request is repeated only if it certainly
had no effect, or if our own id, unique at the provider, makes a repetition harmless.
"""

import asyncio
from functools import partial

import stamina

from ..errors import (
    Kling26Error,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Remedy,
    TryLater,
    Unavailable,
    Unreachable,
)
from ..http.client import AnswerLost
from ..http.pacing import RetryPolicy
from ..request import ImageFile, VideoRequest
from ..status import Ticket
from ..text import sentence
from .context import JobContext

#: The waits before each lookup of a task whose answer was lost, in seconds: a new task may take a
#: moment to show. After the last one, it counts as not accepted.
_SEARCH_WAITS = (0.0, 0.5, 1.5, 3.0, 4.0)
#: How often a request may be repeated under the same id of ours.
_MAX_SUBMISSIONS = 3


async def submit(context: JobContext) -> Ticket:
    """
    The ticket of the task, which is submitted unless it was before.

    The caller has to `accept` the ticket: until then, it is not in the journal. Raises
    `OutcomeUnknown` if nobody can say whether the task was accepted, another `ProviderError` if it
    certainly was not, and `TakenOver`.
    """
    if context.task.state == "unknown":
        return await _look_up(context)
    try:
        if context.task.sending is not None:
            return await _recover(context, "the program stopped before the answer arrived.")
        return await _submit_with_retries(context)
    except (TryLater, Unreachable, Unavailable) as error:
        if context.answer_lost:  # That the repetition was not accepted says nothing of the first.
            raise _unknown(context, f"an answer was lost, and then: {error}") from error
        raise


async def _submit_with_retries(context: JobContext) -> Ticket:
    """Submit; wait and retry as long as the provider certainly did not accept it."""
    context.report("submitting")
    request = await _with_uploaded_image(context)

    def on_wait(error: Kling26Error, wait: float) -> None:
        if isinstance(error, TryLater):
            context.limiter.pause(wait)
        context.report("waiting", message=f"{sentence(error)} Trying again in {wait:.0f} s.")

    temporary = (TryLater, Unreachable, Unavailable)
    policy = RetryPolicy(lambda: context.deadline, retry_on=temporary, on_wait=on_wait)
    async for attempt in stamina.retry_context(on=policy, attempts=None, timeout=None):
        with attempt:
            await _wait_for_turn(context)
            context.report("submitting")
            try:
                return await _send(context, request)
            except AnswerLost as lost:
                return await _recover(context, str(lost))
            except Refused as refusal:
                return await _find_duplicate(context, refusal)
    raise AssertionError("stamina ends with a result or an error")


async def _wait_for_turn(context: JobContext) -> None:
    """Wait for the rate limiter, until the deadline."""
    try:
        async with asyncio.timeout(max(0.0, context.remaining)):
            await context.limiter.acquire()
    except TimeoutError as error:
        title = context.provider.title
        raise TryLater(f"Time ran out while waiting for {title}'s rate limit.") from error


async def _send(context: JobContext, request: VideoRequest) -> Ticket:
    """
    Send the paid request, once.

    The journal records it beforehand, and afterwards if it had no effect. Until the ticket is
    accepted, the context is `paying`, so that closing the runner waits for the answer.
    """
    context.paying = True
    try:
        return await _pay(context, request)
    except BaseException:
        context.paying = False
        raise


async def _pay(context: JobContext, request: VideoRequest) -> Ticket:
    flow = context.provider.submit(request, context.options)
    try:
        return await context.client.pay(
            flow, context.mark_sent, timeout=max(1.0, context.remaining)
        )
    except AnswerLost as lost:
        ticket = context.provider.recover_ticket(lost.fragment, request)
        if ticket is None:
            raise
        return ticket
    except ProviderError:
        if not context.answer_lost:  # Certainly not accepted, so it may be sent again.
            await context.mark_unsent()
        raise


async def _recover(context: JobContext, lost: str) -> Ticket:
    """Find out what happened to a paid request whose answer was lost; `lost` says how."""
    context.answer_lost = True
    for _ in range(_MAX_SUBMISSIONS):
        if (ticket := await _search(context, lost)) is not None:
            return ticket
        # Not found: repeating it under the same id of ours, unique at the provider, is safe.
        try:
            return await _send(context, await _with_uploaded_image(context))
        except AnswerLost as again:
            lost = str(again)
        except Refused as refusal:
            return await _find_duplicate(context, refusal)
    raise _unknown(context, lost)


async def _find_duplicate(context: JobContext, refusal: Refused) -> Ticket:
    """A repetition may be refused because the first request was accepted under the same id."""
    if not context.answer_lost or not context.provider.can("find"):
        raise refusal
    lost = f"an earlier answer was lost, and then: {refusal}"
    ticket = await _search(context, lost)
    if ticket is None:
        raise _unknown(context, lost)
    return ticket


async def _look_up(context: JobContext) -> Ticket:
    """The ticket of an unknown task, which is looked up and never resubmitted here."""
    known = context.task.error  # The original error says more than a new one.
    try:
        ticket = await _search(context, "the answer to the paid request was lost.")
    except OutcomeUnknown as error:
        error.message = known or error.message
        raise
    if ticket is None:
        unknown = _unknown(context, "the answer to the paid request was lost.")
        unknown.message = known or unknown.message
        raise unknown
    return ticket


async def _search(context: JobContext, lost: str) -> Ticket | None:
    """
    Look the task up by our own id, several times within some seconds.

    Raises `OutcomeUnknown` if the provider cannot look it up, or not in time.
    """
    provider = context.provider
    if not provider.can("find"):
        raise _unknown(context, lost)
    message = f"{provider.title}: {sentence(lost)} Checking whether the request was accepted."
    context.report("submitting", message=message)
    find = partial(provider.find, await context.request())
    for wait in _SEARCH_WAITS:
        if wait >= context.remaining:
            raise _unknown(context, lost)
        await asyncio.sleep(wait)
        try:
            ticket = await context.client.ask_until(lambda: context.deadline, find)
        except ProviderError as error:
            raise _unknown(context, lost) from error
        if ticket is not None:
            return ticket
    return None


async def _with_uploaded_image(context: JobContext) -> VideoRequest:
    """The request, with its image uploaded if the provider has uploads."""
    request = await context.request()
    image = request.image
    if not isinstance(image, ImageFile) or not context.provider.can("upload"):
        return request
    context.report("uploading")
    upload = partial(context.provider.upload, image)
    return request.with_image(await context.client.ask_until(lambda: context.deadline, upload))


def _unknown(context: JobContext, lost: str) -> OutcomeUnknown:
    """The error that says what is known, and where to check."""
    provider = context.provider
    page = provider.tasks_page
    return OutcomeUnknown(
        f"{provider.title} may have accepted this request and charged for it: {sentence(lost)}",
        remedy=Remedy("resubmit" if page is None else "adopt", page=page),
    )
