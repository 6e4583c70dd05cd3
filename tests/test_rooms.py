"""
The rooms of the package: which may stand on which, and none in a circle.

Every import counts, also one inside a function or for types alone: two files that need each other
are one room with a wall through it.
"""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "providers", "sandbox", "testing", "comfy_bridge", "cli")
#: The rooms of core, the upper ones first; every other module of core stands below them.
ROOMS = ("api", "rows", "runner", "http", "journal")
INDEPENDENT = {("http", "journal"), ("journal", "http")}

Graph = Mapping[str, set[str]]


def modules(root: Path) -> dict[str, Path]:
    """The modules of the package, by their names below `kling26`; "" is the door."""
    files = [path for package in PACKAGES for path in root.joinpath(package).rglob("*.py")]
    files += root.glob("*.py")
    named = {
        path.relative_to(root).with_suffix("").as_posix().replace("/", "."): path for path in files
    }
    return {name.removesuffix("__init__").removesuffix("."): path for name, path in named.items()}


def imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports, wherever in its file."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            absolute = [each.name for each in node.names]
            yield from (each.removeprefix("kling26").removeprefix(".") for each in absolute
                        if each.split(".")[0] == "kling26")  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            base = base_of(node, package)
            for alias in node.names if base is not None else ():
                inner = f"{base}.{alias.name}".removeprefix(".")
                yield inner if inner in known else str(base)


def base_of(node: ast.ImportFrom, package: str) -> str | None:
    """The module that a `from … import` names; None if it is not of the package."""
    if node.level == 0:
        first, _, rest = (node.module or "").partition(".")
        return rest if first == "kling26" else None
    above = package.split(".") if package else []
    above = above[: len(above) - (node.level - 1)]
    return ".".join([*above, *(node.module or "").split(".")]).strip(".")


def graph_of(root: Path) -> Graph:
    """What each module of a package imports of it."""
    known = modules(root)
    return {name: set(imports(name, path, known)) - {name} for name, path in known.items()}


def circle(graph: Graph) -> list[str]:
    """A circle of modules that import each other; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def upward(graph: Graph) -> list[tuple[str, str]]:
    """Imports between the rooms of core that lead upward, or between two that are independent."""

    def height(room: str) -> int:
        return ROOMS.index(room) if room in ROOMS else len(ROOMS)

    found = []
    for name, imported in graph.items():
        for other in imported if name.startswith("core.") else ():
            mine, theirs = name.split(".")[1], other.removeprefix("core.").split(".")[0]
            if other.startswith("core.") and mine != theirs:
                wrong = height(theirs) < height(mine) or (mine, theirs) in INDEPENDENT
                found += [(name, other)] if wrong else []
    return found


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(graph_of(ROOT)) == []


def test_no_import_leads_upward_between_the_rooms_of_core() -> None:
    assert upward(graph_of(ROOT)) == []


def test_core_does_not_import_its_own_face() -> None:
    """What is in core takes names from the modules that have them, not from the package."""
    graph = graph_of(ROOT)

    assert [
        name for name, imported in graph.items() if name[:5] == "core." and "core" in imported
    ] == []


def write(root: Path, **files: str) -> Graph:
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return graph_of(root)


@pytest.mark.parametrize(
    "back",
    [
        "from .job import Job",
        "from . import job",
        "from kling26.core.job import Job",
        "import kling26.core.job",
        "def f():\n    from .job import Job",
        "if TYPE_CHECKING:\n    from .job import Job",
        "from .way import on",
    ],
)
def test_a_circle_is_found_however_it_is_closed(tmp_path: Path, back: str) -> None:
    graph = write(
        tmp_path,
        core__job="from .step import step",
        core__way="def f():\n    from . import job as on",
        core__step=back,
    )

    assert len(set(circle(graph))) >= 2


def test_what_is_no_circle_is_not_called_one(tmp_path: Path) -> None:
    graph = write(
        tmp_path,
        core__job="from .step import step\nfrom ..core import base",
        core__step="from .base import Base\nimport json",
        core__base="from typing import Any",
    )

    assert circle(graph) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("core__http__client", "from ..runner.job import Job"),
        ("core__journal__task", "def f():\n    from ..http.client import Client"),
        ("core__errors", "if TYPE_CHECKING:\n    from .journal.task import Task"),
        ("core__runner__job", "from .. import api"),
    ],
)
def test_an_upward_import_is_found(tmp_path: Path, name: str, text: str) -> None:
    graph = write(
        tmp_path,
        core__api="from .runner.job import Job",
        core__runner__job="",
        core__http__client="",
        core__journal__task="",
    )
    assert upward(graph) == []

    (tmp_path / f"{name.replace('__', '/')}.py").write_text(text)

    assert len(upward(graph_of(tmp_path))) == 1
