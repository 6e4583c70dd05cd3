"""Limits of how many requests are under way at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field


@define(eq=False)
class ConcurrencyLimiter:
    """
    Lets up to `count` work at once, and up to `most` if some of them take long.

    What takes longer than `patience` seconds, as at a server that hangs, gives up its slot, so
    that others need not wait for it. Whoever waits is served in turn.
    """

    count: int
    most: int
    patience: float
    _slots: asyncio.Semaphore = field(init=False)
    _all: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.count)
        self._all = asyncio.Semaphore(self.most)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and keep it until the block ends."""
        async with self._all:
            await self._slots.acquire()
            given_up = False

            def give_up() -> None:
                nonlocal given_up
                given_up = True
                self._slots.release()

            timer = asyncio.get_running_loop().call_later(self.patience, give_up)
            try:
                yield
            finally:
                timer.cancel()
                if not given_up:
                    self._slots.release()


@define(eq=False)
class ProviderConcurrency:
    """
    How much goes on at once at one provider, so that one that hangs keeps only itself waiting.

    Each needs a connection, which is an open file, and there may be only some hundreds of those.
    More questions at once get no more answers in a second. A process that is killed leaves unknown
    what became of the payments that were under way.
    """

    questions: ConcurrencyLimiter = field(factory=lambda: ConcurrencyLimiter(20, 200, 1.0))
    payments: ConcurrencyLimiter = field(factory=lambda: ConcurrencyLimiter(20, 60, 1.0))
    downloads: ConcurrencyLimiter = field(factory=lambda: ConcurrencyLimiter(20, 60, 5.0))
