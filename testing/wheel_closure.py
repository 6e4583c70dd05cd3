"""A clean environment with the dependencies that a wheel names, as they are installed here."""

import os
import shutil
import sys
import venv
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .wheel_build import CannotTry, Wheel


def environment(wheel: Wheel, folder: Path) -> tuple[Path, Path]:
    """
    An environment with the wheel and its dependencies: its Python, and where the modules are.

    Raises `CannotTry` if a dependency is not installed here.
    """
    needed = list(closure(wheel.name, wheel.requires))
    venv.EnvBuilder(symlinks=os.name != "nt").create(folder)
    windows = os.name == "nt"
    python = folder / ("Scripts/python.exe" if windows else "bin/python")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    modules = folder / ("Lib/site-packages" if windows else f"lib/{version}/site-packages")
    for distribution in needed:
        _link(distribution, modules)
    with zipfile.ZipFile(wheel.file) as archive:
        archive.extractall(modules)
    return python, modules


def closure(name: str, requires: Iterable[str]) -> Iterator[Distribution]:
    """The installed distributions that these requirements name, with all that those require."""
    found: dict[tuple[str, str], None] = {}
    waiting = [(name, Requirement(each), "") for each in requires]
    given: set[str] = set()
    while waiting:
        owner, requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        distribution = _installed_for(owner, requirement)
        key = canonicalize_name(requirement.name)
        if key not in given:
            given.add(key)
            yield distribution
        for each in ("", *requirement.extras):
            if (key, each) not in found:
                found[key, each] = None
                more = map(Requirement, distribution.requires or ())
                waiting += [(requirement.name, inner, each) for inner in more]


def _installed_for(owner: str, requirement: Requirement) -> Distribution:
    """The distribution that fulfils a requirement; raises `CannotTry` if there is none."""
    found = _installed().get(canonicalize_name(requirement.name))
    if found is None:
        raise CannotTry(
            f"{owner} needs {requirement.name}, which is not installed here: run "
            f'pip install "{requirement}".'
        )
    if not requirement.specifier.contains(found.version, prereleases=True):
        raise CannotTry(f"{owner} needs {requirement}, but {found.version} is installed here.")
    return found


@cache
def _installed() -> Mapping[str, Distribution]:
    """What is installed here, by name; what an installer has left counts before a checkout."""
    every = sorted(distributions(), key=lambda each: each.read_text("RECORD") is not None)
    return {canonicalize_name(each.name): each for each in every if each.name}


def _link(distribution: Distribution, modules: Path) -> None:
    """Let an environment have a distribution: its folders and files are linked, or else copied."""
    files = distribution.files if distribution.read_text("RECORD") is not None else None
    if files is None:  # A checkout, whose metadata is among its modules.
        place = Path(str(distribution.locate_file("")))
        (modules / f"{distribution.name}.pth").write_text(f"{place}\n", "utf-8")
        return
    for path in files:
        if path.parts[0] not in ("..", "__pycache__"):
            source = Path(str(distribution.locate_file(path.parts[0])))
            shared = len(path.parts) > 1 and not _is_its_own(source)
            part = path if shared else path.parts[0]
            _put(Path(str(distribution.locate_file(part))), modules / part)


@cache
def _is_its_own(folder: Path) -> bool:
    """Whether a folder is of one distribution: a package, or metadata, or a package's libraries."""
    return (folder / "__init__.py").exists() or folder.suffix in (".dist-info", ".libs")


def _put(source: Path, target: Path) -> None:
    if target.exists() or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.symlink_to(source, source.is_dir())
    except OSError:  # Windows has to be told to let one.
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
