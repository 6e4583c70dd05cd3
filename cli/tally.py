"""How many videos of a run are here, what they cost, and how long the others will take."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import fsum
from typing import TYPE_CHECKING, Literal

from attrs import define, field

from ..core.money import USD, usd_text
from ..core.progress import Phase, Progress
from ..core.provider import Provider
from ..core.status import Standing
from ..core.text import join_sentences, join_words, span

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.results import Video

#: How a row ended: its video is here, or was before; or why it is not.
State = Literal["here", "reused", "open", "unknown", "failed", "refused", "not_sent"]

#: What is said of each state but the first two, after a number.
_WORDS: Mapping[State, str] = {
    "open": "open",
    "unknown": "unknown",
    "failed": "failed",
    "refused": "refused",
    "not_sent": "not sent",
}
#: The phases of a task that its provider has taken.
_TAKEN: Collection[Phase] = ("queued", "running", "downloading")
#: How a task without a video ended, by its standing.
_ENDS: Mapping[Standing, State] = {
    "unsent": "not_sent",
    "unclear": "unknown",
    "at_provider": "open",
    "made": "open",
    "stored": "open",  # Its --output is still owed.
}
#: What is said of a task that was interrupted, by its standing, and in which order.
_NOW: Mapping[Standing, str] = {
    "stored": "here",
    "made": "being made",
    "at_provider": "being made",
    "unclear": "unknown",
    "unsent": "not sent",
    "over": "failed",
}
_INTERRUPTED = ("here", "being made", "open", "unknown", "failed", "refused", "not sent")
#: How many of this run's own tasks say how long they take, and how long a pace is watched first.
_ENOUGH = 5
_WATCHED = 15.0


#: What a row has reported before its task reports anything.
_NOTHING = Progress("", "", "note")


@define
class Row:
    """One video of several: its name, what was reported last and when, and how it ended."""

    label: str
    #: The id of its task, once it has one, and whether a provider had that before.
    task: str | None = None
    is_taken: bool = False
    progress: Progress = _NOTHING
    at: float = 0.0
    state: State | None = None
    #: When it was first seen being made.
    making: float | None = None
    #: When the download began, and at which byte, for its speed.
    began: tuple[float, int] | None = None

    def hear(self, progress: Progress, at: float) -> None:
        """Take note of what was reported at that moment of a clock that is never set."""
        if progress.phase == "downloading":
            self.began = self.began or (at, progress.done)
        else:
            self.began = None
        self.progress, self.at, self.task = progress, at, progress.task
        self.is_taken |= progress.standing in ("at_provider", "made")
        if progress.phase in ("queued", "running") and self.making is None:
            self.making = at

    def elapsed(self, now: float) -> float | None:
        """Seconds since the provider took it."""
        known = self.progress.elapsed
        return None if known is None else known + now - self.at

    @property
    def taken(self) -> bool:
        """Whether the provider has it, and it has not ended."""
        if self.state is not None:
            return False
        heard = self.progress.phase in _TAKEN or self.progress.elapsed is not None
        return heard or self.is_taken

    @property
    def is_watched(self) -> bool:
        """Whether it was seen being made, and not only that it was."""
        return self.making is not None and self.at > self.making

    @property
    def standing(self) -> Standing:
        """Where its task stands, as far as that was reported."""
        if self.taken:
            return "at_provider"
        return "unclear" if self.progress.phase == "submitting" else "unsent"

    @property
    def begun(self) -> bool:
        """Whether its task has reported anything."""
        return self.progress is not _NOTHING


@define
class Tally:
    """
    The sums over all rows of a run.

    `limit_usd` is what the run may cost, and `spent_usd` what it has cost before. Submissions leave
    at least `pace` seconds apart, and at most `jobs` tasks are under way at a time, where that is
    known.
    """

    total: int
    limit_usd: float | None = None
    spent_usd: float = 0.0
    pace: float | None = None
    jobs: int | None = None
    counts: Counter[State] = field(factory=Counter, init=False)
    #: How many videos were paid for at a cost that nobody knows.
    cost_unknown: int = field(default=0, init=False)
    _costs: list[float] = field(factory=list, init=False)
    #: How long tasks took, in seconds, and when providers took them.
    _took: list[float] = field(factory=list, init=False)
    _taken: list[float] = field(factory=list, init=False)

    @property
    def here(self) -> int:
        """How many videos are here."""
        return self.counts["here"] + self.counts["reused"]

    @property
    def cost_usd(self) -> float:
        """What this run has cost so far, as far as that is known."""
        return fsum(self._costs)

    def take(self, now: float) -> None:
        """Count a row that a provider takes at that moment."""
        self._taken.append(now)

    def end(self, row: Row, state: State, cost_usd: float | None, now: float) -> None:
        """Count how a row ended, and what it cost."""
        self.counts[state] += 1
        if state != "reused" and cost_usd is not None:
            self._costs.append(cost_usd)
        elif state == "here" and not row.progress.sandbox:
            self.cost_unknown += 1
        took = row.elapsed(now)
        # What was finished long ago says nothing about how long it took.
        if state in ("here", "reused") and took is not None and row.is_watched:
            self._took.append(took)

    # -- what is said ----------------------------------------------------------------------

    def head(self, rows: Iterable[Row], now: float) -> list[str]:
        """The parts of the line above the rows: what is known, and not nothing."""
        open_rows = [row for row in rows if row.state is None]
        making = sum(row.taken for row in open_rows)
        waiting = max(0, self.total - self.counts.total() - making)
        left = self.left(open_rows, now)
        parts = [
            f"{self.here} of {self.total} here",
            *self.others(),
            f"{making} being made" if making else "",
            f"{waiting} waiting" if waiting else "",
            self._money(),
            "" if left is None else about_time(left),
        ]
        return [part for part in parts if part]

    def others(self) -> list[str]:
        """How many ended without a video, by how."""
        found = ((self.counts[state], words) for state, words in _WORDS.items())
        return [f"{number} {words}" for number, words in found if number]

    def _money(self) -> str:
        spent = self.spent_usd + self.cost_usd
        shown = f"{'at least ' if self.cost_unknown else ''}{spent:.2f}"
        if self.limit_usd is not None:
            return f"{shown} of {f'{self.limit_usd:.2f}'.removesuffix('.00')} {USD}"
        return f"{shown} {USD}" if spent else ""

    # -- how long it will take -------------------------------------------------------------

    def left(self, rows: Sequence[Row], now: float) -> float | None:
        """About how many seconds are left; None if that is anybody's guess."""
        taken = [row for row in rows if row.taken]
        waiting = self.total - self.counts.total() - len(taken)
        usual = self._usual(rows)
        if usual is None:
            return None
        rest = [usual - (row.elapsed(now) or 0.0) for row in taken if row.began is None]
        if waiting > 0:
            pace = self._pace(usual, now)
            if pace is None:
                return None
            rest.append(waiting * pace + usual)
        longest = max(rest, default=0.0)
        return longest if longest > 0 else None

    def _usual(self, rows: Iterable[Row]) -> float | None:
        """How long most tasks take: as seen in this run, or else as the journal says."""
        if len(self._took) >= _ENOUGH:
            return _share(self._took, 0.9)  # The last ones decide.
        known = [row.progress.expected for row in rows if row.progress.expected]
        return _share(known, 0.5) if known else None

    def _pace(self, usual: float, now: float) -> float | None:
        """Seconds from one submission to the next: as announced, and no faster than was seen."""
        bounds = [] if self.pace is None else [self.pace]
        bounds += [] if self.jobs is None else [usual / self.jobs]
        if self._taken and now - self._taken[0] >= _WATCHED:
            bounds.append((now - self._taken[0]) / len(self._taken))
        return max(bounds, default=None)


def _share(times: Sequence[float], share: float) -> float:
    """What this share of the times is below."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def pace_of(providers: Iterable[Provider]) -> float | None:
    """Seconds between two submissions to the slowest of these; None if that is not published."""
    published = [each.limits.submissions for each in providers]
    return max((seconds / tasks for tasks, seconds in filter(None, published)), default=None)


def about_time(seconds: float) -> str:
    """
    A length of time that is an estimate.

    >>> about_time(4), about_time(44), about_time(130), about_time(4000)
    ('about 10 s', 'about 50 s', 'about 3 min', 'about 70 min')
    """
    step = 10 if seconds < 60 else 60 if seconds < 1800 else 600
    rounded = -(-seconds // step) * step
    return f"about {'1 min' if rounded == 60 else span(rounded)}"


# -- the end -----------------------------------------------------------------------------------


def counts(tally: Tally, rows: Iterable[Row], tasks: Iterable["Task"]) -> list[str]:
    """
    How far a run was when it was interrupted, in numbers of videos.

    `tasks` are those of the rows, as they are now, as far as the journal could be read.
    """
    standing = {task.id: task.standing for task in tasks}
    rows = [row for row in rows if row.state is None]
    found = Counter(_NOW[standing.get(row.task or "", row.standing)] for row in rows)
    found["not sent"] += tally.total - tally.counts.total() - found.total()
    for state in ("here", "reused"):
        found["here"] += tally.counts[state]
    for state, words in _WORDS.items():
        found[words] += tally.counts[state]
    return [f"{found[words]} {words}" for words in _INTERRUPTED if found[words]]


def state_of(task: "Task | None", video: "Video | None") -> State:
    """How a row ended whose task is so, if there is one, and which has this video, if any."""
    if video is not None:
        return "reused" if video.reused else "here"
    if task is None:
        return "not_sent"
    if task.standing == "over":
        return "refused" if task.state == "refused" else "failed"
    return _ENDS[task.standing]


def summary_text(tally: Tally, tasks: Sequence["Task"]) -> str:
    """
    What a run has brought: how many videos are here, what they cost, and what to do about others.

    `tasks` are those whose videos are not here.
    """
    unknown = [task for task in tasks if task.standing == "unclear"]
    left = [task for task in tasks if state_of(task, None) == "open"]
    counted = ", ".join([f"{tally.here} of {tally.total} here", *tally.others()])
    return join_sentences(
        f"{counted}{_cost(tally)}",
        *([_of_unknown(unknown)] if unknown else []),
        *([f"Fetch what is open with: {_resume(left)}"] if left else []),
    )


def _cost(tally: Tally) -> str:
    known = usd_text(tally.cost_usd) if tally.cost_usd else ""
    rest = f"{tally.cost_unknown} of unknown cost" if tally.cost_unknown else ""
    return f"; {join_words(filter(None, [known, rest]), 'and')}" if known or rest else ""


def _of_unknown(tasks: Sequence["Task"]) -> str:
    """Where to see what to do about tasks of which nobody knows whether they were paid for."""
    if len(tasks) > 1:
        return "What to do about the unknown ones: kling26 tasks --open"
    return f"What to do about the unknown one: kling26 tasks {tasks[0].id}"


def _resume(tasks: Sequence["Task"]) -> str:
    return f"kling26 resume {tasks[0].id}" if len(tasks) == 1 else "kling26 resume"
