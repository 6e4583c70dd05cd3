"""Reading how long a provider's tasks took, once for all tasks that start together."""

import asyncio
from contextlib import suppress

from attrs import define, field

from ..errors import JournalError
from ..http.pacing import now
from ..journal.reading import JournalReader
from ..status import Realm
from .habits import Habits

#: How long what was read holds, in seconds.
_LASTS = 60.0


@define
class History:
    """What the journal knows of the times that tasks took."""

    journal: JournalReader
    _habits: dict[tuple[str, Realm], tuple[float, Habits]] = field(factory=dict, init=False)
    _reading: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def habits(self, provider: str, realm: Realm) -> Habits:
        """How long the provider's tasks took lately; nothing is known if it cannot be read."""
        async with self._reading:
            read, habits = self._habits.get((provider, realm), (None, Habits()))
            if read is None or now() - read > _LASTS:
                with suppress(JournalError):
                    habits = Habits(await self.journal.times(provider, realm))
                self._habits[provider, realm] = now(), habits
        return habits
