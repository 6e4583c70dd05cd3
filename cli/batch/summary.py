"""What has become of many rows, in numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum

from attrs import define, field

from ...core.errors import OutcomeUnknown, ProviderError
from ...core.journal.task import Task
from ...core.money import usd_text
from ...core.provider import Provider
from ...core.runner.many import RowOutcome
from ...core.runner.results import cost_in_usd
from ...core.text import join_words
from ..exits import FAILED, NOT_DELIVERED, USAGE, exit_status
from ..tally import State, state_of

#: What is said of those without a video, after a number.
_WORDS: dict[State, str] = {
    "open": "open",
    "unknown": "unknown",
    "refused": "refused",
    "failed": "failed",
    "not_sent": "not sent",
}
#: How many unknown rows are named.
_NAMED = 5


def ended(outcome: RowOutcome) -> State:
    """How a row ended."""
    task, error = outcome.task, outcome.error
    if isinstance(error, OutcomeUnknown):
        return "unknown"
    if task is None and isinstance(error, ProviderError):
        return "refused"
    if error is None and task is not None and task.standing == "stored":
        return "reused" if outcome.reused else "here"
    return state_of(task, outcome.video)


def status_of(outcome: RowOutcome) -> int:
    """The exit status of a row by itself."""
    state = ended(outcome)
    if outcome.error is None:
        return 0
    if state == "not_sent":
        return USAGE
    if state == "failed":
        return FAILED
    return NOT_DELIVERED if state in ("open", "unknown") else exit_status(outcome.error)


@define
class Summary:
    """The numbers of a run over so many `rows`."""

    rows: int
    counts: Counter[State] = field(factory=Counter, init=False)
    cost_unknown: int = field(default=0, init=False)
    unknown: list[tuple[str, Task]] = field(factory=list, init=False)
    _costs: list[float] = field(factory=list, init=False)

    def add(self, name: str, outcome: RowOutcome, provider: Provider | None) -> State:
        """Count how a row ended that is called so; returns how."""
        state, task = ended(outcome), outcome.task
        self.counts[state] += 1
        if state == "unknown" and task is not None:
            self.unknown.append((name, task))
        if task is None or task.sandbox or outcome.reused:
            return state
        cost = cost_in_usd(task, provider)
        if cost is not None:
            self._costs.append(cost)
        elif state in ("here", "open", "unknown"):
            self.cost_unknown += 1
        return state

    @property
    def here(self) -> int:
        """How many videos are here."""
        return self.counts["here"] + self.counts["reused"]

    @property
    def cost_usd(self) -> float:
        """What this run has cost, as far as that is known."""
        return round(fsum(self._costs), 6)

    def as_object(self) -> dict[str, object]:
        """The numbers for programs; those that are stored include the reused ones."""
        others: dict[str, object] = {state: self.counts[state] for state in _WORDS}
        return {
            "rows": self.rows,
            "stored": self.here,
            "reused": self.counts["reused"],
            **others,
            "cost_usd": self.cost_usd,
            "cost_unknown": self.cost_unknown,
        }

    def texts(self, go_on: str) -> Iterator[str]:
        """The numbers for people, what is unknown, and how to go on with what is left."""
        before = self.counts["reused"]
        here = f"{self.here} of {self.rows} here" + (f" ({before} from before)" if before else "")
        parts = [here]
        parts += [f"{self.counts[state]} {_WORDS[state]}" for state in _WORDS if self.counts[state]]
        parts += list(self._cost())
        yield f"{', '.join(parts)}."
        if self.unknown:
            yield _of_unknown(self.unknown)
        if self.counts["open"] or self.counts["not_sent"]:
            yield go_on

    def _cost(self) -> Iterator[str]:
        if self.cost_usd:
            yield usd_text(self.cost_usd)
        if self.cost_unknown:
            also = "and " if self.cost_usd else ""
            yield f"{also}{self.cost_unknown} of unknown cost"


def _of_unknown(rows: Sequence[tuple[str, Task]]) -> str:
    """Which rows are unknown, and the command that tells what to do about them."""
    names = [name for name, _ in rows[:_NAMED]]
    names += [f"{len(rows) - _NAMED} more"] if rows[_NAMED:] else []
    tasks = " ".join(task.id for _, task in rows) if len(rows) <= _NAMED else "--open"
    what = "Whether it was paid for is unknown of"
    return f"{what} {join_words(names, 'and')}; what to do: kling26 tasks {tasks}"
