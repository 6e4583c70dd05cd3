"""
Commands and programs of a user, run in this very process.

They find the user's environment, folder and stdin, and stdout and stderr of their own. A rehearsal
runs in virtual time: the emulators and whoever waits for them share a clock that jumps. Where a
provider is at another URL, there are sockets, and time is real.
"""

import asyncio
import io
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import pytest
from attrs import field, frozen
from kling26.cli import entry, main
from kling26.core import api, problems
from kling26.core.runner import background
from kling26.sandbox import Conditions, in_process
from kling26.testing import clock

T = TypeVar("T")


def _output() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True)


def _input(text: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode("utf-8", "surrogateescape")), "utf-8")


@frozen
class Said:
    """What is said on stdout and stderr."""

    stdout: io.TextIOWrapper = field(factory=_output)
    stderr: io.TextIOWrapper = field(factory=_output)

    def texts(self) -> tuple[str, str]:
        out, err = (stream.buffer.getvalue() for stream in (self.stdout, self.stderr))  # type: ignore[attr-defined]
        return out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape")


def command(
    line: Sequence[str], folder: Path, environ: Mapping[str, str], stdin: str = ""
) -> tuple[int, str, str]:
    """`kling26 …`: the exit status, stdout and stderr."""
    with _user(folder, environ, stdin) as (patch, said):
        patch.setattr(sys, "argv", ["kling26", *line])
        patch.setattr(entry, "_hung", lambda: False)  # Which would end the tests, too.
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), *said.texts()
    raise AssertionError("main() returns only by SystemExit")


def program(source: str, folder: Path, environ: Mapping[str, str], stdin: str = "") -> str:
    """What a Python program prints."""
    with _user(folder, environ, stdin) as (patch, said):
        patch.setattr(asyncio, "run", partial(_run, patch))
        patch.setattr(api, "_runners", {})
        exec(compile(source, "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102
        for runner in api._runners.values():
            background.start(runner.aclose()).result()
        return said.texts()[0]


@contextmanager
def _user(
    folder: Path, environ: Mapping[str, str], stdin: str
) -> Iterator[tuple[pytest.MonkeyPatch, Said]]:
    said = Said()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(said.stdout),
        redirect_stderr(said.stderr),
        _own_logs(),
        _own_signals(),
        _own_modules(),
    ):
        patch.setattr(sys, "stdin", _input(stdin))
        patch.chdir(folder)
        for name in set(os.environ) - set(environ):
            patch.delenv(name)
        for name, text in environ.items():
            patch.setenv(name, text)
        for installed in filter(None, environ.get("PYTHONPATH", "").split(os.pathsep)):
            patch.syspath_prepend(installed)
        if not any(name.endswith("_BASE_URL") for name in environ):
            loop = _virtual_loop()
            patch.setattr(background, "start", loop.start)
            _set_time(patch, loop)
        problems.log_once.cache_clear()  # A new process has logged nothing yet.
        yield patch, said


class _Background(clock.VirtualLoop):
    """
    The background loop of a process, whose time passes only while somebody waits for its work.

    Between the end of that and what the main thread does about it, no task may get any further.
    """

    awaited = 0

    @property
    def waits_for_threads(self) -> bool:
        return not self.awaited or super().waits_for_threads

    def start(self, work: Coroutine[object, None, T]) -> "Future[T]":
        async def wait() -> T:
            self.awaited += 1
            try:
                return await work
            finally:
                self.awaited -= 1

        return asyncio.run_coroutine_threadsafe(wait(), self)


@cache
def _virtual_loop() -> _Background:
    loop = _Background()
    threading.Thread(target=loop.run_forever, name="virtual", daemon=True).start()
    return loop


def _run(patch: pytest.MonkeyPatch, work: Coroutine[object, None, T]) -> T:
    """`asyncio.run` of a program, in virtual time."""
    with asyncio.Runner(loop_factory=clock.VirtualLoop) as runner, patch.context() as inner:
        _set_time(inner, runner.get_loop())
        return runner.run(work)


def _set_time(patch: pytest.MonkeyPatch, loop: asyncio.AbstractEventLoop) -> None:
    """From now on, time passes for everybody as for a loop: emulators, the journal, the command."""
    began = time.time() - loop.time()

    def now() -> float:
        return began + loop.time()

    patch.setattr(in_process, "Conditions", partial(Conditions, clock=now))
    patch.setattr(time, "time", now)


@contextmanager
def _own_logs() -> Iterator[None]:
    """A command sets loggers up for the life of its process."""
    loggers = [logging.getLogger(name) for name in (None, "kling26", "httpx")]
    before = [(list(each.handlers), each.level) for each in loggers]
    try:
        yield
    finally:
        for each, (handlers, level) in zip(loggers, before, strict=True):
            each.handlers = handlers
            each.setLevel(level)


@contextmanager
def _own_modules() -> Iterator[None]:
    """A plug-in that is found by PYTHONPATH is another one's next time."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if name.startswith("kling26_"):
                del sys.modules[name]


@contextmanager
def _own_signals() -> Iterator[None]:
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
