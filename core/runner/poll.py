"""
Waiting for a task that the provider has taken.

No single answer ends it but the provider's own "done", "failed" or "cancelled": a broken, odd or
unwilling reply is asked for again.
"""

import asyncio
import logging

from attrs import define, field

from ..errors import (
    KeyRejected,
    NoSuchTask,
    NotDelivered,
    OutcomeUnknown,
    ProviderError,
    Remedy,
    ResultUnavailable,
    TaskCancelled,
    TaskFailed,
    TryLater,
)
from ..http.pacing import PollSchedule, backoff, now
from ..progress import Phase
from ..status import Status, Ticket
from ..text import sanitize, sentence
from .context import JobContext

logger: logging.Logger = logging.getLogger("kling26")

#: How long "no such task", or a key that is no longer accepted, is believed to be a hiccup.
_DOUBT_TIME = 60.0
#: How long a success may not say where its video is, and how often it is asked, in seconds.
_LATE_URL = 30.0
_LATE_URL_WAIT = 2.0
_LONGEST_PENALTY = 15.0


async def poll(context: JobContext, ticket: Ticket) -> Status:
    """
    The status of the finished task, which has a URL.

    Raises `TaskFailed` or `TaskCancelled`; `ResultUnavailable` if the URL does not come;
    `OutcomeUnknown` if the provider goes on saying that it does not know the task.
    """
    poller = _Poller(context, ticket)
    while True:
        await asyncio.sleep(poller.next_wait())
        status = await poller.ask()
        if status is not None and poller.is_done(status):
            return status


@define
class _Poller:
    """The questions about one task, and how long they have been going wrong."""

    context: JobContext
    ticket: Ticket
    _schedule: PollSchedule = field(factory=PollSchedule, init=False)
    #: Seconds to wait at least before the next question.
    _penalty: float = field(default=0.0, init=False)
    _failures: int = field(default=0, init=False)
    _doubt_since: float | None = field(default=None, init=False)
    #: Since when it is done without saying where the video is.
    _done_since: float | None = field(default=None, init=False)

    def next_wait(self) -> float:
        """Seconds until the next question."""
        usual = next(self._schedule) if self._done_since is None else _LATE_URL_WAIT
        return max(usual, self._penalty)

    async def ask(self) -> Status | None:
        """How the task stands; None if the answer was no use."""
        context = self.context
        try:
            status = await context.client.ask(context.provider.poll(self.ticket))
        except ProviderError as error:
            if isinstance(error, NoSuchTask) and await context.cancelled_elsewhere():
                return Status("cancelled")
            self._record_failure(error)
            return None
        self._penalty, self._failures, self._doubt_since = 0.0, 0, None
        return status

    def is_done(self, status: Status) -> bool:
        """Whether the video can be fetched; raises if there will be none."""
        context = self.context
        if status.state == "failed":
            raise _failure(context, status)
        if status.state == "cancelled":
            raise TaskCancelled(f"The task was cancelled at {context.provider.title}.")
        phase: Phase = "queued" if status.state == "queued" else "running"
        context.report(phase, position=status.position)
        if status.state == "succeeded" and not status.url:
            self._wait_for_url()
        return status.state == "succeeded" and bool(status.url)

    def _wait_for_url(self) -> None:
        since = self._done_since = now() if self._done_since is None else self._done_since
        if now() - since >= _LATE_URL:
            raise ResultUnavailable(
                f"{self.context.provider.title} says that the video is finished, but not where "
                "it is."
            )

    def _record_failure(self, error: ProviderError) -> None:
        self._failures += 1
        self._penalty = min(backoff(self._failures), _LONGEST_PENALTY)
        if isinstance(error, TryLater):
            self._penalty = max(self._penalty, error.retry_after or 0.0)
        if isinstance(error, NoSuchTask | KeyRejected):
            self._check_doubt(error)
        else:
            self._doubt_since = None
        logger.info("Asking for task %s: %s", self.context.id, error)
        self.context.report_message(str(error))

    def _check_doubt(self, error: ProviderError) -> None:
        """Give up on what the provider has been saying for a minute."""
        since = self._doubt_since = now() if self._doubt_since is None else self._doubt_since
        if now() - since < _DOUBT_TIME:
            return
        if isinstance(error, KeyRejected):
            paid = f"{sentence(error)} The video is paid for, and still to be fetched."
            raise NotDelivered(paid, code=error.code, remedy=error.remedy) from error
        provider = self.context.provider
        raise OutcomeUnknown(
            f"{sentence(error)} It had accepted the video as {sanitize(self.ticket.task_id)}, so "
            "the video was paid for.",
            remedy=Remedy("resume", page=provider.tasks_page),
        ) from error


def _failure(context: JobContext, status: Status) -> TaskFailed:
    code = f" (code {status.code})" if status.code else ""
    reason = sentence(status.reason or "It gave no reason.")
    title = context.provider.title
    return TaskFailed(f"{title} could not make the video: {reason}{code}", code=status.code)
