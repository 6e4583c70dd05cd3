"""
What a node shows while its videos are made: a text, a bar, and at the end what helps.

Several runs share a node: those of a list input, and those of several seeds.
"""

from collections import Counter
from typing import Literal, Protocol
from weakref import WeakValueDictionary

from attrs import define, field

from ..core.provider import Provider
from . import comfyui
from .figures import plural
from .public import public
from .words import Words

End = Literal["done", "failed", "stopped"]
State = Literal["running", "done", "failed", "stopped"]


class Run(Protocol):
    """What a board knows of each run; `progress` has what it is."""

    provider: Provider | None
    task: str | None
    end: End | None
    last: str | None
    remedy: dict[str, object] | None

    @property
    def text(self) -> str: ...

    @property
    def fraction(self) -> float: ...


_boards: "WeakValueDictionary[tuple[str, str], Board]" = WeakValueDictionary()


@define(eq=False, weakref_slot=True)
class Board:
    """
    The text and the bar of one node, on the page of one `client`.

    Without a client or a node nobody looks, and nothing is sent: it would be shown by every page
    that is open, on whichever of its nodes has the same number.
    """

    node: str | None
    client: str | None
    words: Words
    runs: list[Run] = field(factory=list)
    _told: dict[str, object] = field(factory=dict)
    _full: float = -1.0

    def add(self, run: Run) -> None:
        """Take in one more run; what has ended before it belongs to another prompt."""
        if all(each.end for each in self.runs):
            self.runs.clear()
            self._told, self._full = {}, -1.0
        self.runs.append(run)

    @property
    def text(self) -> str:
        """A line for each run; for runs that failed for the same reason, one for all of them."""
        reasons = self._reasons
        lines = [
            self._lost(count, run.last) if (count := reasons[run.last or ""]) > 1 else run.text
            for run in self.runs
        ]
        return "\n".join(dict.fromkeys(lines))

    @property
    def state(self) -> State:
        if not all(run.end for run in self.runs):
            return "running"
        ends = {run.end for run in self.runs}
        return "failed" if "failed" in ends else "stopped" if "stopped" in ends else "done"

    @property
    def fraction(self) -> float:
        return round(sum(run.fraction for run in self.runs) / len(self.runs), 2)

    @property
    def error(self) -> str | None:
        """What went wrong, when everything has ended: each sentence once, and how often it was."""
        if self.state != "failed":
            return None
        reasons = self._reasons
        if len(self.runs) == 1:
            return next(iter(reasons), None)
        sentences = "\n".join(self._lost(count, reason) for reason, count in reasons.items())
        made = sum(run.end == "done" for run in self.runs)
        if not made:
            return sentences
        told = self.words("node.partly", made=made, count=len(self.runs))
        return "\n".join([told, sentences, self.words("node.again")])

    @property
    def _reasons(self) -> Counter[str]:
        """Why runs have failed, and how many of them for each reason."""
        return Counter(run.last for run in self.runs if run.end == "failed" and run.last)

    def _lost(self, count: int, reason: str | None) -> str:
        form = plural(self.words, count)
        return self.words(f"node.lost.{form}", count=count, reason=reason)

    @property
    def _event(self) -> dict[str, object]:
        """What ``kling26.run`` says; the remedy is that of the first run that has one."""
        blamed = next((run for run in self.runs if run.remedy), self.runs[0])
        error = None if self.error is None else public(self.error)
        return {
            "node": self.node,
            "text": public(self.text),
            "fraction": self.fraction,
            "state": self.state,
            "error": error,
            "remedy": blamed.remedy if error else None,
            "provider": None if blamed.provider is None else blamed.provider.name,
            "tasks": [run.task for run in self.runs if run.task is not None],
        }

    def tell(self) -> None:
        """Bring the node's text up to date, if it has changed."""
        if self.node is None or self.client is None:
            return
        event = self._event
        if event != self._told:
            self._told = event
            comfyui.send("kling26.run", event, self.client)

    async def show(self) -> None:
        """Bring the text and the bar up to date; called while the node is being executed."""
        self.tell()
        if self.node is not None and self.fraction != self._full:
            self._full = self.fraction
            await comfyui.show_bar(self.node, self._full)


def board_of(node: str | None, client: str | None, words: Words) -> Board:
    """The board that the runs of a node share, for as long as one of them is there."""
    if node is None or client is None:
        return Board(node, client, words)
    board = _boards.get((client, node))
    if board is None or board.words is not words:
        board = _boards[client, node] = Board(node, client, words)
    return board
