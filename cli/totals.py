"""Which tasks are listed, and what they come to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum
from typing import get_args

from attrs import frozen

from ..core.journal.task import Task, TaskState
from ..core.money import USD, cost_unit, usd_text
from ..core.plugins import Registry
from ..core.provider import AUTO
from ..core.runner.results import cost_in_usd
from ..core.text import join_words
from . import usage
from .money_texts import amount
from .texts import Providers, count

#: What a task may have cost, if nobody has said how much.
_PAID = ("unclear", "at_provider", "made", "stored")


@frozen
class Wanted:
    """The tasks that are wanted: of a provider, and made at or after a moment; None: any."""

    provider: str | None = None
    youngest: float | None = None

    def among(self, tasks: Sequence[Task], registry: Registry) -> list[Task]:
        """
        The wanted ones of these tasks.

        Raises `UnknownProvider` for a name that is not installed, and that no task has; and
        `OptionRefused` for "auto", who makes no video.
        """
        name = self.provider
        if name == AUTO:
            raise usage.any_provider()
        if name is not None and all(task.provider != name for task in tasks):
            _ = registry[name]
        return [
            task
            for task in tasks
            if name in (None, task.provider) and task.created >= (self.youngest or 0.0)
        ]


def total_text(tasks: Sequence[Task], listed: int, providers: Providers) -> str:
    """
    How many tasks there are in each state, and what they cost; rehearsals apart.

    `listed` is how many of them are listed, if that is not all.
    """
    real = [task for task in tasks if not task.sandbox]
    rehearsals = [task for task in tasks if task.sandbox]
    latest = "latest" if listed == 1 else f"latest {listed}"
    verb = "is" if listed == 1 else "are"
    part = f"Only the {latest} of {len(tasks)} {verb} listed."
    sentences = [part] if listed < len(tasks) else []
    if real:
        sentences.append(f"{count(len(real), 'task')}: {_states(real)}{_spent(real, providers)}.")
    if rehearsals:
        counted = count(len(rehearsals), "rehearsal")
        sentences.append(f"{counted}, at no cost: {_states(rehearsals)}.")
    return " ".join(sentences)


def _states(tasks: Iterable[Task]) -> str:
    found = Counter(task.state for task in tasks)
    states: tuple[TaskState, ...] = get_args(TaskState)
    return join_words([f"{found[state]} {state}" for state in states if found[state]], "and")


def _spent(tasks: Sequence[Task], providers: Providers) -> str:
    """What was spent by unit and in USD, and how many tasks cost nobody knows what."""
    costs: dict[str, list[float]] = {}
    usd: list[float | None] = []
    for task in tasks:
        if task.cost is not None:
            provider = providers.get(task.provider)
            unit = cost_unit(task.cost, task.cost_unit, provider) or ""
            costs.setdefault(unit, []).append(task.cost)
            usd.append(cost_in_usd(task, provider))
    open_ended = sum(task.cost is None and _may_be_charged(task) for task in tasks)
    if not costs:
        return f"; the cost of {open_ended} is not known yet" if open_ended else ""
    sums = [amount(fsum(each), unit) for unit, each in costs.items()]
    sums += [f"an unknown sum on {open_ended}"] if open_ended else []
    in_usd = "" if list(costs) == [USD] else _in_usd(usd, not open_ended)
    return f"; spent {join_words(sums, 'and')}{in_usd}"


def _in_usd(costs: Sequence[float | None], complete: bool) -> str:
    """What costs come to in USD, as far as each is known there; `complete` if there are no more."""
    known = [cost for cost in costs if cost is not None]
    if not known:
        return ""
    least = "" if complete and len(known) == len(costs) else "at least "
    return f" ({least}{usd_text(fsum(known))})"


def _may_be_charged(task: Task) -> bool:
    """Whether a task may have cost something; some providers charge for failures, too."""
    return task.standing in _PAID or (task.state == "failed" and task.task_id is not None)
