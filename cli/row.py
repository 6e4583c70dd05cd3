"""One video of several, as far as it is known while it is made."""

from collections.abc import Collection

from attrs import define

from ..core.progress import Phase, Progress
from ..core.status import Standing
from .ends import State

#: The phases of a task that its provider has taken.
_TAKEN: Collection[Phase] = ("queued", "running", "downloading")
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
    #: Whether its video was requested before, and not by this run.
    is_reused: bool = False
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
