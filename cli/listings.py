"""The list of tasks."""

import time
from collections.abc import Sequence

from ..core.journal.task import Task
from ..core.money import cost_unit, usd_text
from ..core.plugins import Registry
from ..core.provider import Provider
from ..core.runner.absence import absence
from ..core.runner.results import cost_in_usd, likely_cost
from . import texts
from .money_texts import about, amount
from .tables import cells, columns, excerpt, paragraph, width

#: The shortest excerpt of a prompt, in characters.
_EXCERPT = 20
_INDENT = "    "


def task_list(tasks: Sequence[Task], registry: Registry) -> str:
    """Two or three lines per task: how it stands, its prompt, and what to know or do."""
    providers = registry.providers
    rows = [("TASK", "AGE", "PROVIDER", "STATE", "COST")]
    rows += [_row(task, providers.get(task.provider)) for task in tasks]
    heading, *lines = columns(rows)
    if max(map(cells, [heading, *lines])) > width():  # Rather no table than one with broken lines.
        heading = rows[0][0]
        lines = ["\n".join([row[0], *paragraph(_in_line(row), _INDENT)]) for row in rows[1:]]
    text = [heading]
    for task, line in zip(tasks, lines, strict=True):
        text += [line, _INDENT + excerpt(task.prompt, max(_EXCERPT, width() - len(_INDENT)))]
        known = texts.task_text(task, providers.get(task.provider), absence(task, registry))
        text += paragraph(known, _INDENT) if known else []
    return "\n".join(text)


def _in_line(row: Sequence[str]) -> str:
    return ", ".join(filter(None, row[1:]))


def _row(task: Task, provider: Provider | None) -> tuple[str, str, str, str, str]:
    cost = "" if task.sandbox else _cost(task, provider)
    where = {"sandbox": " (sandbox)", "loopback": " (this machine)"}.get(task.realm, "")
    return task.id, _age(task.created), task.provider + where, task.state, cost


def _cost(task: Task, provider: Provider | None) -> str:
    """What a task cost, or likely did, in USD if possible: a line has no room for more."""
    if task.cost is None:
        likely = likely_cost(task)
        return "" if likely is None else about(likely)
    usd = cost_in_usd(task, provider)
    if usd is not None:
        return usd_text(usd)
    return amount(task.cost, cost_unit(task.cost, task.cost_unit, provider))


def _age(since: float) -> str:
    """How long ago that was, in the largest unit that fits."""
    seconds = max(0.0, time.time() - since)
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"
