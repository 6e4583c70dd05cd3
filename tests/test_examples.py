"""The example plug-ins and the built-in providers use public names, and nothing else."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
MODULES = sorted(EXAMPLES.glob("*/*.py")) + sorted(EXAMPLES.glob("*/kling26_*/*.py"))
BUILT_IN = sorted((ROOT / "providers").glob("[a-z]*.py"))
PLUG_INS = ("fal", "kling", "replicate")
#: What the author of a plug-in is told to import from.
PUBLIC = ("kling26.core", "kling26.core.wire", "kling26.sandbox")


def trespasses(source: str) -> Iterator[str]:
    """What a plug-in reaches for that is not public."""
    tree = ast.parse(source)
    modules, names = dict(_modules(tree)), dict(_names(tree))
    own = _made(tree)
    for whole in [*modules.values(), *names.values()]:
        if not is_public(whole):
            yield whole
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            module = {**modules, **names}.get(ast.unparse(node.value))
            if module in PUBLIC and not is_public(f"{module}.{node.attr}"):
                yield f"{module}.{node.attr}"
            elif is_private(node.attr) and node.attr not in own:
                yield ast.unparse(node)
        elif isinstance(node, ast.ClassDef):
            bases = [names.get(ast.unparse(base).partition("[")[0]) for base in node.bases]
            taken = {name for base in bases for name in _parts(base)}
            yield from (f"{node.name}.{name}" for name in sorted(_made(node) & taken))


def is_public(whole: str) -> bool:
    """Whether a module, or a name with its module, is there for authors of plug-ins."""
    module, _, name = whole.rpartition(".")
    if whole in PUBLIC:
        return True
    if module not in PUBLIC or name.startswith("_"):
        return False
    found = import_module(module)
    # Without `__all__`, what it makes itself, and not what it imports.
    return name in getattr(found, "__all__", _made(ast.parse(inspect.getsource(found))))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _modules(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What `import kling26...` brings, by the name under which it is used."""
    for node in ast.walk(tree):
        for each in node.names if isinstance(node, ast.Import) else ():
            if each.name.partition(".")[0] == "kling26":
                yield each.asname or each.name, each.name


def _names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What `from kling26... import` brings, by the name under which it is used."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for each in node.names if module.partition(".")[0] in ("kling26", "") else ():
                yield each.asname or each.name, f"{module}.{each.name}"


def _made(tree: ast.AST) -> set[str]:
    """The names that the code itself defines or sets."""
    made = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            made.add(node.id if isinstance(node, ast.Name) else node.attr)
    return made


def _parts(base: str | None) -> set[str]:
    """The private parts of a class of ours, which no other one may replace."""
    if base is None or not is_public(base):
        return set()
    module, _, name = base.rpartition(".")
    return {part for part in dir(getattr(import_module(module), name)) if is_private(part)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_an_example_uses_only_what_is_public(path: Path) -> None:
    assert list(trespasses(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda path: path.stem)
def test_a_built_in_provider_uses_only_what_a_third_party_may(path: Path) -> None:
    """So that it can be copied; what is kept beside it, or shared by two, is read with each."""
    source = path.read_text("utf-8")
    for beside in re.findall(r"^from \.(_\w+) import", source, re.MULTILINE):
        whole = re.compile(rf"^from \.{beside} import (\(.*?\)|.*?)\n", re.MULTILINE | re.DOTALL)
        source = (path.parent / f"{beside}.py").read_text("utf-8") + whole.sub("", source)

    assert list(trespasses(source.replace("from ..core", "from kling26.core"))) == []


def test_there_are_three_plug_ins_with_their_emulators_and_a_program() -> None:
    found = [path.relative_to(EXAMPLES).as_posix() for path in MODULES]
    assert found[:6] == [
        f"kling26-{name}/kling26_{name}{end}.py" for name in PLUG_INS for end in ("", "_sandbox")
    ]
    assert {path.rpartition("/")[0] for path in found[6:]} == {"kling26-fleet/kling26_fleet"}


@pytest.mark.parametrize("name", PLUG_INS)
def test_a_plug_in_is_short(name: str) -> None:
    folder = EXAMPLES / f"kling26-{name}"
    # That of the service's own client is about the client.
    tests = [path for path in folder.glob("tests/*.py") if path.name != "test_client.py"]

    assert lines(folder / f"kling26_{name}.py") <= 150
    assert lines(folder / f"kling26_{name}_sandbox.py") <= 120
    assert folder / "tests" / f"test_{name}.py" in tests
    assert sum(map(lines, tests)) <= 60


def lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())


@pytest.mark.parametrize(
    "source",
    [
        "from kling26.core import Provider, wire",
        "from kling26.core.wire import number, text",
        "from kling26.core import wire\nwire.text",
        "import httpx, kling26.core\nhttpx.get, kling26.core.Provider, ''.__class__",
        "class A:\n    def _b(self):\n        self._c = 1\n        self._b(self._c)",
        "from kling26.core import Provider\nclass A(Provider):\n    def _b(self): ...",
    ],
)
def test_the_check_lets_pass_what_is_public(source: str) -> None:
    assert list(trespasses(source)) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from kling26.core import plugins", "kling26.core.plugins"),
        ("def f():\n    from kling26.core import Order", "kling26.core.Order"),
        ("from kling26.core import *", "kling26.core.*"),
        ("from kling26.core.errors import Refused", "kling26.core.errors.Refused"),
        ("from kling26.core.wire import _number", "kling26.core.wire._number"),
        ("from kling26.core.wire import sanitize", "kling26.core.wire.sanitize"),
        ("from kling26.sandbox import Submission, tasks", "kling26.sandbox.tasks"),
        ("from kling26.sandbox.tasks import Tasks", "kling26.sandbox.tasks.Tasks"),
        ("from kling26 import providers", "kling26.providers"),
        ("from . import kling26_fal", "..kling26_fal"),
        ("import kling26.core.http.addresses as g", "kling26.core.http.addresses"),
        ("import kling26.core as core\ncore.runner", "kling26.core.runner"),
        ("from kling26.core import wire\nwire._number", "kling26.core.wire._number"),
        ("from kling26.core import wire as a\na.sanitize", "kling26.core.wire.sanitize"),
        ("def f(task):\n    return task._state", "task._state"),
        ("class A:\n    def f(self):\n        self._window.enter()", "self._window"),
        (
            "from kling26.core import Provider as P\nclass A(P[int]):\n    _abc_impl = 1",
            "A._abc_impl",
        ),
    ],
)
def test_the_check_finds_what_is_not(source: str, found: str) -> None:
    assert list(trespasses(source)) == [found]
