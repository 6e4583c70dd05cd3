"""
Submitting a task, and paying for it once.

The row is in the journal before anything is sent, and there is room for the answer on disk. The
paid request is repeated only if it certainly had no effect, or if our own id, unique at the
provider, makes a repetition harmless.
"""

import asyncio
from functools import partial

import httpx
import stamina
from attrs import define, field

from ..errors import (
    BudgetExceeded,
    JournalError,
    Kling26Error,
    NotSent,
    PaymentForbidden,
    ProviderError,
    Refused,
    SettingsError,
    TryLater,
    Unavailable,
    Unreachable,
    UsageError,
)
from ..http.client import AnswerLost
from ..http.pacing import HURRIED_WAIT, RetryPolicy, asked_wait
from ..request import VideoRequest
from ..status import Ticket
from ..text import sentence, span
from .context import JobContext, TakenOver
from .limiter import Turn, TurnPassed
from .pictures import PictureMissing
from .settle import (
    STOPPED,
    judge,
    look_up,
    read_receipts,
    recovered,
    search,
    settle_unsent,
    unknown,
)
from .terms import LATE

#: How many answers may be lost, one after the other, under the same id of ours.
_MAX_LOSSES = 4
#: How long the answer to a paid request is waited for at the least, in seconds.
_MIN_TIMEOUT = 5.0
#: How long all processes wait when the provider does not say how long, in seconds.
_LEAST_PAUSE = 1.0


_NOT_ACCEPTED = (Refused, TryLater, Unreachable, Unavailable)
_NOT_SENT = (PictureMissing, BudgetExceeded, NotSent, PaymentForbidden, SettingsError)


async def submit(context: JobContext) -> Ticket:
    """
    The ticket of the task, which is submitted unless it was before.

    The caller has to `accept` the ticket: until then, it is not in the journal. Raises
    `OutcomeUnknown` if nobody can say whether the task was accepted, another `ProviderError` if it
    certainly was not, `JournalError` if nothing was sent because it could not be recorded or the
    picture is not here, and `TakenOver`.
    """
    if context.task.attempts and (ticket := await _settle_earlier(context)) is not None:
        return ticket
    if context.task.state == "unknown":
        return await look_up(context)
    try:
        return await _Submission(context).run()
    except (*_NOT_ACCEPTED, *_NOT_SENT) as error:
        # That a repetition was not accepted, or sent, says nothing about the first request.
        if context.lost is not None or context.resubmitted:
            raise unknown(context, f"an answer was lost, and then: {error}") from error
        if isinstance(error, PictureMissing):  # Whoever has the picture may still send it.
            raise JournalError(str(error)) from error
        if isinstance(error, TryLater):
            _say_why_not_waited(error, context.remaining)
        raise


async def _settle_earlier(context: JobContext) -> Ticket | None:
    """
    The ticket of an earlier attempt, if its answer was kept.

    Raises the refusal, if that is what was answered.
    """
    earlier, task = await read_receipts(context), context.task
    refusal = earlier.refusal(task.attempts)
    if earlier.tickets:
        for other in earlier.tickets[1:]:
            context.tell_of_another(other, earlier.tickets[0])
        return earlier.tickets[0]
    if task.state == "submitting" and task.sending is None:
        context.resubmitted = earlier.lost or task.remedy is not None
        return None
    if refusal is not None:
        await settle_unsent(context)
    elif task.state == "submitting":
        context.lost = STOPPED
    if isinstance(refusal, Refused):
        raise refusal
    return None


def _say_why_not_waited(error: TryLater, remaining: float) -> None:
    asked = error.retry_after
    if asked is not None and asked >= remaining:
        error.message = f"{sentence(error)} It asked for {span(asked)}, more than the time left."


# -- submitting --------------------------------------------------------------------------------


@define
class _Submission:
    """Submits a task: waits as long as it is not accepted, and settles what was lost."""

    context: JobContext
    _losses: int = field(init=False)
    #: The request with its images uploaded.
    _request: VideoRequest | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._losses = 0 if self.context.lost is None else 1

    async def run(self) -> Ticket:
        if self.context.lost is None:
            await _ask_plug_ins(self.context)
        temporary = (TryLater, Unreachable, Unavailable)
        context = self.context
        policy = RetryPolicy(
            lambda: context.deadline, temporary, self._on_wait, hurried=context.hurried
        )
        try:
            async for attempt in stamina.retry_context(on=policy, attempts=None, timeout=None):
                with attempt:
                    return await self._try()
        finally:
            context.too_late = policy.too_late
        raise AssertionError("stamina ends with a result or an error")

    def _on_wait(self, error: Kling26Error, wait: float) -> None:
        if isinstance(error, TryLater):
            self.context.limiter.hold(wait)
        self.context.report_wait(error, wait)

    async def _try(self) -> Ticket:
        """Send the request, and again after each loss for which nothing is found."""
        context = self.context
        while True:
            if context.lost is not None:
                if (ticket := await search(context, context.lost)) is not None:
                    return ticket
                if self._losses >= _MAX_LOSSES:
                    raise unknown(context, context.lost)
            request = await self._with_uploaded_images()
            context.report("submitting")
            _check_time(context)
            turn = await _wait_for_turn(context)
            try:
                async with context.client.concurrency.payments.slot():
                    _check_time(context)
                    context.report("submitting")
                    return await _send(context, request, turn)
            except TurnPassed:
                continue
            except AnswerLost as lost:
                context.lost = str(lost)
                self._losses += 1
            except Refused as refusal:
                if context.lost is None:
                    raise
                return await judge(context, refusal)

    async def _with_uploaded_images(self) -> VideoRequest:
        """The request, with its images uploaded if the provider has uploads."""
        if self._request is None:
            self._request = await _upload(self.context)
        return self._request


async def _ask_plug_ins(context: JobContext) -> None:
    """Raise `PaymentForbidden` if a plug-in does not let the task be paid for."""
    if context.events.asked:
        request = await context.request()
        price = await context.prices.of(request, context.target)
        await context.events.before_paying(request, context.provider, price)


async def _upload(context: JobContext) -> VideoRequest:
    request, provider = await context.request(), context.provider
    if not provider.can("upload"):
        return request
    urls: dict[str, str] = {}
    for option, image in request.files.items():
        context.report("uploading")
        upload = partial(provider.upload, image)
        async with context.uploading:
            url: object = await context.client.ask_until(
                lambda: context.deadline, upload, context.report_wait, hurried=context.hurried
            )
        if not isinstance(url, str) or not url:  # Without it, another video would be paid for.
            raise provider.unexpected(httpx.Response(0), "its plug-in found no URL of the upload")
        urls[option] = url
    return request.with_urls(**urls)


def _check_time(context: JobContext) -> None:
    if context.remaining <= 0:
        raise _late(context, "Time ran out before the request was sent.")


def _late(context: JobContext, problem: str) -> Kling26Error:
    """The error for a request that has no time left; one of many was just held back by that."""
    if context.terms.late and not context.task.attempts:
        return NotSent(LATE)
    return TryLater(problem)


async def _wait_for_turn(context: JobContext) -> Turn:
    """Wait for the rate limiter, until the deadline."""
    title = context.provider.title

    def tell() -> None:
        message = f"Waiting: {title} takes only so many tasks at a time."
        context.report("waiting", message=message, turn=True)

    # Whoever comes next, if others could make it too, needs some of the time.
    most = min(context.remaining / 2, HURRIED_WAIT) if context.hurried else context.remaining
    try:
        async with asyncio.timeout(max(0.0, most)):
            return await context.limiter.acquire(tell)
    except TimeoutError as error:
        problem = f"Time ran out while waiting for {title}'s rate limit."
        raise _late(context, problem) from error


async def _send(context: JobContext, request: VideoRequest, turn: Turn) -> Ticket:
    """
    Send the paid request, once.

    The journal records it beforehand, and afterwards if it had no effect. Until the ticket is
    accepted, the context is `paying`, so that closing the runner waits for the answer.
    """
    context.paying = True
    try:
        return await _pay(context, request, turn)
    except BaseException:
        context.paying = False
        raise


async def _pay(context: JobContext, request: VideoRequest, turn: Turn) -> Ticket:
    flow = context.provider.submit(request, context.options)
    before, leave = partial(_before_sending, context), partial(_leave, context, turn)
    timeout = max(_MIN_TIMEOUT, context.remaining)
    try:
        return await context.client.pay(flow, before, context.answers.keep, timeout, leave)
    except AnswerLost as lost:
        ticket = recovered(context, lost, request)
        context.report("note", message="The answer came damaged, but the task's id is in it.")
        return ticket
    except ProviderError as error:
        if context.lost is None:  # Certainly not accepted, so it may be sent again.
            await context.mark_unsent()
        if isinstance(error, TryLater) and not isinstance(error, TurnPassed):
            await context.limiter.pause(max(_LEAST_PAUSE, asked_wait(error, None)))
        raise


async def _before_sending(context: JobContext) -> None:
    await context.answers.reserve(context.task.attempts + 1)
    try:
        await context.mark_sent()
    except (UsageError, JournalError, TakenOver):
        await context.answers.release()
        raise


async def _leave(context: JobContext, turn: Turn) -> None:
    """Keep the pace until the very end: what comes before may have taken long."""
    try:
        await turn.leave()
    except JournalError:
        if context.lost is None:
            await context.mark_unsent()
        raise
