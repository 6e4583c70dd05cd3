"""
Waiting for a task that the provider has taken.

No single answer ends it but the provider's own "done", "failed" or "cancelled": a broken, odd or
unwilling reply is asked for again.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from attrs import define

from ..errors import (
    KeyRejected,
    NoSuchTask,
    NotDelivered,
    OutcomeUnknown,
    ProviderError,
    ResultUnavailable,
    TaskCancelled,
    TaskFailed,
    TryLater,
)
from ..http.pacing import PollSchedule, backoff, now
from ..status import Status, Ticket
from ..text import sanitize, sentence

if TYPE_CHECKING:
    from .job import Job

logger = logging.getLogger("kling26")

#: How long "no such task", or a key that is no longer accepted, is believed to be a hiccup.
_DOUBT = 60.0
#: How long a success is waited for to say where its video is.
_LATE_URL = 30.0
_LATE_URL_WAIT = 2.0


async def wait(job: "Job", ticket: Ticket) -> Status:
    """
    The status of the finished task, which has a URL.

    Raises `TaskFailed` or `TaskCancelled`; `ResultUnavailable` if the URL does not come;
    `OutcomeUnknown` if the provider goes on saying that it does not know the task.
    """
    questions, done_at = _Questions(job, ticket), None
    waits = PollSchedule()
    await asyncio.sleep(next(waits))
    while True:
        status = await questions.ask()
        if status is not None:
            _judge(job, status)
            if status.url and status.state == "succeeded":
                return status
            if status.state == "succeeded":
                done_at = now() if done_at is None else done_at
                if now() - done_at >= _LATE_URL:
                    raise ResultUnavailable(
                        f"{job.provider.title} says the video is done, and does not say where. "
                        f"Ask again later: kling26 resume {job.id}"
                    )
        pause = _LATE_URL_WAIT if done_at is not None else next(waits)
        await asyncio.sleep(max(pause, questions.penalty))


def _judge(job: "Job", status: Status) -> None:
    """Tell how the task stands; raise if it has ended without a video."""
    if status.state == "failed":
        code = f" (code {status.code})" if status.code else ""
        reason = sentence(status.reason or "It gave no reason.")
        raise TaskFailed(
            f"{job.provider.title} could not make the video: {reason}{code}", code=status.code
        )
    if status.state == "cancelled":
        raise TaskCancelled(f"The video was cancelled at {job.provider.title}.")
    job.tell("queued" if status.state == "queued" else "running", position=status.position)


@define
class _Questions:
    """The questions about one task, and how long they have been going wrong."""

    job: "Job"
    ticket: Ticket
    #: Seconds to wait at least before the next question.
    penalty: float = 0.0
    _failures: int = 0
    _doubt_since: float | None = None

    async def ask(self) -> Status | None:
        """How the task stands; None if the answer was no use."""
        try:
            status = await self.job.courier.ask(self.job.provider.poll(self.ticket))
        except ProviderError as error:
            if isinstance(error, NoSuchTask) and await self.job.cancelled_elsewhere():
                return Status("cancelled")
            self._note(error)
            return None
        self.penalty, self._failures, self._doubt_since = 0.0, 0, None
        return status

    def _note(self, error: ProviderError) -> None:
        self._failures += 1
        self.penalty = min(backoff(self._failures), 15.0)
        if isinstance(error, TryLater):
            self.penalty = max(self.penalty, error.retry_after or 0.0)
        if isinstance(error, NoSuchTask | KeyRejected):
            self._doubt(error)
        else:
            self._doubt_since = None
        logger.info("Asking for task %s: %s", self.job.id, error)
        self.job.tell_again(str(error))

    def _doubt(self, error: ProviderError) -> None:
        """Give up on what the provider has been saying for a minute."""
        since = self._doubt_since = now() if self._doubt_since is None else self._doubt_since
        if now() - since < _DOUBT:
            return
        job = self.job
        go_on = f"then go on with: kling26 resume {job.id}"
        if isinstance(error, KeyRejected):
            raise NotDelivered(f"The video is paid for; mend the key, {go_on} ({error})") from error
        raise OutcomeUnknown(
            f"{error} It took the video as {sanitize(self.ticket.task_id)}, so it is paid for, or "
            f"was. Look at {job.provider.tasks_page or job.provider.title}, {go_on}"
        ) from error
