"""Places: how many requests are under way at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field


@define(eq=False)
class Places:
    """
    Lets up to `count` work at once, and up to `most` if some of them take long.

    What takes longer than `patience` seconds, as at a server that hangs, gives up its place, so
    that others need not wait for it. Whoever waits is served in turn.
    """

    count: int
    most: int
    patience: float
    _places: asyncio.Semaphore = field(init=False)
    _all: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.count)
        self._all = asyncio.Semaphore(self.most)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it until the block ends."""
        async with self._all:
            await self._places.acquire()
            given_up = False

            def give_up() -> None:
                nonlocal given_up
                given_up = True
                self._places.release()

            timer = asyncio.get_running_loop().call_later(self.patience, give_up)
            try:
                yield
            finally:
                timer.cancel()
                if not given_up:
                    self._places.release()


@define(eq=False)
class ProviderPlaces:
    """
    How much goes on at once at one provider, so that one that hangs keeps only itself waiting.

    Each needs a connection, which is an open file, and there may be only some hundreds of those.
    More questions at once get no more answers in a second. A process that is killed leaves unknown
    what became of the payments that were under way.
    """

    questions: Places = field(factory=lambda: Places(20, 200, 1.0))
    payments: Places = field(factory=lambda: Places(20, 60, 1.0))
    downloads: Places = field(factory=lambda: Places(20, 60, 5.0))
