"""What was spent, for a front end to show: today and this month, on this machine's calendar."""

import time
from collections.abc import Iterable, Mapping
from math import fsum

from attrs import frozen

from ..journal.task import Task
from ..money import cost_unit
from ..provider import Provider
from .results import cost_in_usd, likely_cost


@frozen
class Total:
    """
    A sum: in USD, and by unit, for what nobody can say in USD.

    Where a provider tells no cost, it is the price as known before the run.
    """

    usd: float
    units: Mapping[str, float]


def total(tasks: Iterable[Task], providers: Mapping[str, Provider]) -> Total:
    """What these tasks cost, without rehearsals; `providers` are those that are installed."""
    usd: list[float] = []
    units: dict[str, list[float]] = {}
    for task in tasks:
        if task.sandbox:
            continue
        provider = providers.get(task.provider)
        known = _in_usd(task, provider)
        if known is not None:
            usd.append(known)
        elif task.cost is not None:
            unit = cost_unit(task.cost, task.cost_unit, provider) or ""
            units.setdefault(unit, []).append(task.cost)
    return Total(_sum(usd), {unit: _sum(costs) for unit, costs in units.items()})


def start_of_day(now: float) -> float:
    """When today began here, in seconds since the epoch, as `now` is."""
    here = time.localtime(now)
    return _midnight(here.tm_year, here.tm_mon, here.tm_mday)


def start_of_month(now: float) -> float:
    """When this month began here, in seconds since the epoch."""
    here = time.localtime(now)
    return _midnight(here.tm_year, here.tm_mon, 1)


def _in_usd(task: Task, provider: Provider | None) -> float | None:
    return likely_cost(task) if task.cost is None else cost_in_usd(task, provider)


def _midnight(year: int, month: int, day: int) -> float:
    return time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))  # -1: summer time as it is then.


def _sum(costs: Iterable[float]) -> float:
    return round(fsum(costs), 6)
