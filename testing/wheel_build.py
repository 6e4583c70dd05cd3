"""Building the wheel of a project, and what is in it."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from configparser import ConfigParser
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from attrs import frozen

from ..core.text import sanitize

#: What a build neither needs nor may be confused by.
_LEFT_OUT = (".*", "*.egg-info", "__pycache__", "build", "dist", "env", "node_modules", "venv")
#: The build backend of a project that names none (PEP 517).
_USUAL = "setuptools.build_meta:__legacy__"
_BUILD = """
import importlib, sys
name, target, *path = sys.argv[1:]
sys.path[:0] = path
module, _, inner = name.partition(":")
backend = importlib.import_module(module)
for part in filter(None, inner.split(".")):
    backend = getattr(backend, part)
backend.build_wheel(target)
"""


class CannotTry(Exception):
    """The wheel cannot be tried; the message says why, and what to do."""


@frozen
class Wheel:
    """
    A wheel: the distribution's name, its modules and their source, which of those are packages,
    what it requires, of Python too, and its entry points in the group "kling26".
    """

    file: Path
    name: str
    modules: Mapping[str, str]
    packages: frozenset[str]
    requires: tuple[str, ...]
    python: str
    entries: Mapping[str, str]

    @classmethod
    def read(cls, file: Path) -> "Wheel":
        with zipfile.ZipFile(file) as archive:
            texts = {
                name: archive.read(name).decode("utf-8", "replace")
                for name in archive.namelist()
                if name.endswith((".py", ".dist-info/METADATA", ".dist-info/entry_points.txt"))
            }
        metadata = HeaderParser().parsestr(_ending(texts, "METADATA"))
        points = ConfigParser(delimiters=("=",), interpolation=None)
        points.read_string(_ending(texts, "entry_points.txt"))
        return cls(
            file=file,
            name=metadata.get("Name", file.name.partition("-")[0]),
            modules={_dotted(name): text for name, text in texts.items() if name.endswith(".py")},
            packages=frozenset(_dotted(name) for name in texts if name.endswith("/__init__.py")),
            python=metadata.get("Requires-Python", ""),
            requires=tuple(metadata.get_all("Requires-Dist", [])),
            entries=dict(points["kling26"]) if points.has_section("kling26") else {},
        )

    def package_of(self, module: str) -> str:
        """The package that a module is in, or that it is."""
        return module if module in self.packages else module.rpartition(".")[0]


def build(project: Path, folder: Path) -> Wheel:
    """
    Build the wheel of a project, from a copy, with the build backend that is installed here.

    Raises `CannotTry` if that fails.
    """
    copy, target = folder / "project", folder / "wheel"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    target.mkdir()
    system = _build_system(copy)
    path = [str(copy / each) for each in system.get("backend-path", ())]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _BUILD, system.get("build-backend", _USUAL), str(target), *path],
        cwd=copy,
        env=environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    files = list(target.glob("*.whl"))
    if done.returncode or not files:
        last = done.stdout.strip().rpartition("\n")[2]
        raise CannotTry(f"The wheel of {project.name} cannot be built: {sanitize(last, 300)}")
    return Wheel.read(files[0])


def environ() -> dict[str, str]:
    """The variables for programs that are not measured, and find only what is installed."""
    return {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("COV", "PYTHON", "KLING26_"))
    }


def _build_system(project: Path) -> Mapping[str, Any]:
    try:
        text = (project / "pyproject.toml").read_text("utf-8")
    except FileNotFoundError:
        return {}
    try:
        system: Mapping[str, Any] = tomllib.loads(text).get("build-system", {})
    except tomllib.TOMLDecodeError as error:
        raise CannotTry(f"pyproject.toml cannot be read: {error}.") from error
    return system


def _ending(texts: Mapping[str, str], name: str) -> str:
    return next((text for path, text in texts.items() if path.endswith(f".dist-info/{name}")), "")


def _dotted(path: str) -> str:
    """The name of the module in a file of the wheel: "acme/wire.py" is "acme.wire"."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
