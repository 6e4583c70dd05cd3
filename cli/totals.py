"""Which tasks are listed, and what they come to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum
from typing import get_args

from attrs import frozen

from ..core.journal.task import Task, TaskState
from ..core.money import USD, cost_unit, usd_text
from ..core.plugins import Registry
from ..core.provider import AUTO, Provider
from ..core.runner.results import cost_in_usd, likely_cost
from ..core.text import join_words
from . import usage
from .money_texts import about, amount
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
    """What was spent by unit and in USD, what likely was, and on how many nobody knows what."""
    costs = _by_unit(tasks, providers)
    likely = _likely(tasks)
    rest = [task for task in tasks if _is_unknown(task, providers)]
    if not costs and not likely:
        yet = " yet" if all(_may_be_told(task, providers) for task in rest) else ""
        return f"; the cost of {len(rest)} is not known{yet}" if rest else ""
    sums = [amount(fsum(each), unit) for unit, each in costs.items()]
    if likely:
        on = f" on {len(likely)}" if costs or rest else ""
        sums.append(f"{about(fsum(likely))}{on}")
    sums += [f"an unknown sum on {len(rest)}"] if rest else []
    in_usd = "" if list(costs) == [USD] and not likely else _in_usd(tasks, providers)
    return f"; spent {join_words(sums, 'and')}{in_usd}"


def _by_unit(tasks: Sequence[Task], providers: Providers) -> dict[str, list[float]]:
    """The costs that are known, by their units."""
    costs: dict[str, list[float]] = {}
    for task in tasks:
        if task.cost is not None:
            unit = cost_unit(task.cost, task.cost_unit, providers.get(task.provider)) or ""
            costs.setdefault(unit, []).append(task.cost)
    return costs


def _likely(tasks: Sequence[Task]) -> list[float]:
    """What those whose cost nobody tells should have cost, in USD, as far as that is known."""
    return [usd for task in tasks if (usd := likely_cost(task)) is not None]


def _in_usd(tasks: Sequence[Task], providers: Providers) -> str:
    """What these come to in USD, as far as the cost of each is known there, or likely."""
    costs = [
        cost_in_usd(task, providers.get(task.provider)) for task in tasks if task.cost is not None
    ]
    known = [cost for cost in costs if cost is not None]
    if not known:
        return ""
    likely = _likely(tasks)
    complete = len(known) == len(costs) and not any(_is_unknown(task, providers) for task in tasks)
    least, total = "" if complete else "at least ", fsum([*known, *likely])
    return f" (in all {least}{about(total)})" if likely else f" ({least}{usd_text(total)})"


def _is_unknown(task: Task, providers: Providers) -> bool:
    """Whether a task may have cost something, and nobody knows what, or what it should cost."""
    if task.cost is not None or likely_cost(task) is not None:
        return False
    return task.standing in _PAID or _failed_at_cost(task, providers.get(task.provider))


def _failed_at_cost(task: Task, provider: Provider | None) -> bool:
    """Whether a task has failed at a provider who may charge for failures, too."""
    free = provider is not None and provider.charges_failures is False
    return task.state == "failed" and task.task_id is not None and not free


def _may_be_told(task: Task, providers: Providers) -> bool:
    """Whether the provider may still tell what a task cost."""
    if task.standing == "stored":
        provider = providers.get(task.provider)
        return provider is not None and provider.cost_comes_late
    return task.standing != "over"
