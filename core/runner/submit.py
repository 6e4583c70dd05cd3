"""
Paying once.

The row is in the journal before anything leaves. The paid request is sent again only where it
certainly had no effect, or where our own id, unique at the provider, makes a repetition harmless.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import stamina

from ..errors import (
    Kling26Error,
    OutcomeUnknown,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
    Unreachable,
)
from ..http.client import AnswerLost, ProviderClient
from ..http.pacing import RetryPolicy, now
from ..provider import Flow, OpenTask
from ..request import ImageFile, VideoRequest
from ..status import Ticket
from ..text import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from .job import Job

T = TypeVar("T")

#: The waits between looking for a task whose answer was lost, in seconds: a provider may need a
#: moment until a new task shows. After them it counts as not taken.
_SEARCH_WAITS = (0.0, 0.5, 1.5, 3.0, 4.0)
#: How often a request may be sent under one own id.
_SUBMISSIONS = 3


class TakenOver(Exception):
    """Another worker carries the task on; this one has nothing to do with it any more."""


async def submit(job: "Job") -> Ticket:
    """The ticket of the job's task, submitting it if that has not been done."""
    if job.task.state == "unknown":
        return await _look_up(job)
    if job.task.sending is not None:
        return await _settle(job, _lost(job, "the program stopped before the answer came"))
    return await _submit_patiently(job)


async def _submit_patiently(job: "Job") -> Ticket:
    """Submit; wait and try again while the provider says that it did not take it."""
    job.tell("submitting")
    request = await _uploaded(job)

    def waiting(error: Kling26Error, wait: float) -> None:
        if isinstance(error, TryLater):
            job.gate.close(wait)
        job.tell("waiting", message=f"{error} Trying again in {wait:.0f} s.")

    not_taken = (TryLater, Unreachable, Unavailable)
    patience = RetryPolicy(lambda: job.deadline, again=not_taken, waiting=waiting)
    async for attempt in stamina.retry_context(on=patience, attempts=None, timeout=None):
        with attempt:
            await _turn(job)
            job.tell("submitting")
            try:
                return await _send(job, request)
            except AnswerLost as lost:
                return await _settle(job, lost)
            except Refused as refusal:
                return await _taken_before(job, refusal)
    raise AssertionError("stamina ends with a result or an error")  # pragma: no cover


async def _turn(job: "Job") -> None:
    """Wait for a turn at the provider's pace, until the deadline."""
    try:
        async with asyncio.timeout(max(0.0, job.remaining)):
            await job.gate.enter()
    except TimeoutError as error:
        title = job.provider.title
        raise TryLater(f"The time was up before {title} could be asked.") from error


async def _send(job: "Job", request: VideoRequest) -> Ticket:
    """
    Send the paid request, once.

    The journal knows before it leaves, when it had no effect, and what was answered. Until then
    the job is `paying`: whoever closes the runner waits for it.
    """

    async def leaving() -> None:
        if not await job.leave():
            raise TakenOver

    flow = job.provider.submit(request, job.options)
    job.paying = True
    try:
        ticket = await job.courier.pay(flow, leaving, patience=max(1.0, job.remaining))
        return await job.accept(ticket)
    except AnswerLost as lost:
        salvaged = job.provider.recover_ticket(lost.fragment, request)
        if salvaged is None:
            raise
        return await job.accept(salvaged)
    except ProviderError:
        # Certainly not taken: whoever carries this on may send it again.
        await job.take_back()
        raise
    finally:
        job.paying = False


async def _settle(job: "Job", lost: AnswerLost) -> Ticket:
    """Find out what became of a paid request whose answer was lost."""
    for _ in range(_SUBMISSIONS):
        if (ticket := await _search(job, lost)) is not None:
            return await job.accept(ticket)
        # Not there: sending it under the same own id, unique at the provider, is safe.
        try:
            return await _send(job, await _uploaded(job))
        except AnswerLost as again:
            lost = again
        except Refused as refusal:
            return await _taken_before(job, refusal)
    raise _unknown(job, lost)


async def _taken_before(job: "Job", refusal: Refused) -> Ticket:
    """A repetition may be refused because its id is taken: then the first one is there."""
    if job.task.attempts == 1 or not job.provider.can("find"):
        raise refusal
    lost = _lost(job, f"an answer was lost, and then: {refusal}")
    ticket = await _search(job, lost)
    if ticket is None:
        raise _unknown(job, lost)
    return await job.accept(ticket)


async def _look_up(job: "Job") -> Ticket:
    """The ticket of an unknown task, which is looked for and never sent again by itself."""
    unknown = _unknown(job, _lost(job, "the answer to the paid request was lost"))
    if job.task.error:  # What was known when it happened says more.
        unknown = OutcomeUnknown(job.task.error)
    try:
        ticket = await _search(job, _lost(job, "its answer was lost"))
    except OutcomeUnknown as error:
        raise unknown from error
    if ticket is None:
        raise unknown
    return await job.accept(ticket)


async def _search(job: "Job", lost: AnswerLost) -> Ticket | None:
    """
    Ask for the task by our own id, several times over some seconds.

    Raises `OutcomeUnknown` where the provider cannot say or does not in time.
    """
    if not job.provider.can("find"):
        raise _unknown(job, lost)
    job.tell(
        "submitting",
        message=f"{job.provider.title}: {sentence(lost)} Looking whether it was taken.",
    )
    task = OpenTask(job.id, await job.request())
    for wait in _SEARCH_WAITS:
        if wait >= job.remaining:
            raise _unknown(job, lost)
        await asyncio.sleep(wait)
        try:
            find = partial(job.provider.find, task)
            ticket = await ask_patiently(job.courier, find, lambda: job.deadline)
        except ProviderError as error:
            raise _unknown(job, lost) from error
        if ticket is not None:
            return ticket
    return None


async def _uploaded(job: "Job") -> VideoRequest:
    """The request with its picture where the provider can fetch it."""
    request = await job.request()
    image = request.image
    if not isinstance(image, ImageFile) or not job.provider.can("upload"):
        return request
    job.tell("uploading")
    upload = partial(job.provider.upload, image)
    return request.with_image(await ask_patiently(job.courier, upload, lambda: job.deadline))


async def ask_patiently(
    courier: ProviderClient, flow: "Callable[[], Flow[T]]", deadline: "Callable[[], float]"
) -> T:
    """Run a free flow until the deadline, several times where that may help."""
    trouble = (TryLater, Unreachable, Unavailable, UnexpectedReply)
    patience = RetryPolicy(deadline, again=trouble)
    async for attempt in stamina.retry_context(on=patience, attempts=8, timeout=None):
        with attempt:
            try:
                async with asyncio.timeout(max(0.0, deadline() - now())):
                    return await courier.ask(flow())
            except TimeoutError as error:
                title = courier.provider.title
                raise Unavailable(f"{title} did not answer before the time was up.") from error
    raise AssertionError("stamina ends with a result or an error")  # pragma: no cover


def _lost(job: "Job", why: str) -> AnswerLost:
    return AnswerLost(why, fragment="", provider=job.provider.name)


def _unknown(job: "Job", lost: AnswerLost) -> OutcomeUnknown:
    """The error that says what is known, where to look and how to go on."""
    where = job.provider.tasks_page or f"your account at {job.provider.title}"
    return OutcomeUnknown(
        f"{job.provider.title} may have taken this video, and charged for it: {sentence(lost)} "
        f"Look at {where}. If the task is not there, this submits it again: "
        f"kling26 resubmit {job.id}"
    )
