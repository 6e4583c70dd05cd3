"""
When to ask whether a task is finished: pure arithmetic, in seconds since the provider took it.

A schedule is made of knots. Between one knot and the next each task asks once, all of them at the
same fraction of the way, their phase: as seen by the provider, tasks that were submitted together
ask evenly. With a random phase, a task that ends where knots are `gap` seconds apart is noticed
`gap / 2` seconds late on average, and `gap` at the most.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, chain, repeat

from attrs import frozen

#: The longest time between two questions, in seconds.
LONGEST_GAP = 10.0
#: Schedules are worked out up to here, in seconds; afterwards, questions are the longest gap apart.
HORIZON = 4000.0
#: A question follows the last answer no sooner than this, in seconds.
_LEAST_WAIT = 0.3
#: This model usually takes 40 to 120 s. Questions are rare before that, but not too rare for what
#: takes 8 to 40 s to be noticed within 3 s, on average; and what comes after 12 s, as soon as any
#: video has been seen to, is noticed at once.
_EARLY = (0.0, 2.5, 7.0, 12.2, 13.4, 20.1, 26.7, 33.3, 40.0)
_USUAL_GAP, _USUAL_END = 1.95, 122.0
#: After the usual time: so many questions while the time doubles, and a half.
_TAIL = 50.0
#: A rehearsal takes some seconds, and asks nobody but us.
_REHEARSAL = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.5, 9.0)


@frozen
class PollSchedule:
    """The questions of one task: by its `knots`, and its `phase` (0 to 1)."""

    knots: Sequence[float]
    phase: float

    def wait(self, elapsed: float) -> float:
        """
        Seconds until the next question, `elapsed` seconds after the provider took the task.

        An elapsed time that cannot be, of a clock that was set, counts as none.
        """
        elapsed = max(0.0, elapsed)
        earliest = elapsed + _LEAST_WAIT
        number = max(1, bisect_right(self.knots, earliest))
        while (moment := self._question(number)) < earliest:
            number += 1
        return moment - elapsed

    def _question(self, number: int) -> float:
        """When the `number`-th question is asked (from 1)."""
        last = len(self.knots) - 1
        beyond = self.knots[last] - last * LONGEST_GAP
        before, after = (
            self.knots[each] if each <= last else beyond + each * LONGEST_GAP
            for each in (number - 1, number)
        )
        return after - self.phase * (after - before)


def phase_of(task: str) -> float:
    """The phase of a task, by its id: the same in every process."""
    digest = hashlib.sha256(task.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:6]) / 2**48


@cache
def usual_knots(rehearsal: bool = False) -> tuple[float, ...]:
    """The knots for tasks of which nothing is known."""
    early: tuple[float, ...] = _EARLY
    if rehearsal:
        early = (*_REHEARSAL, *(each for each in _EARLY if each > _REHEARSAL[-1]))
    return tuple(chain(early[:-1], _onwards(early[-1])))


def _onwards(start: float) -> Sequence[float]:
    def following(knot: float, _: object) -> float:
        return knot + (_USUAL_GAP if knot < _USUAL_END else min(LONGEST_GAP, knot / _TAIL))

    knots: list[float] = []
    for knot in accumulate(repeat(start), following):
        knots.append(knot)
        if knot > HORIZON:
            return knots
    raise AssertionError("the knots go on for ever")
