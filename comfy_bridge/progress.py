"""How far one run of a node is."""

import time
from collections.abc import Callable, Mapping

from attrs import define

from ..core.errors import Kling26Error
from ..core.progress import Progress
from ..core.provider import Provider
from ..core.runner.objects import remedy_object
from ..core.text import sanitize
from . import error_texts, texts
from .board import Board, End
from .public import public
from .words import Words

#: Seconds that a video takes for each of its own, until the journal has learned better.
_USUAL = 12.0
#: How full the bar gets by waiting alone.
_ALMOST = 0.95


@define(eq=False)
class Watch:
    """
    The progress of one run, which the node shows on its `board`.

    Called by the runner, on its own thread, and read by the node.

    `provider` makes the video; None as long as it may be any of `providers`, which are by name.
    `label` tells the runs of one node apart, and `item` says which item of a list is being
    checked before any of them runs. `changed` is called with the task's id whenever the
    task has reached another phase. Once it is `done`, `end` says how, and `last` in which words.
    """

    board: Board
    providers: Mapping[str, Provider]
    provider: Provider | None = None
    duration: int = 5
    label: str | None = None
    item: str | None = None
    changed: Callable[[str], None] | None = None
    task: str | None = None
    rehearsal: bool = False
    end: End | None = None
    last: str | None = None
    remedy: dict[str, object] | None = None
    note: str | None = None
    _phase: str | None = None
    _latest: Progress | None = None
    _heard: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.board.add(self)

    def __call__(self, progress: Progress) -> None:
        """Take in how far it is."""
        self.task, self.rehearsal = progress.task, progress.sandbox
        self.provider = self.maker(progress.provider)
        if progress.phase == "found":
            self.note = texts.found_text(self.words, progress)
        elif progress.phase == "note":
            self.note = progress.message
        else:
            self._latest, self._heard = progress, time.monotonic()
        if progress.phase != self._phase:
            self._phase = progress.phase
            self.task_changed()

    def task_changed(self) -> None:
        """Tell that the task may stand otherwise now."""
        if self.changed is not None and self.task is not None:
            self.changed(self.task)

    def maker(self, name: str | None) -> Provider | None:
        """The provider of this name, or else the one that is known to make the video."""
        return self.providers.get(name or "", self.provider)

    @property
    def words(self) -> Words:
        return self.board.words

    @property
    def done(self) -> bool:
        return self.end is not None

    @property
    def title(self) -> str:
        """Who makes the video, for users."""
        return texts.ANY if self.provider is None else self.provider.title

    @property
    def text(self) -> str:
        line = self.last or texts.line(
            self.words, self.title, self._latest, self._elapsed, self.note
        )
        return line if self.label is None else f"{self.label} · {line}"

    @property
    def fraction(self) -> float:
        return 1.0 if self.done else fraction(self._latest, self._elapsed, self.duration)

    @property
    def _elapsed(self) -> float | None:
        """Seconds since the provider took the task, also between two of its answers."""
        if self._latest is None or self._latest.elapsed is None:
            return None
        return self._latest.elapsed + time.monotonic() - self._heard

    def say(self, text: str, end: End = "stopped") -> None:
        """Show how it ended, as the last thing of this run."""
        self.last, self.end = text, end
        self.board.tell()
        self.task_changed()

    def fail(self, error: BaseException) -> str:
        """Show what went wrong, and return it: in words for ComfyUI, with what helps there."""
        if isinstance(error, Kling26Error):
            maker = self.maker(error.provider)
            text = public(error_texts.error_text(self.words, error, maker, self.rehearsal))
            self.remedy = self._remedy(error)
        else:
            text = public(f"{self.title} · {sanitize(error)}")
        if self.item is not None:
            text = f"{self.item}{self.words('sentence.colon')}{text}"
        self.say(text, "failed")
        return text

    def _remedy(self, error: Kling26Error) -> dict[str, object] | None:
        """What helps, for the page, and which task it is about."""
        helps = error.remedy
        if helps is None:
            return None
        about = {"task": error.task or self.task, "provider": error.provider}
        shown = remedy_object(helps, about)
        return shown | {"option": helps.option, "page": helps.page, "task": about["task"]}


def fraction(progress: Progress | None, elapsed: float | None, duration: int) -> float:
    """How full the bar is: by the usual time of such videos, and never full before the end."""
    if progress is None:
        return 0.0
    if progress.phase == "stored":
        return 1.0
    if progress.phase == "downloading":
        return _ALMOST
    usual = progress.expected or _USUAL * duration
    return min(_ALMOST, (elapsed or 0.0) / max(usual, 1.0))
