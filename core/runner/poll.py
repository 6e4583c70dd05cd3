"""
Waiting for a task that the provider has accepted.

A single answer ends the wait only if it is "succeeded", "failed" or "cancelled"; after errors,
unreadable answers and refusals, the provider is polled again.
"""

import asyncio
import logging

import httpx
from attrs import define, field

from ..errors import (
    KeyRejected,
    NetworkSettingsError,
    NoSuchTask,
    NotDelivered,
    OutcomeUnknown,
    ProviderError,
    Remedy,
    ResultUnavailable,
    TaskCancelled,
    TaskFailed,
    UnexpectedReply,
)
from ..http.pacing import LONGEST_QUESTION_WAIT, asked_wait, backoff, now
from ..progress import Phase
from ..refusals import reason_text
from ..rehearsal import of_money
from ..status import Status, Ticket
from ..text import sanitize, sentence
from .context import JobContext
from .schedule import PollSchedule, phase_of, usual_knots

logger: logging.Logger = logging.getLogger("kling26")

# Durations count the waits between polls, and so not the time that the process slept.
#: How long "no such task" or a rejected key may be a temporary fault, in seconds.
_DOUBT_TIME = 60.0
#: How long to wait for the URL after a success without one, and how often to poll, in seconds.
_URL_TIMEOUT = 30.0
_URL_WAIT = 2.0
#: The maximum wait after failures, in seconds.
_MAX_BACKOFF = 15.0
#: A task that the provider took longer ago than this may be done by now, in seconds.
_RESUMED = 2.0


async def poll(context: JobContext, ticket: Ticket) -> Status:
    """
    The status of the finished task, which has a URL.

    Raises `TaskFailed` or `TaskCancelled`; `ResultUnavailable` if there is no URL in time;
    `OutcomeUnknown` if the provider keeps saying that it does not know the task; `NotDelivered`
    if it keeps rejecting the key; and `NetworkSettingsError`.
    """
    await context.learn()
    poller = _Poller(context, ticket)
    while True:
        await asyncio.sleep(poller.next_wait())
        status = await poller.poll()
        if status is not None and poller.is_done(status):
            return status


@define
class _Poller:
    """Polls one task, and keeps track of what has gone wrong since when."""

    context: JobContext
    ticket: Ticket
    _schedule: PollSchedule = field(init=False)
    #: When the provider took the task, on the event loop's clock.
    _taken: float = field(init=False)
    #: Whether to ask at once, because the task may be done.
    _at_once: bool = field(init=False)
    #: When it was asked last without having finished; at first, when it took the task.
    _unfinished: float | None = field(init=False)
    #: The minimum wait before the next poll, in seconds.
    _backoff: float = field(default=0.0, init=False)
    _failures: int = field(default=0, init=False)
    #: How long it has been polled for, in seconds.
    _waited: float = field(default=0.0, init=False)
    _doubt_since: float | None = field(default=None, init=False)
    #: Since when the task has been reported as succeeded without a URL.
    _done_since: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        task, usual = self.context.task, usual_knots(self.context.task.sandbox)
        knots = self.context.habits.knots(task.duration, task.sound, usual)
        self._schedule = PollSchedule(knots, phase_of(task.id))
        elapsed = self.context.elapsed or 0.0
        self._taken, self._at_once = now() - elapsed, elapsed > _RESUMED
        self._unfinished = task.submitted

    def next_wait(self) -> float:
        """Seconds until the next poll."""
        wait = max(self._usual_wait(), self._backoff)
        self._waited += wait
        return wait

    def _usual_wait(self) -> float:
        if self._done_since is not None:
            return _URL_WAIT
        if self._at_once:
            self._at_once = False
            return 0.0
        return self._schedule.wait(now() - self._taken)

    async def poll(self) -> Status | None:
        """The status of the task; None if there was no usable answer."""
        context, asked = self.context, self.context.clock()
        try:
            status: object = await context.client.ask(context.provider.poll(self.ticket))
            if not isinstance(status, Status):
                problem = "its plug-in found no status"
                raise context.provider.unexpected(httpx.Response(0), problem)
        except NetworkSettingsError:
            raise  # No other poll will get through.
        except ProviderError as error:
            if isinstance(error, NoSuchTask):  # Somebody else may have cancelled it.
                await context.check_owner()
            self._record_failure(error)
            return None
        self._backoff, self._failures, self._doubt_since = 0.0, 0, None
        context.unreadable = None
        if status.state in ("queued", "running"):
            self._unfinished = asked
        return status

    def is_done(self, status: Status) -> bool:
        """Whether the video can be fetched; raises if there will be none."""
        context = self.context
        if status.state == "failed":
            raise _failure(context, status)
        if status.state == "cancelled":
            raise TaskCancelled(f"The task was cancelled at {context.provider.title}.")
        phase: Phase = "queued" if status.state == "queued" else "running"
        if status.state == "succeeded" and not status.url:
            message = f"{context.provider.title} has finished the video, but sent no URL yet."
            context.report(phase, message=message)
            self._wait_for_url()
        else:
            context.report(phase, position=status.position)
        if status.state != "succeeded" or not status.url:
            return False
        context.note(unfinished=self._unfinished)
        return True

    def _wait_for_url(self) -> None:
        since = self._done_since = self._waited if self._done_since is None else self._done_since
        if self._waited - since >= _URL_TIMEOUT:
            raise ResultUnavailable(
                f"{self.context.provider.title} says that the video is finished, but sent no URL "
                "that can be followed."
            )

    def _record_failure(self, error: ProviderError) -> None:
        self._failures += 1
        wait = min(backoff(self._failures), _MAX_BACKOFF)
        self._backoff = max(wait, asked_wait(error, LONGEST_QUESTION_WAIT))
        if isinstance(error, NoSuchTask | KeyRejected):
            self._check_doubt(error)
        else:
            self._doubt_since = None
        self.context.unreadable = str(error) if isinstance(error, UnexpectedReply) else None
        logger.info("Polling task %s: %s", self.context.id, error)
        self.context.report_message(str(error))

    def _check_doubt(self, error: ProviderError) -> None:
        """Raise if the provider has been saying this for a whole minute."""
        since = self._doubt_since = self._waited if self._doubt_since is None else self._doubt_since
        if self._waited - since < _DOUBT_TIME:
            return
        if isinstance(error, KeyRejected):
            paid = of_money(self.context.provider, "paid for, but ")
            message = f"{sentence(error)} The video is {paid}not here yet."
            raise NotDelivered(message, code=error.code, remedy=error.remedy) from error
        provider, task_id = self.context.provider, sanitize(self.ticket.task_id)
        paid = of_money(self.context.provider, ", so the video was paid for")
        raise OutcomeUnknown(
            f"{sentence(error)} It accepted the task as {task_id}{paid}.",
            remedy=Remedy("resume", page=provider.tasks_page),
        ) from error


def _failure(context: JobContext, status: Status) -> TaskFailed:
    reason = context.client.redact(reason_text(status.reason, status.code))
    code = None if status.code is None else context.client.redact(status.code)
    return TaskFailed(f"{context.provider.title} could not make the video: {reason}", code=code)
