"""
The check of videos as a program: a request and an answer per line, as JSON, until the input ends.

A request is an object: `path` (its bytes in hexadecimal) with `seconds`, a number or null, to check
a video, or with `size`, in pixels, to get its first picture. The answer has `problem`, null or why
it is no whole video, and `picture`, null or a JPEG in Base64.

A file may be made to exhaust whoever reads it, so memory and time are limited. The system ends a
process that meets the limit of time.

Windows has no such limits, and macOS none of memory: there only whoever waits for an answer can end
the process.
"""

import json
import os
import sys
import threading
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .problem import UnplayableVideo
from .whole import check_video, picture_of

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
        answers.write(json.dumps(answer(json.loads(line))).encode() + b"\n")


def answer(request: Mapping[str, Any]) -> dict[str, str | None]:
    """The answer to a request, as above."""
    path = Path(os.fsdecode(bytes.fromhex(request["path"])))
    picture, problem = None, None
    try:
        if "size" in request:
            picture = b64encode(picture_of(path, request["size"])).decode("ascii")
        else:
            check_video(path, request["seconds"])
    except UnplayableVideo as error:
        problem = str(error)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
    return {"problem": problem, "picture": picture}


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
