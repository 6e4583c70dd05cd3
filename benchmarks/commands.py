"""40 commands at once on one home, as `xargs -P40` starts them, beside one process for all."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure
from provider import environment, facts, provider, small_video
from sides import side

_COUNT, _SECONDS = 40, 10.0
#: What a command says to whoever finds the journal busy.
_BUSY = ("locked", "busy")


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home, video = Path(folder), small_video(Path(folder))
        before = _cpu()
        with provider(video, _SECONDS) as url:
            said = _xargs({**os.environ, **environment(url, home / "home")}, home)
            cpu = _cpu() - before
            most = facts(url)["most_per_request"]
        delivered = len(list(home.glob("out/*.mp4")))
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
        with provider(video, _SECONDS) as url:
            one = side("ours", url, _COUNT)
    detail = (
        f"{cpu:.1f} s of CPU and up to {memory:.0f} MB each; one process for all: "
        f"{one['cpu'] + one['children']:.1f} s and {one['memory'] / 1e6:.0f} MB more"
    )
    yield Figure(f"{_COUNT} commands at once: delivered", delivered, "", _COUNT, "least", detail)
    busy = sum(any(sign in line.lower() for sign in _BUSY) for line in said)
    yield Figure(f"{_COUNT} commands at once: told that the journal is locked", busy, "", 0)
    yield Figure(f"{_COUNT} commands at once: paid per request", most, "", 1)


def _xargs(environ: dict[str, str], folder: Path) -> list[str]:
    """The lines that the commands say on stderr."""
    (folder / "out").mkdir()
    command = f'{sys.executable} -m kling26 generate "Heron $1" --provider cometapi -o "out/$1.mp4"'
    line = ["xargs", f"-P{_COUNT}", "-I{}", "sh", "-c", command, "sh", "{}"]
    numbers = "\n".join(map(str, range(_COUNT)))
    done = subprocess.run(
        line, input=numbers, text=True, capture_output=True, env=environ, cwd=folder, check=False
    )
    return done.stderr.splitlines()


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
