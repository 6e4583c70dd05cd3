"""The results that callers get."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from attrs import frozen

from ..errors import JournalError, Kling26Error, NotDelivered, UsageError
from ..journal.task import Task
from ..money import USD, cost_unit, in_usd
from ..provider import Provider
from ..status import Standing
from ..text import join_sentences, sentence


@frozen
class Video:
    """
    A video on this machine.

    `file` is its path; `cost` is what the provider charged, if known, in `cost_unit`, and
    `cost_usd` is that in USD. `reused` means that the video was requested before, and that cost is
    none of this request's; `paid` is when the provider accepted it, in seconds since the epoch;
    `sandbox` means that it is a rehearsal.
    """

    task: str
    provider: str
    task_id: str | None
    url: str | None
    file: Path
    cost: float | None
    cost_unit: str | None
    reused: bool
    paid: float | None
    sandbox: bool = False
    cost_usd: float | None = None

    @classmethod
    def of(cls, task: Task, file: Path, reused: bool, provider: Provider | None) -> Self:
        """The video of a stored task; `provider` is None if it is no longer installed."""
        return cls(
            task=task.id,
            provider=task.provider,
            task_id=task.task_id,
            url=task.url,
            file=file,
            cost=task.cost,
            cost_unit=cost_unit(task.cost, task.cost_unit, provider),
            reused=reused,
            paid=task.submitted,
            sandbox=task.sandbox,
            cost_usd=cost_in_usd(task, provider),
        )


def cost_in_usd(task: Task, provider: Provider | None) -> float | None:
    """What a task cost in USD; None if that is not known. Old rows of the journal do not say."""
    unit = cost_unit(task.cost, task.cost_unit, provider)
    if task.cost_usd is not None or unit == USD:
        return task.cost if task.cost_usd is None else task.cost_usd
    return None if provider is None else in_usd(provider, task.cost, unit)


def likely_cost(task: Task) -> float | None:
    """
    What a task likely cost in USD, as known before it was sent, if nobody says what it did.

    None for one that was perhaps not taken, or has failed: perhaps it cost nothing.
    """
    paid = task.standing in ("at_provider", "made", "stored") and not task.sandbox
    return task.price_usd if paid and task.cost is None else None


@frozen
class Outcome:
    """How a task ended: its row, and either the video or the error."""

    task: Task
    video: Video | None
    error: Kling26Error | None


_PAID: Mapping[Standing, str] = {
    "unclear": "The video may have been paid for.",
    "at_provider": "The video is paid for.",
    "made": "The video is paid for.",
}


def of_paid(task: Task, error: Kling26Error, rehearsal: bool) -> Kling26Error:
    """The error for a task: a journal or a setting changes nothing about what is paid for."""
    if task.standing not in _PAID or not isinstance(error, JournalError | UsageError):
        return error
    known = "" if rehearsal else _PAID[task.standing]
    remedy = error.remedy if isinstance(error, UsageError) else None
    paid_for = NotDelivered(join_sentences(sentence(error, 1000), known), remedy=remedy)
    return paid_for.about(task=task.id, provider=task.provider, task_id=task.task_id)
