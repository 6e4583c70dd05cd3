"""
What the code of a plug-in may do to the process while it is loaded, and what is put back after it.

What it prints goes to stderr, because stdout belongs to the results of whoever uses kling26. Its
changes to the standard streams, signal handlers, logging, warnings, the locale, the working folder,
the environment and what is built in end with it: an address in the environment is where a key is
sent. Only `os._exit` cannot be helped.
"""

import builtins
import io
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
from typing import Any, TextIO

_lock = threading.RLock()


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


class _Aside(io.RawIOBase):
    """
    Bytes that come out on stderr, as text; nothing fails here, whatever becomes of them.

    It may outlive its time as a standard stream, in a handler of `logging`. Until then, what other
    threads print goes to `others`.
    """

    def __init__(self, others: TextIO | None = None) -> None:
        self._stderr: TextIO | None = sys.stderr
        self._thread = threading.get_ident()
        self.others = others

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        target = self._target()
        return target is not None and target.isatty()

    def fileno(self) -> int:
        """For a child process whose output is to come here."""
        target = self._target()
        if target is None:
            raise io.UnsupportedOperation("there is no stderr")
        return target.fileno()

    def write(self, data: Any) -> int:
        ours = self.others is None or threading.get_ident() == self._thread
        target = self._target() if ours else self.others
        if target is not None:
            with suppress(Exception):
                target.write(bytes(data).decode("utf-8", "replace"))
                target.flush()
        return len(data)

    def _target(self) -> TextIO | None:
        """Stderr as it is now, for a live display may have it, unless that leads back here."""
        now: TextIO | None = sys.stderr
        return self._stderr if isinstance(getattr(now, "buffer", None), _Aside) else now


def aside(others: TextIO | None = None) -> io.TextIOWrapper:
    """A standard stream whose text goes to stderr; `others` is for other threads."""
    return io.TextIOWrapper(
        _Aside(others),  # type: ignore[arg-type]
        encoding="utf-8",
        errors="backslashreplace",
        newline="",
        write_through=True,
    )


@contextmanager
def _streams() -> Iterator[None]:
    """A plug-in gets streams that it may wrap, detach and close."""
    before = sys.stdin, sys.stdout, sys.stderr
    out, err = aside(before[1]), aside(before[2])
    sys.stdout, sys.stderr = out, err
    sinks = out.buffer, err.buffer
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for sink in sinks:
            sink.others = None  # type: ignore[attr-defined]


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


def _forget_parent() -> None:
    """In a forked child, the lock may be held for ever."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # Not on Windows.
    os.register_at_fork(after_in_child=_forget_parent)
