"""
The check of videos as a program: a request and an answer per line, as JSON, until the input ends.

A request is a path (its bytes in hexadecimal) and a number of seconds or null; the answer is null,
or why it is no whole video.

A file may be made to exhaust whoever reads it, so memory and time are limited. The system ends a
process that meets the limit of time.

Windows has no such limits, and macOS none of memory: there only whoever waits for an answer can end
the process.
"""

import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from .problem import UnplayableVideo
from .whole import check_video

#: What is said when the program is ready.
READY = b"ready\n"
#: How much memory a check may take, in bytes, and how much time of the processor, in seconds.
_MEMORY = 512 * 1024**2
_TIME = 20
#: How long to wait for the next request, in seconds.
_IDLE = 60.0


def serve(memory: int = _MEMORY) -> None:
    """Answer requests until there are no more, or for some time none."""
    import av  # noqa: F401 - Loaded before its memory counts.

    answers = sys.stdout.buffer
    with suppress(OSError):  # Where there is no such file, the limit would not be held either.
        _limit_memory(memory)
    answers.write(READY)
    while True:
        answers.flush()
        idle = threading.Timer(_IDLE, os._exit, [0])
        idle.daemon = True
        idle.start()
        line = sys.stdin.buffer.readline()
        idle.cancel()
        if not line:
            return
        _limit_time()
        name, seconds = json.loads(line)
        problem = _problem(Path(os.fsdecode(bytes.fromhex(name))), seconds)
        answers.write(json.dumps(problem).encode() + b"\n")


def _problem(path: Path, seconds: float | None) -> str | None:
    try:
        check_video(path, seconds)
    except UnplayableVideo as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return None


def _limit_memory(more: int) -> None:
    """Let the process take so many bytes more than it has now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    import resource

    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_time() -> None:
    """Let the process take so many seconds more than it has taken."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + _TIME, most))
