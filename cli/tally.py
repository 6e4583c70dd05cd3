"""How many videos of a run are here and what they cost: while it goes on, and at its end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from ..core.money import USD, usd_text
from ..core.text import join_words
from .ends import End, State, end_of
from .estimate import Estimate, about_time
from .money_texts import about
from .row import Row
from .texts import Providers

if TYPE_CHECKING:
    from ..core.journal.task import Task

#: What is said of those without a video, after a number, and in which order.
_WORDS: Mapping[State, str] = {
    "open": "open",
    "unknown": "unknown",
    "failed": "failed",
    "refused": "refused",
    "not_sent": "not sent",
}
#: The states of the summary for programs, in their order.
_COUNTED: Sequence[State] = ("open", "unknown", "refused", "failed", "not_sent")
#: How many unknown rows are named.
_NAMED = 5


@define
class Tally:
    """
    The sums over all rows of a run.

    `limit_usd` is what the run may cost, and `spent_usd` what it has cost before.
    """

    total: int
    limit_usd: float | None = None
    spent_usd: float = 0.0
    estimate: Estimate = field(factory=Estimate)
    counts: Counter[State] = field(factory=Counter, init=False)
    #: The tasks that a later command can go on with.
    left: "list[Task]" = field(factory=list, init=False)
    _unknown: "list[tuple[str, Task]]" = field(factory=list, init=False)
    #: Where open ones are, and what helps those that were held back.
    _places: Counter[str] = field(factory=Counter, init=False)
    _advice: dict[str, None] = field(factory=dict, init=False)
    _costs: list[float] = field(factory=list, init=False)
    _likely: list[float] = field(factory=list, init=False)
    _guesses: int = field(default=0, init=False)

    @property
    def here(self) -> int:
        """How many videos are here."""
        return self.counts["here"] + self.counts["reused"]

    @property
    def cost_usd(self) -> float:
        """What this run has cost so far, as far as that is known."""
        return round(fsum(self._costs), 6)

    @property
    def cost_unknown(self) -> int:
        """How many were paid for, or may have been, at a cost that nobody has told."""
        return len(self._likely) + self._guesses

    def add(self, end: End, name: str = "") -> None:
        """Count how a row ended that is called so."""
        self.counts[end.state] += 1
        if end.cost_usd is not None:
            self._costs.append(end.cost_usd)
        elif end.is_paid and end.likely_usd is not None:
            self._likely.append(end.likely_usd)
        else:
            self._guesses += end.is_paid
        if end.advice:
            self._advice[end.advice] = None
        if end.state == "open":
            self._places[end.place] += 1
        if end.task is not None and end.state == "unknown":
            self._unknown.append((name, end.task))
        elif end.task is not None and end.state in ("open", "not_sent"):
            self.left.append(end.task)

    def interrupt(
        self, rows: Iterable[Row], tasks: Mapping[str, "Task"], providers: Providers
    ) -> None:
        """
        Count the rows that have not ended, as a run is interrupted.

        `tasks` are theirs by id, as they are now, as far as the journal could be read.
        """
        for row in [row for row in rows if row.state is None]:
            task = tasks.get(row.task or "")
            if task is not None:
                provider = providers.get(task.provider)
                end = evolve(end_of(task, provider, reused=row.is_reused), place="being made")
            else:
                end = _told_by(row)
            row.state = end.state
            self.add(end, row.label)
        self.counts["not_sent"] += max(0, self.total - self.counts.total())

    # -- what is said meanwhile ------------------------------------------------------------

    def head(self, rows: Iterable[Row], now: float) -> str:
        """The line above the rows: what is known, and not nothing."""
        return next(self.heads(rows, now))

    def heads(self, rows: Iterable[Row], now: float) -> Iterator[str]:
        """The line above the rows, and shorter and shorter ones: what matters least goes first."""
        open_rows = [row for row in rows if row.state is None]
        taken = [row for row in open_rows if row.taken]
        waiting = max(0, self.total - self.counts.total() - len(taken))
        left = self.estimate.left(taken, waiting, now)
        here = f"{self.here} of {self.total} here"
        others = self._others()
        without = sum(self.counts[state] for state in _WORDS)
        joined = [f"{without} without a video"] if without else []
        making = [f"{len(taken)} being made"] if taken else []
        queue = [f"{waiting} waiting"] if waiting else []
        money, time = list(self._spent()), [] if left is None else [about_time(left)]
        for parts in (
            [*others, *making, *queue, *money, *time],
            [*joined, *making, *queue, *money, *time],
            [*making, *queue, *money, *time],
            [*making, *money, *time],
            [*money, *time],
            money,
            [],
        ):
            yield " · ".join([here, *parts])

    def _spent(self) -> Iterator[str]:
        spent = self.spent_usd + fsum(self._costs) + fsum(self._likely)
        unsure = "at least " if self._guesses else "about " if self._likely else ""
        if self.limit_usd is not None:
            limit = f"{self.limit_usd:.2f}".removesuffix(".00")
            yield f"{unsure}{spent:.2f} of {limit} {USD}"
        elif spent:
            yield f"{unsure}{spent:.2f} {USD}"

    # -- the end ---------------------------------------------------------------------------

    def end_lines(self, fetch: str, again: str, interrupted: bool = False) -> Iterator[str]:
        """
        The numbers, what is unknown, and how to go on with what is left.

        `fetch` says how to get what is open, and `again` how to send what was not sent.
        """
        before = self.counts["reused"]
        here = f"{self.here} of {self.total} here" + (f" ({before} from before)" if before else "")
        if interrupted:
            here = f"{self.here} here" if self.here else ""
        yield f"{', '.join(filter(None, [here, *self._others(), *self._cost()]))}."
        if self._unknown:
            yield _of_unknown(self._unknown)
        ways = [fetch] if self.counts["open"] and not (self._advice and fetch == again) else []
        if self.counts["not_sent"] and not self._advice and again not in ways:
            ways.append(again)
        yield from ways
        if self._advice:
            helps = join_words(list(self._advice), "and")
            yield f"{helps[0].upper()}{helps[1:]}, then run the same command again."

    def _others(self) -> list[str]:
        """How many ended without a video, by how."""
        found = {**self._places}
        found |= {words: self.counts[state] for state, words in _WORDS.items() if state != "open"}
        return [f"{number} {words}" for words, number in found.items() if number]

    def _cost(self) -> Iterator[str]:
        known, likely = fsum(self._costs), fsum(self._likely)
        if likely:
            yield about(known + likely)
        elif known:
            yield usd_text(known)
        if self._guesses:
            yield f"{'and ' if known or likely else ''}{self._guesses} of unknown cost"

    def as_object(self) -> dict[str, object]:
        """The numbers for programs; those that are stored include the reused ones."""
        others: dict[str, object] = {state: self.counts[state] for state in _COUNTED}
        return {
            "rows": self.total,
            "stored": self.here,
            "reused": self.counts["reused"],
            **others,
            "cost_usd": self.cost_usd,
            "cost_unknown": self.cost_unknown,
        }


def _told_by(row: Row) -> End:
    """How a row stands of which there is nothing but what it has reported."""
    standing = row.standing
    if standing == "unsent":
        return End("not_sent")
    paid = not (row.is_reused or row.progress.sandbox)
    if standing == "unclear":
        return End("unknown", is_paid=paid)
    return End("open", is_paid=paid, place="being made")


def _of_unknown(rows: "Sequence[tuple[str, Task]]") -> str:
    """Which rows are unknown, and the command that tells what to do about them."""
    names = [task.id if name.startswith(task.id) else name for name, task in rows[:_NAMED]]
    names += [f"{len(rows) - _NAMED} more"] if rows[_NAMED:] else []
    tasks = " ".join(task.id for _, task in rows) if len(rows) <= _NAMED else "--open"
    outcome = "outcomes" if len(rows) > 1 else "outcome"
    are = "are" if len(rows) > 1 else "is"
    named = join_words(names, "and")
    return f"The {outcome} of {named} {are} unknown; what to do: kling26 tasks {tasks}"
