"""
The check of a video before it is stored, in a process of its own.

A file from the network may be made to crash FFmpeg or to take gigabytes of memory. One process
checks the videos of all runners in turn. It is started by the first runner that has one, ended with
the last runner, and ends by itself when there has been nothing to check for some time.
"""

import asyncio
import atexit
import logging
import os
import threading
from base64 import b64decode
from collections.abc import Mapping
from concurrent.futures import wait
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

from attrs import define, field

from ..threads import DaemonThreads, in_thread
from .playable import UnplayableVideo as UnplayableVideo
from .playable import check_video as check_video
from .playable.serve import answer
from .process import CheckProcess, Died, TookTooLong, command

logger: logging.Logger = logging.getLogger("kling26")

_Request = Mapping[str, Any]
_Answer = Mapping[str, str | None]
#: How long the thread may take to let go of a process that was killed, in seconds.
_LETTING_GO = 5.0


@define(eq=False)
class VideoChecker:
    """Checks videos. Each runner has one; all of them share one process."""

    _checks: "_Checks" = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._checks = _Checks.shared_with(self)

    def start(self) -> None:
        """Start the process in the background, so that a check need not wait for it."""
        self._checks.start()

    async def check(self, path: Path, seconds: float | None = None) -> None:
        """
        Do what `check_video` does; also raises `UnplayableVideo` for what is too much to check.

        Raises `OSError` if there is no such file.
        """
        await self._ask(path, seconds=seconds)

    async def picture(self, path: Path, size: int) -> bytes:
        """
        The first picture of a video, as a JPEG of at most `size` pixels in width and height.

        Raises `UnplayableVideo` if there is none, and `OSError` if there is no such file.
        """
        answer = await self._ask(path, size=size)
        return b64decode(answer["picture"] or "")

    async def _ask(self, path: Path, **request: object) -> Mapping[str, str | None]:
        # In hexadecimal, because the process may use another encoding for the names of files.
        name = os.fsencode(path.absolute()).hex()
        answer = await self._checks.ask(path, {"path": name, **request})
        if answer["problem"] is not None:
            raise UnplayableVideo(answer["problem"])
        return answer

    async def aclose(self) -> None:
        """End the process, unless another runner uses it."""
        if self._checks.is_last(self):
            await in_thread(self._checks.close)


@define(eq=False)
class _Checks:
    """The checks of this process: one at a time, in a thread that asks the other process."""

    current: ClassVar["_Checks | None"] = None
    lock: ClassVar[threading.Lock] = threading.Lock()

    _users: "WeakSet[VideoChecker]" = field(factory=WeakSet)
    #: None if the checks began while the interpreter exits, when no thread can be started.
    _thread: DaemonThreads | None = field(factory=lambda: _new_thread())
    _process: CheckProcess | None = None
    _closed: bool = False
    #: Whether the program ends, so that it starts no process any more.
    _ending: bool = False

    @classmethod
    def shared_with(cls, user: VideoChecker) -> "_Checks":
        """The checks of this process, which `user` is one more user of."""
        with cls.lock:
            if cls.current is None:
                cls.current = cls()
            cls.current._users.add(user)
            return cls.current

    def is_last(self, user: VideoChecker) -> bool:
        """Whether there is no user left after this one; then the next one gets new checks."""
        cls = type(self)
        with cls.lock:
            self._users.discard(user)
            if self._users:
                return False
            if cls.current is self:
                cls.current = None
            return True

    def start(self) -> None:
        if self._thread is not None and self._process is None:
            self._thread.submit(self._running)

    async def ask(self, path: Path, request: _Request) -> _Answer:
        """What the process says about a video."""
        if self._thread is None or self._closed:
            return await in_thread(self._answer_here, path, request)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._answer, path, request)

    def close(self) -> None:
        """End the process and the thread; nobody waits for a check any more."""
        self._closed = True
        self._kill()
        if self._thread is not None:
            self._thread.shutdown()

    def end(self) -> None:
        """End the process with the program; what is still to be checked is checked here."""
        self._ending = True
        self._kill()

    def _kill(self) -> None:
        """End the process at once, and wait until the thread has let go of it."""
        if (process := self._process) is not None:
            process.kill()
        if self._thread is not None:
            wait([self._thread.submit(self._end_process)], _LETTING_GO)

    def forget(self) -> None:
        """Let go of the process, which belongs to the one that this one was forked from."""
        if self._process is not None:
            self._process.forget()

    # -- in the thread ---------------------------------------------------------------------

    def _answer(self, path: Path, request: _Request) -> _Answer:
        try:
            return self._ask(path, request)
        except TookTooLong as error:
            return {"problem": str(error)}
        except Died:
            # It may have been idle, or ended by somebody else: only the second time is it the file.
            logger.info("Checking %s again: the process that did has ended.", path.name)
        try:
            return self._ask(path, request)
        except Died as error:
            return {"problem": str(error)}

    def _ask(self, path: Path, request: _Request) -> _Answer:
        process = self._running()
        if process is None:
            return self._answer_here(path, request)
        try:
            return process.ask(path, request)
        except Died:
            self._process = None
            raise

    def _running(self) -> CheckProcess | None:
        """The process, started if need be; None where it cannot be."""
        if self._process is not None:
            return self._process
        arguments = command()
        if arguments is None or self._closed or self._ending:
            return None
        try:
            self._process = CheckProcess(arguments)
            self._process.wait_until_ready()
        except (OSError, RuntimeError, Died) as error:  # The second while the interpreter exits.
            logger.info("No process can be started to check videos: %s", error)
            self._end_process()
        return self._process

    def _answer_here(self, path: Path, request: _Request) -> _Answer:
        """A paid video is not withheld where no other process can check it."""
        if self._closed:
            return {"problem": "it was not checked"}
        path.stat()  # That there is no such file says nothing about the video.
        return answer(request)

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def _new_thread() -> DaemonThreads | None:
    try:
        return DaemonThreads(1, "kling26-video")
    except RuntimeError:
        return None


def _end() -> None:
    """At the end of the program, also where a runner was never closed."""
    if _Checks.current is not None:
        _Checks.current.end()


def _after_fork() -> None:
    """A forked process has its own checks: threads do not survive a fork."""
    inherited, _Checks.current, _Checks.lock = _Checks.current, None, threading.Lock()
    if inherited is not None:
        inherited.forget()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
