"""How long the rest of a run will take, from what was seen of it and what is known before."""

from collections.abc import Iterable, Sequence

from attrs import define, field

from ..core.provider import Provider
from ..core.text import span
from .row import Row

#: How many of this run's own tasks say how long they take, and how long a pace is watched first.
_ENOUGH = 5
_WATCHED = 15.0
#: The share of the tasks that take no longer than the typical one, and than the last ones.
_TYPICAL, _LAST = 0.5, 0.9


@define
class Estimate:
    """
    What was seen of how fast rows are taken and made.

    Submissions leave at least `pace` seconds apart, and at most `jobs` tasks are under way at a
    time, where that is known.
    """

    pace: float | None = None
    jobs: int | None = None
    #: How long tasks took, in seconds, and when providers took them.
    _took: list[float] = field(factory=list, init=False)
    _taken: list[float] = field(factory=list, init=False)

    def take(self, now: float) -> None:
        """Count a row that a provider takes at that moment."""
        self._taken.append(now)

    def made(self, row: Row, now: float) -> None:
        """Count a row whose video is here; what was finished long ago does not say how long."""
        took = row.elapsed(now)
        if took is not None and row.is_watched:
            self._took.append(took)

    def left(self, taken: Sequence[Row], waiting: int, now: float) -> float | None:
        """About how many seconds are left; None if that is anybody's guess."""
        typical, last = (self._usual(taken, share, now) for share in (_TYPICAL, _LAST))
        if typical is None or last is None:
            return None
        rest = [last - (row.elapsed(now) or 0.0) for row in taken if row.began is None]
        if waiting > 0:
            pace = self._pace(typical, now)
            if pace is None:
                return None
            rest.append(waiting * pace + last)
        longest = max(rest, default=0.0)
        return longest if longest > 0 else None

    def _usual(self, taken: Iterable[Row], share: float, now: float) -> float | None:
        """How long this share of the tasks take: as seen in this run, or as the journal says."""
        if len(self._took) >= _ENOUGH:
            running = [row.elapsed(now) or 0.0 for row in taken if row.began is None]
            return _share(self._took, running, share)
        known = sorted(row.progress.expected for row in taken if row.progress.expected)
        return known[len(known) // 2] if known else None

    def _pace(self, typical: float, now: float) -> float | None:
        """Seconds from one submission to the next: as announced, and no faster than was seen."""
        bounds = [] if self.pace is None else [self.pace]
        bounds += [] if self.jobs is None else [typical / self.jobs]
        if self._taken and now - self._taken[0] >= _WATCHED:
            bounds.append((now - self._taken[0]) / len(self._taken))
        return max(bounds, default=None)


def _share(took: Iterable[float], running: Iterable[float], share: float) -> float:
    """
    What this share of all tasks take no longer than.

    One that is `running` takes longer than it did so far: to leave those out would favour the quick
    ones. This is the estimator of Kaplan and Meier (1958).
    """
    times = sorted([*((each, False) for each in took), *((each, True) for each in running)])
    longer = 1.0
    for number, (time, is_running) in enumerate(times):
        longer *= 1.0 if is_running else 1.0 - 1.0 / (len(times) - number)
        if longer <= 1.0 - share + 1e-9:
            return time
    return times[-1][0]


def pace_of(providers: Iterable[Provider]) -> float | None:
    """Seconds between two submissions to the slowest of these; None if that is not published."""
    published = [each.limits.submissions for each in providers]
    return max((seconds / tasks for tasks, seconds in filter(None, published)), default=None)


def about_time(seconds: float) -> str:
    """
    A length of time that is an estimate.

    >>> about_time(4), about_time(44), about_time(80), about_time(130), about_time(4000)
    ('about 10 s', 'about 40 s', 'about 90 s', 'about 2 min', 'about 70 min')
    """
    step = 10 if seconds < 55 else 30 if seconds < 120 else 60 if seconds < 1800 else 600
    rounded = max(1, round(seconds / step)) * step
    return f"about {'1 min' if rounded == 60 else span(rounded)}"
