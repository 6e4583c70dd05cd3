"""
One event loop on a daemon thread, for the life of the process.

Paid tasks run here, so that neither the cancellation of a caller nor the end of a caller's own
event loop affects them. A daemon thread does not keep the interpreter from exiting.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def loop() -> asyncio.AbstractEventLoop:
    """The background event loop, started on first use."""
    global _loop  # noqa: PLW0603 - one per process, on purpose.
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="kling26", daemon=True).start()
        return _loop


def start(work: Coroutine[Any, Any, T]) -> "Future[T]":
    """Start `work` on the background loop; cancelling the future cancels only `work` itself."""
    return asyncio.run_coroutine_threadsafe(work, loop())
