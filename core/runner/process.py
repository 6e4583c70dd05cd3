"""
The process that checks videos: started, asked and ended by one thread.

It runs `playable.serve` by its path, with nothing but the standard library and PyAV: that starts
fastest, and works wherever kling26 was loaded from.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from .playable.serve import READY

#: How long a check may take: so many seconds, and one more for so many bytes of the file.
_CHECK_TIME, _BYTES_PER_SECOND = 30.0, 5_000_000
#: How long the process may take to start, in seconds.
_START_TIME = 30.0
#: The signal for a process that meets its limit of time; Windows has none.
_OUT_OF_TIME = getattr(signal, "SIGXCPU", 0)
_PROGRAM = "import sys; sys.path += sys.argv[1:]; from playable.serve import serve; serve()"
_FOLDER = Path(__file__).parent
#: What the process gets of our environment: what programs need to start, and no keys.
_ENVIRONMENT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Died(Exception):
    """The process ended before it answered; the message says why the file cannot be checked."""


class TookTooLong(Died):
    """The process was ended because it took too long."""


def command() -> list[str] | None:
    """
    The command that starts the process; None where there is none.

    `sys.executable` may be empty, or, where Python is a part of another program, that program.
    """
    library = find_spec("av")
    if library is None or not library.origin or getattr(sys, "frozen", False):
        return None
    if not Path(sys.executable or "").name.lower().startswith(("python", "pypy")):
        return None
    folders = (str(Path(library.origin).parents[1]), str(_FOLDER))
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, *folders]


class CheckProcess:
    """A process that has been started; raises `OSError` or `RuntimeError` if it cannot be."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._late = False
        self._process = subprocess.Popen(  # noqa: S603 - Python itself.
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=_FOLDER,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,  # Ctrl-C is meant for us.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
            | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def wait_until_ready(self) -> None:
        """Wait until it answers; raises `Died` if it does not."""
        if self._read_line(_START_TIME) != READY:
            raise Died("it cannot be checked")

    def ask(self, path: Path, request: Mapping[str, Any]) -> Mapping[str, str | None]:
        """Its answer about a video; raises `Died`, or `OSError` if there is no file."""
        limit = _CHECK_TIME + path.stat().st_size / _BYTES_PER_SECOND
        with suppress(BrokenPipeError):  # Reading says more.
            self._pipe(self._process.stdin).write(json.dumps(request).encode() + b"\n")
        answer: dict[str, str | None] = json.loads(self._read_line(limit))
        return answer

    def kill(self) -> None:
        """End it at once; the thread that waits for it gets `Died`."""
        self._process.kill()

    def close(self) -> None:
        """End it, and wait until it is gone."""
        with self._process:  # Closes the pipes, too.
            self._process.kill()

    def forget(self) -> None:
        """Let go of a process that belongs to the one that this one was forked from."""
        self._pipe(self._process.stdin).close()
        self._pipe(self._process.stdout).close()
        self._process.returncode = 0  # Nothing to wait for.

    def _read_line(self, seconds: float) -> bytes:
        timer = threading.Timer(seconds, self._give_up)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError as error:  # The interpreter exits, and starts no threads any more.
            self.close()
            raise Died("it cannot be checked") from error
        line = self._pipe(self._process.stdout).readline()
        timer.cancel()
        if line.endswith(b"\n"):
            return line
        self.close()
        if self._late or self._process.returncode == -_OUT_OF_TIME:
            raise TookTooLong("it takes too long to check")
        raise Died("the check of it failed")

    def _give_up(self) -> None:
        self._late = True
        self.kill()

    @staticmethod
    def _pipe(end: IO[bytes] | None) -> IO[bytes]:
        assert end is not None
        return end
