"""
What is known of how long a provider's tasks take, and the best questions for that.

The later of two tasks that are equally likely to end at any moment needs no more questions than the
earlier one: it is the hazard that counts, the chance to end now of what has not ended yet. For a
given number of questions, the delay is least if their density is proportional to its square root.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import exp, log, pi, sqrt
from statistics import median

from attrs import Factory, define, frozen

from ..journal.reading import Took
from .schedule import HORIZON

#: So many times make a habit; so many of the newest ones count.
ENOUGH, NEWEST = 20, 50
#: How many were enough for the time that a progress bar shows.
_SHOWN = 20
#: How likely a time is that has nothing to do with the ones before, and between which seconds.
_SURPRISE, _SOONEST, _LATEST = 0.01, 2.0, 2000.0
#: How far from the time before the next one may be, in logarithms: what fits best is taken.
_WIDTHS = (0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4)
#: When fewer tasks than this part are left, they are late: so many questions, of the usual ones.
_RARE, _LATE = 0.04, 0.7
#: How many questions there are on average, of those without a history.
_SHARE = 0.9
#: The time between two questions, in seconds: at least the first. The second is not too long at any
#: time, nor is a quarter of the time so far, up to the third.
_SHORTEST_GAP, _LONG_GAP, _LONGEST_GAP = 0.5, 16.0, 30.0
#: A time that is so many times the median says nothing about the others.
_OUTLYING = 4.0
#: The moments that are looked at, evenly in logarithms, up to the horizon.
_MOMENTS = 400
_STEP = log(HORIZON) / _MOMENTS
_EDGES = tuple(exp(_STEP * each) for each in range(_MOMENTS + 1))


@define
class Habits:
    """What a provider's latest tasks took, the newest first."""

    times: Sequence[Took] = ()
    _knots: dict[tuple[int, bool], Sequence[float]] = Factory(dict)

    def usual_time(self, duration: int) -> float | None:
        """How long such videos take, in seconds; None if unknown."""
        times = [each.most for each in self.times if each.duration == duration and each.most > 0]
        return median(times[:_SHOWN]) if times else None

    def knots(self, duration: int, sound: bool, usual: Sequence[float]) -> Sequence[float]:
        """The knots of a schedule for such a video; `usual` are those without a history."""
        kind = (duration, sound)
        if kind not in self._knots:
            times = self._like(duration, sound)
            self._knots[kind] = knots_for(times, usual) if times else usual
        return self._knots[kind]

    def _like(self, duration: int, sound: bool) -> Sequence[float]:
        """The times of the videos that are most like it, if there are enough."""
        same = [each for each in self.times if each.duration == duration]
        for group in ([each for each in same if each.sound == sound], same, self.times):
            times = [likely for each in group if (likely := each.likely) is not None]
            if len(times) >= ENOUGH:
                return times[:NEWEST]
        return []


def knots_for(times: Sequence[float], usual: Sequence[float]) -> Sequence[float]:
    """
    The knots for tasks that take such times, for fewer questions than with the `usual` ones.

    A task that takes longer than those ever did is asked for no more often than without them.
    """
    cells = _cells(times)
    # A few times of hours, when a machine slept, must not pay for more questions at all others.
    known = [cell for cell in cells if cell.start < _OUTLYING * max(1.0, median(times))]
    wanted = _SHARE * sum(cell.mass * _count(usual, cell.start) for cell in known)
    scale = wanted / sum(sqrt(cell.mass * cell.width * cell.left) for cell in known)

    def count(cell: _Cell) -> float:
        wanted = scale * sqrt(cell.mass * cell.width / cell.left)
        blind = min(max(_LONG_GAP, cell.start / 4), _LONGEST_GAP)
        return max(min(wanted, cell.most(usual)), cell.width / blind)

    return _inverted([0.0, *accumulate(map(count, cells))], len(usual))


def _count(knots: Sequence[float], moment: float) -> float:
    """How many questions there are until then, on average over all phases."""
    number = bisect_right(knots, moment)
    if number >= len(knots):
        return float(number)
    before, after = knots[number - 1], knots[number]
    return number - 1 + (moment - before) / (after - before)


def _inverted(counts: Sequence[float], most: int) -> list[float]:
    """When the counts are a half, one and a half, and so on: the first question is not wasted."""
    found: list[float] = []
    wanted = 0.5
    for number in range(1, len(counts)):
        while counts[number] >= wanted and len(found) < most:
            part = (wanted - counts[number - 1]) / (counts[number] - counts[number - 1])
            found.append(_EDGES[number - 1] + part * (_EDGES[number] - _EDGES[number - 1]))
            wanted += 1
    return found


# -- how likely each time is -------------------------------------------------------------------


@frozen
class _Cell:
    """The time between two moments, and how many of all tasks end then, or are `left` then."""

    start: float
    width: float
    mass: float
    left: float

    def most(self, usual: Sequence[float]) -> float:
        """How many questions there may be."""
        if self.left > _RARE:
            return self.width / _SHORTEST_GAP
        return _LATE * (_count(usual, self.start + self.width) - _count(usual, self.start))


def _cells(times: Sequence[float]) -> list[_Cell]:
    density = _density(times)
    total, left, cells = sum(density), 1.0, []
    for each, (start, end) in zip(density, pairwise(_EDGES), strict=True):
        mass = each / total
        cells.append(_Cell(start, end - start, mass, max(left - mass / 2, 1e-9)))
        left -= mass
    return cells


def _density(times: Sequence[float]) -> list[float]:
    """How likely it is to end between each moment and the next, all times a constant."""
    logs = [log(min(max(each, 1.0), HORIZON)) for each in times]
    fits = {width: _fit(logs, width) for width in _WIDTHS}
    best = max(fits.values())
    trust = {width: exp(fit - best) for width, fit in fits.items() if fit > best - 5}
    known = (1 - _SURPRISE) / len(logs) / sum(trust.values())
    return [
        _SURPRISE * _surprise(x)
        + known * sum(part * _bell(x - y, width) for width, part in trust.items() for y in logs)
        for x in (_STEP * (number + 0.5) for number in range(_MOMENTS))
    ]


def _fit(logs: Sequence[float], width: float) -> float:
    """How well each time is foreseen from all others, as a logarithm."""
    others = len(logs) - 1
    own = _bell(0.0, width)
    return sum(
        log(
            (1 - _SURPRISE) * (sum(_bell(x - each, width) for each in logs) - own) / others
            + _SURPRISE * _surprise(x)
        )
        for x in logs
    )


def _bell(distance: float, width: float) -> float:
    return exp(-0.5 * (distance / width) ** 2) / (width * sqrt(2 * pi))


def _surprise(x: float) -> float:
    inside = log(_SOONEST) <= x <= log(_LATEST)
    return 1 / log(_LATEST / _SOONEST) if inside else 1e-9
