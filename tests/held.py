"""
A provider that keeps its answers to itself, and programs that are ended meanwhile.

A program runs as a process of its own. The test learns from the provider that the paid request has
arrived, and from the program's stderr that it waits; then the provider answers.
"""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Server, build_site, environment

WAITS = "A paid request is under way. Waiting up to 10 seconds for the answer."
#: The start of every program.
PREAMBLE = """
import asyncio, multiprocessing, os, signal, sys, threading, time
# Where the tests run in the background of a shell, or under nohup, these are ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
from kling26 import Runner, VideoRequest, agenerate, generate

def until_paying():
    while not os.path.exists("paid"):
        time.sleep(0.01)

async def leave(work):
    task = asyncio.ensure_future(work)
    await asyncio.to_thread(until_paying)
    raise TimeoutError
"""


class Provider:
    """An emulator of kie.ai over HTTP that answers paid requests only when it may."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sandbox = load_sandboxes()["kie"]
        self._site = build_site([self._sandbox], Conditions(queued=0.0, running=0.0))
        self._may_answer = threading.Event()
        self.environ: dict[str, str] = {}
        self._programs: list[Program] = []

    @property
    def paid(self) -> int:
        """How many paid requests it has accepted."""
        return len(self._site.apps["kie"].accepted)  # type: ignore[attr-defined]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_later(message: Any) -> None:
            if scope["method"] == "POST":
                (self.folder / "paid").touch()
                await asyncio.to_thread(self._may_answer.wait, 60)
            await send(message)

        await self._site(scope, receive, send_later)

    @contextmanager
    def serving(self) -> Iterator[Self]:
        with Server(self) as server:
            self.environ = environment(self._sandbox, server.url) | {
                "KLING26_HOME": str(self.folder / "home"),
                "KIE_API_KEY": "sk-held",
            }
            try:
                yield self
            finally:
                self.answer()
                for program in self._programs:
                    program.kill()
                    program.ended()

    def answer(self) -> None:
        """Answer all paid requests, those that have come and those that will."""
        self._may_answer.set()

    def start(self, source: str) -> "Program":
        """Run a Python program with this provider and a key for it."""
        script = self.folder / "program.py"
        script.write_text(PREAMBLE + source)
        self._programs.append(Program(self, [sys.executable, str(script)]))
        return self._programs[-1]

    def until_paid(self, times: int = 1) -> None:
        """Wait for so many paid requests to have arrived."""
        end = time.monotonic() + 30
        while self.paid < times:
            assert time.monotonic() < end
            time.sleep(0.01)

    @property
    def states(self) -> list[str]:
        """What the journal says of each task."""
        with closing(sqlite3.connect(self.folder / "home" / "journal.sqlite3")) as journal:
            return [state for (state,) in journal.execute("SELECT state FROM tasks")]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    """A provider whose answers a test holds back, and what it needs to run programs."""
    with Provider(tmp_path).serving() as provider:
        yield provider


class Program:
    """A process, which is killed if it outlives the test's patience."""

    def __init__(self, provider: Provider, line: list[str]) -> None:
        self.provider = provider
        self.said = self.out = ""
        self.process = subprocess.Popen(
            line,
            cwd=provider.folder,
            env=os.environ | provider.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # So that its children end with it.
        )
        self._patience = threading.Timer(30, self.kill)
        self._patience.start()

    def kill(self) -> None:
        """End it and its children, if it has not ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def until_paying(self) -> Self:
        """Wait until its paid request has arrived."""
        self.provider.until_paid()
        return self

    def signal(self, number: int) -> Self:
        self.process.send_signal(number)
        return self

    def until_it_says(self, text: str) -> Self:
        """Wait for a line on its stderr."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if text in line:
                return self
        raise AssertionError(f'Ended without "{text}": {self.said}')

    def answered_while_it_waits(self) -> Self:
        """The provider answers once the program says that it waits for that."""
        self.until_it_says(WAITS)
        self.provider.answer()
        return self

    def ended(self) -> tuple[int, str]:
        """The exit status (negative: the signal that killed it), and what it printed."""
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.out, err = self.process.communicate()
            self.said += err
        self._patience.cancel()
        return self.process.returncode, self.out
