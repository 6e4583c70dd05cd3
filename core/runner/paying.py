"""A task of asyncio that the end of its event loop, and of the process, waits for."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..time_left import TimeLeft
from . import ending

T = TypeVar("T")

#: How often to look whether the answer has come, in seconds.
_GLANCE = 0.02


class PayingTask(asyncio.Task[T]):
    """
    A task of asyncio that is `paying` at times, and then outlives the end of its event loop.

    `asyncio.run` cancels whatever is left when its main coroutine has ended. While this task is
    paying, that comes into effect with the answer, or after some seconds.
    """

    def __init__(
        self,
        work: Coroutine[Any, Any, T],
        paying: Callable[[], bool],
        *,
        name: str,
        rehearsal: bool = False,
    ) -> None:
        super().__init__(work, loop=asyncio.get_running_loop(), name=name)
        self.rehearsal = rehearsal
        self._is_paying = paying
        self._thread = threading.get_ident()
        self._grace: TimeLeft | None = None
        ending.join(self)
        self.add_done_callback(ending.leave)

    @property
    def paying(self) -> bool:
        """Whether a paid request is in flight, or its answer is not in the journal yet."""
        return not self.done() and self._is_paying()

    def cancel(self, msg: Any | None = None) -> bool:
        # The loop's end comes from outside of it; time-outs within the task come from inside.
        if self.paying and not self.get_loop().is_running():
            if self._grace is None:
                self._grace = TimeLeft(ending.GRACE, self.get_loop().time)
                ending.tell(ending.GRACE)
            self._cancel_when_paid()
            return True
        return super().cancel(msg)

    @property
    def left(self) -> bool:
        """Whether the task is paying, and this thread has left its event loop."""
        loop, ours = self.get_loop(), self._thread == threading.get_ident()
        return ours and self.paying and not loop.is_running() and not loop.is_closed()

    def _cancel_when_paid(self) -> None:
        loop = self.get_loop()
        if self.paying and self._grace is not None and self._grace.look() > 0:
            loop.call_later(_GLANCE, self._cancel_when_paid)
        else:
            super().cancel()
