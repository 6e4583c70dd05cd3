"""
Run the README's two set-ups, letter by letter, each in a fresh copy: .ci/check_readme.py

Twice: with a Python that pip may install into, and with one that refuses it, as Debian's does.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from export import ROOT, export

#: What the second block's pytest runs here; the whole suite is a stage of its own.
SUITE = "tests/core"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(work: Path) -> None:
    if os.name == "nt":
        say("The README's set-ups are for a POSIX shell; nothing is checked on Windows.")
        return
    make_video, run_tests = set_ups((ROOT / "README.md").read_text("utf-8"))
    pythons = {"free": free_python(work / "free")}
    if sys.platform == "linux":  # Elsewhere a Python may find its prefix in other ways.
        pythons["managed"] = managed_python(work / "managed")
    for name, scripts in pythons.items():
        clone = fresh_clone(work / f"{name}-video")
        shell(make_video, clone, scripts)
        assert (clone / "fox.mp4").stat().st_size, "fox.mp4 is empty"
        say(f"{name} Python: the first set-up made fox.mp4")
        said = shell(run_tests, fresh_clone(work / f"{name}-tests"), scripts)
        say(f"{name} Python: the second set-up ran {SUITE}: {said.splitlines()[-1]}")


def set_ups(readme: str) -> tuple[str, str]:
    """The blocks that install kling26 and that install it for development."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    video, tests = (block for block in blocks if "pip install" in block)
    return video, tests


def fresh_clone(folder: Path) -> Path:
    export(folder)
    return folder


def free_python(folder: Path) -> Path:
    """The scripts of a virtual environment, in which pip installs whatever it is asked to."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin"


def managed_python(folder: Path) -> Path:
    """
    The scripts of a Python whose standard library says that pip may not install into it.

    It is this one under another prefix. A Python finds its prefix by what lies beside it, and pip
    looks for the mark in the standard library of that prefix:
    https://packaging.python.org/en/latest/specifications/externally-managed-environments/
    """
    library = Path(sysconfig.get_path("stdlib"))
    scripts, mine = folder / "bin", folder / "lib" / library.name
    scripts.mkdir(parents=True)
    mine.mkdir(parents=True)
    base = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    shutil.copy2(base, scripts / "python3")
    for entry in library.iterdir():
        if entry.name != "EXTERNALLY-MANAGED":
            (mine / entry.name).symlink_to(entry)
    (mine / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=Not into this one.\n")
    (scripts / "pip").write_text('#!/bin/sh\nexec python3 -m pip "$@"\n')
    (scripts / "pip").chmod(0o755)
    marked = "import os, sysconfig as s; print(os.listdir(s.get_path('stdlib')))"
    seen = subprocess.run([scripts / "python3", "-c", marked], check=True, capture_output=True)
    assert b"EXTERNALLY-MANAGED" in seen.stdout, "this Python would not refuse to be installed into"
    return scripts


def shell(block: str, folder: Path, scripts: Path) -> str:
    """What a block prints; ends everything if it fails."""
    unset = ("PYTHON", "VIRTUAL_ENV", "KLING26_", "COV")
    environ = {name: text for name, text in os.environ.items() if not name.startswith(unset)}
    environ |= {
        "PATH": f"{scripts}{os.pathsep}{environ['PATH']}",
        "KLING26_HOME": str(folder / "home"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTEST_ADDOPTS": f"-q {SUITE}",
    }
    done = subprocess.run(
        ["sh", "-c", block],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{block}\nexited with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder).resolve())
