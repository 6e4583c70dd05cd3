"""Where many rows wait until they are sent to a provider."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from attrs import define, field

from ..progress import Phase, Progress

#: How many rows may be on their way to one provider at once: enough for the fastest pace that one
#: publishes, and few enough to hold their pictures in memory.
_AT_ONCE = 32
#: How long the others wait for the answer to the first one, in seconds.
_FIRST = 10.0
#: The phases of a task that the provider has taken.
_TAKEN: tuple[Phase, ...] = ("queued", "running", "downloading")


@define(eq=False)
class Door:
    """
    Where rows wait to be sent to one provider.

    One at a time goes through until one has been taken: whether the key is accepted, and there is
    credit, takes only one request to learn.
    """

    _room: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(_AT_ONCE), init=False)
    _alone: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _open: bool = field(default=False, init=False)

    @asynccontextmanager
    async def passing(self) -> "AsyncIterator[Passage]":
        """Wait for a turn, which ends with the block, or when the passage is left before that."""
        passage = Passage(self._room, self.open, await self._turn())
        try:
            await self._room.acquire()
        except BaseException:
            passage.let_another_in()
            raise
        timer = asyncio.get_running_loop().call_later(_FIRST, passage.let_all_in)
        try:
            yield passage
        finally:
            timer.cancel()
            passage.leave()

    def open(self) -> None:
        """Let the others in, too."""
        self._open = True

    async def _turn(self) -> "asyncio.Lock | None":
        """Wait until a row may go; if it goes alone, the lock that keeps the others out."""
        if self._open:
            return None
        await self._alone.acquire()
        if not self._open:
            return self._alone
        self._alone.release()
        return None


@define(eq=False)
class Passage:
    """A row on its way to a provider."""

    _room: asyncio.Semaphore
    _open: Callable[[], None]
    _alone: asyncio.Lock | None
    _left: bool = field(default=False, init=False)

    def watch(self, progress: Progress) -> None:
        """Leave once the provider has taken the row, or if it need not be sent at all."""
        if self._left:
            return
        if progress.phase in _TAKEN:
            self.let_all_in()
            self.leave()
        elif progress.phase == "found" and progress.standing != "unsent":
            self.leave()

    def let_all_in(self) -> None:
        """Open the door: a row has been taken, or the answer takes long."""
        self._open()
        self.let_another_in()

    def let_another_in(self) -> None:
        """Keep the others out no longer."""
        if self._alone is not None:
            self._alone.release()
            self._alone = None

    def leave(self) -> None:
        """Make room for another one."""
        if not self._left:
            self._left = True
            self.let_another_in()
            self._room.release()
