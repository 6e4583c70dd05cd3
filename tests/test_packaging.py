"""What is shipped, and that every way in leads to one copy of the package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
#: Folders of the checkout that are no part of the package.
NOT_SHIPPED = ("tests", "cassettes", "build", "dist", "benchmarks", "examples", "example_workflows")
#: A module of an earlier build, where setuptools collects what goes into a wheel.
GONE = "build/lib/kling26/core/gone.py"


def python(*arguments: str, cwd: Path, path: tuple[Path, ...] = ()) -> str:
    """What a fresh interpreter prints; coverage does not follow it into the copies made here."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("COV")}
    environ |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    if path:
        environ["PYTHONPATH"] = os.pathsep.join(map(str, path))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )

    assert done.returncode == 0, done.stdout
    return done.stdout


def copy_project(folder: Path) -> Path:
    """The checkout's files, without what tools leave in it; what is compiled saves time."""
    leftovers = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "node_modules")
    shutil.copytree(ROOT, folder, ignore=leftovers)
    return folder


def build(project: Path, kind: str, target: Path) -> Path:
    """Let the build backend make a "wheel", an "sdist" or an "editable"; needs no network."""
    target.mkdir(parents=True, exist_ok=True)
    code = f"from setuptools import build_meta; build_meta.build_{kind}({str(target)!r})"
    python("-W", "ignore", "-c", code, cwd=project)
    (made,) = target.iterdir()
    return made


def install(wheel: Path, target: Path) -> Path:
    """Unpack a wheel: of one without binaries and data, that is what pip does with it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)  # noqa: S202 - our own.
    return target


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout to build from, with what an earlier build has left in it."""
    folder = copy_project(tmp_path_factory.mktemp("project") / "copy")
    (folder / GONE).parent.mkdir(parents=True)
    (folder / GONE).write_text("# This module has been removed since.\n")
    return folder


@pytest.fixture(scope="session")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(project, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a third party's module, which knows the package by its name alone."""
    folder = tmp_path_factory.mktemp("acme")
    shutil.copy2(ROOT / "tests/plugin/kling26_acme.py", folder)
    return folder


# -- what is shipped -----------------------------------------------------------------------


def test_the_listed_packages_are_the_folders_on_disk() -> None:
    """A folder that is not listed would be missing from the wheel, and nowhere else."""
    shipped = (
        path.parent.relative_to(ROOT)
        for path in ROOT.rglob("__init__.py")
        if not path.relative_to(ROOT).parts[0].startswith((".", *NOT_SHIPPED))
    )
    found = {".".join(("kling26", *folder.parts)) for folder in shipped}

    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_requirements_are_the_dependencies() -> None:
    """ComfyUI's manager installs from the one, pip from the other."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()

    assert lines == PROJECT["project"]["dependencies"]


def test_the_wheel_contains_the_package_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    modules = [name for name in names if name.endswith(".py")]
    tops = {name.split("/")[0] for name in names}

    assert tops == {"kling26", f"kling26-{PROJECT['project']['version']}.dist-info"}
    assert {"kling26/__init__.py", "kling26/core/__init__.py"} <= set(modules)
    assert {"kling26/py.typed", "kling26/setup.py"} & set(names) == {"kling26/py.typed"}
    assert not [name for name in names if name.split("/")[1] in NOT_SHIPPED]


def test_a_module_that_has_been_removed_is_not_shipped_again(project: Path, wheel: Path) -> None:
    assert "kling26/core/gone.py" not in zipfile.ZipFile(wheel).namelist()
    assert not (project / GONE).exists()


def test_every_file_of_a_package_is_in_the_wheel(project: Path, wheel: Path) -> None:
    """Templates and other data too; below the root, whatever is in a package belongs to it."""
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = {name.split(".")[1] for name in PROJECT["tool"]["setuptools"]["packages"][1:]}
    files = {
        f"kling26/{path.relative_to(project).as_posix()}"
        for folder in folders
        for path in (project / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    assert files - names == set()


def test_tests_and_cassettes_travel_in_the_sdist(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sdist = build(project, "sdist", tmp_path_factory.mktemp("sdist"))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        path.relative_to(project).as_posix()
        for folder in ("tests", "cassettes")
        for path in (project / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    assert wanted
    assert wanted | {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"} <= names


def test_the_version_is_written_in_one_place(wheel: Path) -> None:
    version = PROJECT["project"]["version"]
    with zipfile.ZipFile(wheel) as archive:
        sources = {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}

    assert [name for name, text in sources.items() if f'"{version}"'.encode() in text] == []


def test_the_changelog_speaks_of_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert PROJECT["project"]["version"] in headings


# -- the door ------------------------------------------------------------------------------

#: A fresh interpreter begins with this: it sees the kling26 that are in a test's own folder, and
#: not what the environment of the suite has installed. Arguments, as JSON: `here`, that folder,
#: and `sites`, where packages are installed in it.
BEGIN = """
import importlib, importlib.util, json, os, site, sys

case = json.loads(sys.argv[1])

class OnlyHere:
    def find_spec(name, path=None, target=None):
        if name != "kling26":
            return None
        for finder in sys.meta_path:
            spec = None if finder is OnlyHere else finder.find_spec(name, path)
            if spec is not None and spec.origin and spec.origin.startswith(case["here"]):
                return spec
        raise ModuleNotFoundError(name)

# An editable installation of the suite's own has the same name as one made here.
for name in [name for name in sys.modules if name.startswith("__editable___kling26")]:
    del sys.modules[name]
others = [each for each in sys.meta_path if "__editable___kling26" not in str(each)]
sys.meta_path[:] = [OnlyHere, *others]
for folder in case["sites"]:
    sys.path.insert(0, folder)
    site.addsitedir(folder)
"""

#: `first`: something imports it before ComfyUI does; `nodes`: the custom-node folders.
DOOR = """
def load_custom_node(module_path):
    # As in ComfyUI's nodes.py.
    sys_module_name = module_path.replace(".", "_x_")
    module_spec = importlib.util.spec_from_file_location(
        sys_module_name,
        os.path.join(module_path, "__init__.py"),
        submodule_search_locations=[module_path],
    )
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[sys_module_name] = module
    module_spec.loader.exec_module(module)

if case["first"]:
    importlib.import_module("kling26.core")
for folder in case["nodes"]:
    load_custom_node(folder)

import gc, kling26_acme
from kling26.core import Provider

classes = [each for each in gc.get_objects() if isinstance(each, type)]
named_so = [each for each in classes if each.__name__ == "Provider"]
cores = [name for name in sys.modules if name.endswith(".core")]
print(json.dumps({
    "core": [name for name in cores if hasattr(sys.modules[name], "VideoRequest")],
    "providers": len([each for each in named_so if hasattr(each, "read_callback")]),
    "file": sys.modules["kling26"].__file__,
    "plug-in": isinstance(kling26_acme.Acme(), Provider),
}))
"""

Door = Callable[..., dict[str, Any]]


@pytest.fixture
def door(tmp_path: Path, acme: Path) -> Door:
    """Open it in a fresh interpreter; what came of it."""

    def enter(
        nodes: list[Path], sites: tuple[Path, ...] = (), first: bool = False
    ) -> dict[str, Any]:
        case = {
            "here": str(tmp_path),
            "sites": [str(folder) for folder in sites],
            "first": first,
            "nodes": [str(folder) for folder in nodes],
        }
        answer = python("-c", BEGIN + DOOR, json.dumps(case), cwd=tmp_path, path=(acme,))
        found: dict[str, Any] = json.loads(answer.splitlines()[-1])
        return found

    return enter


def one_copy(of: Path) -> dict[str, Any]:
    return {
        "core": ["kling26.core"],
        "providers": 1,
        "file": str(of / "__init__.py"),
        "plug-in": True,
    }


@pytest.mark.parametrize("name", ["kling26", "ComfyUI-Kling2.6", "kling26-main"])
def test_a_bare_clone_of_any_name(door: Door, tmp_path: Path, name: str) -> None:
    node = copy_project(tmp_path / "custom_nodes" / name)

    assert door([node]) == one_copy(node)


def test_two_checkouts_at_once(door: Door, tmp_path: Path) -> None:
    """The first one serves both."""
    first = copy_project(tmp_path / "custom_nodes" / "ComfyUI-Kling2.6")
    second = copy_project(tmp_path / "custom_nodes" / "kling26")

    assert door([first, second]) == one_copy(first)


def test_a_clone_beside_an_installed_wheel(door: Door, tmp_path: Path, wheel: Path) -> None:
    node = copy_project(tmp_path / "custom_nodes" / "kling26")
    site = install(wheel, tmp_path / "site-packages")

    assert door([node], (site,)) == one_copy(node)


def test_a_clone_after_an_installed_wheel_was_imported(
    door: Door, tmp_path: Path, wheel: Path
) -> None:
    """Another node was quicker: then the installed copy serves, and the clone joins it."""
    node = copy_project(tmp_path / "custom_nodes" / "kling26")
    site = install(wheel, tmp_path / "site-packages")

    assert door([node], (site,), first=True) == one_copy(site / "kling26")


@pytest.mark.parametrize("first", [False, True], ids=["clone first", "import first"])
def test_a_clone_that_is_installed_as_editable(door: Door, tmp_path: Path, first: bool) -> None:
    node = copy_project(tmp_path / "custom_nodes" / "ComfyUI-Kling2.6")
    site = install(build(node, "editable", tmp_path / "dist"), tmp_path / "site-packages")

    assert door([node], (site,), first=first) == one_copy(node)


PROBE = """
import sys

from kling26.core import Provider


def test_one_copy():
    cores = [name for name in sys.modules if name.endswith(".core") and
             hasattr(sys.modules[name], "VideoRequest")]
    assert cores == ["kling26.core"]
    assert Provider.__module__ == "kling26.core.provider"
    assert sys.modules["kling26"].__file__ == {file!r}
"""


@pytest.mark.parametrize("name", ["kling26", "ComfyUI-Kling2.6", "kling26-main"])
def test_pytest_in_a_checkout_of_any_name(tmp_path: Path, name: str) -> None:
    """pytest walks through the root's `__init__.py` as well, under whatever name it has."""
    checkout = copy_project(tmp_path / name)
    shutil.rmtree(checkout / "tests")
    (checkout / "tests").mkdir()
    probe = PROBE.format(file=str(checkout / "__init__.py"))
    (checkout / "tests" / "test_probe.py").write_text(probe, "utf-8")
    site = install(build(checkout, "editable", tmp_path / "dist"), tmp_path / "site-packages")
    case = json.dumps({"here": str(tmp_path), "sites": [str(site)]})
    run = f"{BEGIN}\nimport pytest; sys.exit(pytest.main(['-q', '-n0']))"

    assert "1 passed" in python("-c", run, case, cwd=checkout)
