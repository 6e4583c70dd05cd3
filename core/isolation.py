"""
What the code of a plug-in may do to the process while it is loaded, and what is put back after it.

What it prints goes to stderr, because stdout belongs to the results of whoever uses kling26. Its
changes to the standard streams, signal handlers, alarms, logging, warnings, the locale, the working
folder, the environment and what is built in end with it, and what it takes from the path or from
the loaded modules is put back: an address in the environment is where a key is sent. Only
`os._exit` cannot be helped.
"""

import builtins
import json
import locale
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from .aside import aside

_lock = threading.RLock()
#: So many lines of what a plug-in prints at a time are shown.
_LINES = 100


@contextmanager
def isolated() -> Iterator[None]:
    """
    Run code of a plug-in, in one thread at a time.

    An interrupt by a signal is raised in the end, whatever that code has made of it.
    """
    with (
        _lock,
        _signal_handlers(),
        _descriptor(),
        _streams(),
        _logging(),
        _locale(),
        _folder(),
        _environment(),
        _built_in(),
        _imports(),
        _interpreter(),
        warnings.catch_warnings(),
    ):
        yield


def occupy() -> None:
    """Open the null device for each standard stream that is closed, or a file gets its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # Always the lowest number that is free.


# -- streams -----------------------------------------------------------------------------------


@contextmanager
def _streams() -> Iterator[None]:
    """A plug-in gets streams that it may wrap, detach and close."""
    before = sys.stdin, sys.stdout, sys.stderr
    out, err = aside(before[1], _LINES), aside(before[2], _LINES)
    sys.stdout, sys.stderr = out, err
    sinks = out.buffer, err.buffer
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for sink in sinks:
            sink.settle()  # type: ignore[attr-defined]


@contextmanager
def _descriptor() -> Iterator[None]:
    """
    Lead file descriptor 1 to stderr, for child processes and libraries in C.

    Where there are other threads, what they print would be led there too, so it is left.
    """
    kept = None
    if threading.active_count() == 1:
        with suppress(Exception):
            sys.__stdout__.flush()  # type: ignore[union-attr]
            kept = os.dup(1)
            os.dup2(2, 1)
    try:
        yield
    finally:
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


# -- signals -----------------------------------------------------------------------------------

Handler = Callable[[int, FrameType | None], Any]

#: Those that end a program, and those that Python handles so that it goes on.
_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "SIGPIPE", "SIGCHLD")
    if hasattr(signal, name)
]


@contextmanager
def _signal_handlers() -> Iterator[None]:
    """Signals reach nobody but the main thread, and only there can their handlers be changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    raised: list[BaseException] = []
    for number, handler in before.items():
        if callable(handler):
            _handle(number, _noting(handler, raised))
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) != handler:
                _handle(number, handler)
    if raised:
        raise raised[0]


def _noting(handler: Handler, raised: list[BaseException]) -> Handler:
    """The handler, and what it raises is noted: a plug-in may raise the same without a signal."""

    def handle(number: int, frame: FrameType | None) -> Any:
        try:
            return handler(number, frame)
        except BaseException as error:
            raised.append(error)
            raise

    return handle


def _handle(number: int, handler: Any) -> None:
    with suppress(OSError, ValueError):  # In an interpreter within another one.
        signal.signal(number, handler)


# -- the rest of the process -------------------------------------------------------------------


@contextmanager
def _logging() -> Iterator[None]:
    known = [each for each in _all_loggers() if not each.disabled]
    loggers = [logging.getLogger(name) for name in (None, "kling26")]
    before = [(list(each.handlers), each.level, each.propagate) for each in loggers]
    threshold = logging.root.manager.disable
    try:
        yield
    finally:
        logging.disable(threshold)
        for each in known:  # `logging.config` disables every logger that it does not know.
            each.disabled = False
        for each, (handlers, level, propagate) in zip(loggers, before, strict=True):
            each.handlers, each.propagate = handlers, propagate
            each.setLevel(level)


def _all_loggers() -> list[logging.Logger]:
    found = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(each for each in found if isinstance(each, logging.Logger))]


@contextmanager
def _locale() -> Iterator[None]:
    before = locale.setlocale(locale.LC_ALL)
    try:
        yield
    finally:
        if locale.setlocale(locale.LC_ALL) != before:
            with suppress(locale.Error):
                locale.setlocale(locale.LC_ALL, before)


@contextmanager
def _folder() -> Iterator[None]:
    before = _here()
    try:
        yield
    finally:
        if before is not None and _here() != before:
            with suppress(OSError):
                os.chdir(before)


def _here() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # It is deleted.
        return None


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            os.environ.pop(name, None)
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value


@contextmanager
def _built_in() -> Iterator[None]:
    """`print` and the like, and the functions that write what others read."""
    before = [(module, dict(vars(module))) for module in (builtins, json)]
    try:
        yield
    finally:
        for module, known in before:
            vars(module).update(known)


@contextmanager
def _imports() -> Iterator[None]:
    """What is on the path, and the modules that are loaded; more of them may come."""
    path, folders, modules = sys.path, list(sys.path), dict(sys.modules)
    try:
        yield
    finally:
        now = list(sys.path) if isinstance(sys.path, list) else []
        if any(each not in now for each in folders):
            now = [*folders, *(each for each in now if each not in folders)]
        path[:], sys.path = now, path
        sys.modules.update(modules)


@contextmanager
def _interpreter() -> Iterator[None]:
    """An alarm that rings later ends the process, and a mask hides the files of others."""
    before, hook, mask = _alarm(), sys.excepthook, _mask()
    depth = sys.getrecursionlimit()
    try:
        yield
    finally:
        if before == 0 and _alarm():
            signal.setitimer(signal.ITIMER_REAL, 0)
        if _mask() != mask:
            os.umask(mask)
        sys.excepthook = hook
        sys.setrecursionlimit(depth)


def _alarm() -> float:
    """In how many seconds an alarm rings; 0 for none."""
    return signal.getitimer(signal.ITIMER_REAL)[0] if hasattr(signal, "getitimer") else 0


def _mask() -> int:
    """The permissions that new files do not get; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _forget_parent() -> None:
    """In a forked child, the lock may be held for ever."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # Not on Windows.
    os.register_at_fork(after_in_child=_forget_parent)
