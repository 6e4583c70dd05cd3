"""
What the code of a provider does beside returning a value: it waits, looks at a clock, opens a file.

Only calls that lead back to the plug-in count, through the standard library or another library, and
not through kling26, httpx or an import.
"""

import datetime
import random
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from ..core.provider import Provider
from .footprint import is_own_module, own_modules

_CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
_WAITS = {("time", "sleep"), ("select", "select"), ("select", "poll"), ("select", "epoll")}
#: What the interpreter reports of itself (PEP 578), by the beginning of the event's name.
_EVENTS = {
    "socket.": "opens a socket or resolves a name",
    "subprocess.": "starts a process",
    "os.fork": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.system": "starts a process",
    "os.exec": "starts a process",
    "open": "opens a file",
    "os.remove": "opens a file",
    "os.rename": "opens a file",
    "os.mkdir": "opens a file",
    "os.putenv": "changes the environment",
    "sqlite3.connect": "opens a file",
}
#: Code that does such things for its own reasons.
_STOP = {
    *("kling26", "httpx", "attr", "attrs", "cattrs", "logging", "warnings", "importlib"),
    *("_frozen_importlib", "_frozen_importlib_external", "pytest", "_pytest", "PIL"),
}

CLOCK, CHANCE = "looks at a clock", "uses chance"


class Watch:
    """While it is entered, `found` fills with what the plug-in does in this thread."""

    def __init__(self, provider: Provider) -> None:
        self.found: list[str] = []
        self._own = own_modules(provider)
        self._before: Callable[..., Any] | None = None
        self._thread = threading.get_ident()

    def __enter__(self) -> Self:
        _listen()
        _watching.append(self)
        self._before = sys.getprofile()
        sys.setprofile(self._profile)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        sys.setprofile(self._before)
        _watching.remove(self)

    def heard(self, event: str) -> None:
        """An audit event, in whatever thread."""
        said = next((said for start, said in _EVENTS.items() if event.startswith(start)), None)
        if said is None or threading.get_ident() != self._thread:
            return
        if self._is_to_blame(sys._getframe(2)):
            self.found.append(f"{said} ({event})")

    def _profile(self, frame: FrameType, event: str, called: Any) -> None:
        said = None
        if event == "c_call":
            said = _said_of(called, frame)
        elif event == "call" and frame.f_code.co_qualname == "_Environ.__getitem__":
            said = "reads the environment (os.environ)"
        if said is not None and self._is_to_blame(frame):
            self.found.append(said)

    def _is_to_blame(self, frame: FrameType | None) -> bool:
        while frame is not None:
            module = str(frame.f_globals.get("__name__", ""))
            if is_own_module(module, self._own):
                return True
            if module.partition(".")[0] in _STOP:
                return False
            frame = frame.f_back
        return False


_watching: list[Watch] = []
_listening: list[bool] = []


def _listen() -> None:
    """Once per process: an audit hook cannot be removed."""
    if not _listening:
        _listening.append(True)
        sys.addaudithook(_audit)


def _audit(event: str, _: object) -> None:
    for watch in _watching:
        watch.heard(event)


def _said_of(called: Any, frame: FrameType) -> str | None:
    """What a function of Python's own does that a flow may not; None if it may."""
    module, name = getattr(called, "__module__", None), getattr(called, "__name__", "")
    bound = getattr(called, "__self__", None)
    if (module == "time" and name in _CLOCKS) or (
        name in ("now", "utcnow", "today")
        and isinstance(bound, type)
        and issubclass(bound, datetime.date)
    ):
        return f"{CLOCK} ({module or 'datetime'}.{name})"
    if module == "_thread" and name.startswith("start_"):
        return f"starts a thread ({module}.{name})"
    if (module, name) in _WAITS or (name == "acquire" and frame.f_code.co_name == "wait"):
        return f"waits ({module or 'threading'}.{name})"
    if name == "urandom" or isinstance(bound, random.Random):
        return f"{CHANCE} ({name})"
    return None
