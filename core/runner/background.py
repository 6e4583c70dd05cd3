"""
One event loop on a daemon thread, for the life of the process.

Paid tasks run here, so that neither the cancellation of a caller nor the end of a caller's own
event loop affects them. A daemon thread does not keep the interpreter from exiting.
"""

import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from ..isolation import occupy
from ..machine import check_files
from ..threads import shared

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_lock = threading.RLock()  # A signal may interrupt its holder, and start work itself.
_loop: "asyncio.AbstractEventLoop | None" = None


def loop() -> "asyncio.AbstractEventLoop":
    """The background event loop, started on first use."""
    import asyncio  # Slow to import, and only work needs it.

    global _loop  # noqa: PLW0603 - one per process, on purpose.
    with _lock:
        if _loop is None:
            occupy()  # The loop opens files.
            check_files()  # One that could not is not cleared away without a traceback.
            new = asyncio.new_event_loop()
            try:
                new.set_default_executor(shared())  # It looks up host names there.
                threading.Thread(target=new.run_forever, name="kling26", daemon=True).start()
            except BaseException:
                new.close()
                raise
            _loop = new
        return _loop


def start(work: Coroutine[Any, Any, T]) -> "Future[T]":
    """
    Start `work` on the background loop; cancelling the future cancels only `work` itself.

    Raises `OSError`, `RuntimeError` or `MemoryError` if the machine has no room for the loop.
    """
    try:
        import asyncio

        return asyncio.run_coroutine_threadsafe(work, loop())
    except BaseException:
        work.close()
        raise


def _forget_parent() -> None:
    """In a forked child the thread is missing, and the lock may be held for ever."""
    global _lock, _loop
    _lock, _loop = threading.RLock(), None


if hasattr(os, "register_at_fork"):  # Not on Windows.
    os.register_at_fork(after_in_child=_forget_parent)
