"""The answers to a task's paid requests, kept on disk until the journal has what they say."""

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from ..http.exchange import Answer
from ..journal.receipts import Receipt, Receipts
from ..journal.task import Task
from ..keys import Key
from ..text import reason
from ..threads import in_thread

logger: logging.Logger = logging.getLogger("kling26")


@define
class PaidAnswers:
    """
    What is answered to the paid requests of one task.

    ``reserve`` before a request leaves, ``keep`` what arrives before anything else is done with it,
    and ``discard`` once the journal has the outcome. Another worker finds it with ``read``.
    """

    task: Task
    receipts: Receipts
    key: Key
    clock: Callable[[], float]
    #: Whether there may be some on disk.
    _any: bool = field(init=False)
    #: Whether they say more than the journal, so that they have to stay.
    _retained: bool = field(default=False, init=False)
    _attempt: int = field(default=0, init=False)
    #: Whether something was kept of this attempt.
    _kept: bool = field(default=False, init=False)
    #: The file for the next answer.
    _reserved: Path | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._any = self.task.attempts > 0

    async def reserve(self, attempt: int) -> None:
        """
        Reserve room for the answer to an attempt.

        Raises `JournalError` if there is none: then nothing must be sent.
        """
        self._any, self._attempt, self._kept = True, attempt, False
        self._reserved = await in_thread(self.receipts.reserve, self.task.id, attempt)

    async def release(self) -> None:
        """Give the room of this attempt back, which certainly had no effect."""
        if self._reserved is not None:
            with suppress(OSError):
                await in_thread(self._reserved.unlink)
            self._reserved = None

    async def keep(self, answer: Answer) -> None:
        """Keep what has arrived. A disk that fails does not matter yet: the answer is here."""
        reply = answer.reply
        receipt = Receipt(
            attempt=self._attempt,
            status=reply.status_code,
            headers=tuple(reply.headers.multi_items()),
            content=reply.content,
            whole=answer.problem is None,
            kept=self.clock(),
        )
        await self._write(receipt)

    async def keep_unsent(self) -> None:
        """Keep that nothing of this attempt has left, unless an answer says more."""
        if self._reserved is not None and not self._kept:
            await self._write(Receipt.unsent(self._attempt, self.clock()))

    async def _write(self, receipt: Receipt) -> None:
        assert self._reserved is not None
        self._kept = True
        try:
            await in_thread(self.receipts.keep, self._reserved, receipt, self.key.value)
        except OSError as error:
            logger.warning(
                "The answer to task %s could not be kept: %s.", self.task.id, reason(error)
            )

    async def read(self) -> list[Receipt]:
        """What is known of the answers to earlier requests, by attempt."""
        return await in_thread(self.receipts.read, self.task.id, self.key.value)

    def retain(self) -> None:
        """Leave on disk what was kept: it has an id that the journal has no place for."""
        self._retained = True

    async def discard(self) -> None:
        """Delete what was kept: the journal has it."""
        if self._any and not self._retained:
            self._any = False
            await in_thread(self.receipts.discard, self.task.id)
