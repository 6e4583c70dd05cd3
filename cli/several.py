"""Existing tasks that are finished together: their names on the display, and how they end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.journal.task import Task
from ..core.provider import Provider
from .display import Display
from .ends import end_of
from .estimate import pace_of
from .tables import excerpt
from .tally import Tally
from .texts import Providers

if TYPE_CHECKING:
    from ..core.runner.results import Outcome


def expect(display: Display, tasks: Sequence[Task], providers: Providers) -> Tally | None:
    """Let several tasks be shown by their ids and prompts, and counted; None for a single one."""
    if len(tasks) < 2:
        return None
    makers = [providers.get(task.provider) for task in tasks if task.standing == "unsent"]
    tally = display.expect(len(tasks), pace=pace_of(filter(None, makers)))
    for task in tasks:
        display.name(task.id, _label(task), task.standing in ("at_provider", "made"))
    return tally


def count(display: Display, outcome: "Outcome", provider: Provider | None) -> None:
    """Count how one of several tasks ended; the command says it."""
    if display.tally is not None:
        task = outcome.task
        end = end_of(task, provider, video=outcome.video, error=outcome.error)
        display.ended(_label(task), end, told=True)


def _label(task: Task) -> str:
    return f"{task.id} {excerpt(task.prompt, 30)}"
