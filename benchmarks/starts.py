"""How each way in starts, against the libraries that it stands on alone."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from figures import Figure

LIBRARIES = "import httpx, attrs, cattrs, pluggy"
#: What ComfyUI has loaded before it comes to custom nodes, as far as it is installed here.
COMFYUI = """
import importlib, importlib.util
for name in ("asyncio", "logging", "ssl", "urllib.request", "aiohttp", "av", "filelock", "numpy",
             "PIL.Image", "psutil", "pydantic", "sqlalchemy", "torch", "tqdm", "yaml"):
    if importlib.util.find_spec(name.partition(".")[0]):
        importlib.import_module(name)
"""
DOOR = """
from kling26.comfy_bridge import extension, node
from kling26.core.installed import discover
from kling26.core.plugins import load_providers
load_providers(discover())
"""
COMMAND = """
import sys
from kling26.cli import main
sys.argv = ["kling26", "{}"]
main()
"""
_PEERS = (
    "Kie-API pack 75 to 84 ms, Kling-Direct 89 to 130 ms, KwaiVGI's 98 to 113 ms, fal's 179 to "
    "208 ms, ComfyUI's own Kling nodes 583 to 732 ms; each after torch and ComfyUI's API"
)
#: What is measured, the libraries that it stands on, what is there before either, and the bound.
STARTS = {
    "`import kling26.core`": ("import kling26.core", LIBRARIES, "", 1.3, ""),
    "the door in ComfyUI's start": (DOOR, LIBRARIES, COMFYUI, 1.3, _PEERS),
    "`kling26 --help`": (
        COMMAND.format("--help"),
        "import attrs, cyclopts, cyclopts.help, pluggy, rich.console, rich.markdown, rich.table",
        "",
        2.0,
        "",
    ),
    "`kling26 tasks`": (
        COMMAND.format("tasks"),
        f"{LIBRARIES}, cyclopts, httpcore, sqlalchemy, stamina",
        "",
        1.5,
        "",
    ),
}


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        for name, (code, libraries, before, most, peers) in STARTS.items():
            _cpu(before + code, home)  # Compiles it.
            # In turn, so that a slow moment of the machine hits all alike.
            pairs = [(_cpu(before + code, home), _cpu(before + libraries, home)) for _ in range(15)]
            alone = _cpu(before, home) if before else 0.0
            ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
            detail = f"{(ours - alone) * 1000:.0f} ms of CPU"
            yield Figure(name, ours / theirs, "× its libraries", most, "most", detail, peers)


def _cpu(code: str, home: str) -> float:
    """The CPU time of a fresh interpreter that runs `code`, in seconds."""
    environ = {**os.environ, "KLING26_HOME": home}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # As installed: compiled once.
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True, env=environ, capture_output=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])
