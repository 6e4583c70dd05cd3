"""What a node shows while its video is made: a line of text and a bar."""

import time
from collections.abc import Mapping
from typing import ClassVar

from attrs import Factory, define

from ..core.progress import Progress
from ..core.provider import Provider
from . import comfyui, texts
from .words import Words, words

#: Seconds that a video takes for each of its own, until the journal has learned better.
_USUAL = 12.0
#: How full the bar gets by waiting alone.
_ALMOST = 0.95


@define(eq=False)
class Watch:
    """
    The progress of one run of a node.

    Called by the runner, on its own thread, and read by the node. A list input runs a node
    several times at once: its runs share the node's text and bar.

    `provider` makes the video; None as long as it may be any of `providers`, which are by name.
    `words` are in the language of whoever looks at it.
    """

    node: str | None
    provider: Provider | None
    duration: int
    providers: Mapping[str, Provider]
    words: Words = Factory(words)
    task: str | None = None
    rehearsal: bool = False
    done: bool = False
    note: str | None = None
    _last: str | None = None
    _latest: Progress | None = None
    _heard: float = 0.0
    _shown: ClassVar[dict[str, tuple[str, float]]] = {}
    _runs: ClassVar[dict[str, list["Watch"]]] = {}

    def __attrs_post_init__(self) -> None:
        if self.node is not None:
            runs = self._runs.setdefault(self.node, [])
            if all(run.done for run in runs):
                runs.clear()
                self._shown.pop(self.node, None)
            runs.append(self)

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

    def maker(self, name: str | None) -> Provider | None:
        """The provider of this name, or else the one that is known to make the video."""
        return self.providers.get(name or "", self.provider)

    @property
    def title(self) -> str:
        """Who makes the video, for users."""
        return texts.ANY if self.provider is None else self.provider.title

    @property
    def text(self) -> str:
        return self._last or texts.line(
            self.words, self.title, self._latest, self._elapsed, self.note
        )

    @property
    def fraction(self) -> float:
        return 1.0 if self.done else fraction(self._latest, self._elapsed, self.duration)

    @property
    def _elapsed(self) -> float | None:
        """Seconds since the provider took the task, also between two of its answers."""
        if self._latest is None or self._latest.elapsed is None:
            return None
        return self._latest.elapsed + time.monotonic() - self._heard

    def say(self, text: str) -> None:
        """Show how it ended, as the last thing of this run."""
        self._last, self.done = text, True
        if self.node is not None:
            comfyui.show_text(self.node, self._all_text(self.node))

    async def show(self) -> None:
        """Bring the node's text and bar up to date, where they have changed."""
        if self.node is None:
            return
        runs = self._runs[self.node]
        text = self._all_text(self.node)
        full = round(sum(run.fraction for run in runs) / len(runs), 2)
        before = self._shown.get(self.node, ("", -1.0))
        self._shown[self.node] = text, full
        if text != before[0]:
            comfyui.show_text(self.node, text)
        if full != before[1]:
            await comfyui.show_bar(self.node, full)

    def _all_text(self, node: str) -> str:
        return "\n".join(run.text for run in self._runs[node])


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
