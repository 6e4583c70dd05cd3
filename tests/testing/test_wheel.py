"""The wheel of a plug-in, tried where only its dependencies are installed."""

import importlib
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kling26.cli.new_provider import spellings, write
from kling26.core import Task, VideoRequest
from kling26.core.money import Price
from kling26.core.plugins import load_sandboxes
from kling26.testing import check_wheel
from kling26.testing.wheel import entry_problems
from kling26.testing.wheel_build import CannotTry, Wheel
from kling26.testing.wheel_closure import closure
from kling26.testing.wheel_imports import imports
from kling26.testing.wheel_probe import tried
from kling26.testing.wheel_rehearsal import steps_of, steps_of_hooks

MISSING = """\
The entry point "acme" names kling26_akme, which is not in the wheel: correct it in pyproject.toml.
kling26_acme imports kling26_acme_sandbox, which is not in the wheel: add it to the modules or \
packages in pyproject.toml.
kling26_acme imports yaml, which is not among the dependencies of kling26-acme: add PyYAML to \
pyproject.toml.
kling26_words needs words.txt, which is not in the wheel: put it into a package, and add it to the \
package-data in pyproject.toml."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project of a new provider, which passes as it stands: `test_plugin.py` has that."""
    folder = tmp_path / "kling26-acme"
    write(folder, spellings("acme"))
    return folder


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_all_that_is_missing_is_named_at_once(project: Path) -> None:
    """One project with a fault of each kind: building it and an environment takes a second."""
    edit(project / "pyproject.toml", '"kling26_acme", ', '"kling26_acme", "kling26_words", ')
    edit(project / "pyproject.toml", ', "kling26_acme_sandbox"]', "]")
    edit(project / "pyproject.toml", 'acme = "kling26_acme"', 'acme = "kling26_akme"')
    edit(project / "kling26_acme.py", "    def poll(", "    import yaml\n\n    def poll(")
    words = "from pathlib import Path\nWORDS = Path(__file__).with_name('words.txt').read_text()\n"
    (project / "kling26_words.py").write_text(words, "utf-8")

    with pytest.raises(pytest.fail.Exception) as failed:
        check_wheel(project)

    assert str(failed.value) == MISSING


def test_a_wheel_that_cannot_be_built_says_why(project: Path) -> None:
    edit(project / "pyproject.toml", "[project]", "[project")

    with pytest.raises(pytest.fail.Exception, match=r"pyproject\.toml cannot be read: Expected"):
        check_wheel(project)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a.b, c as d", ["a.b", "c"]),
        ("from a import b, c", ["a", "a.b", "a.c"]),
        ("from a import *", ["a"]),
        ("from . import b", ["own.part", "own.part.b"]),
        ("from ..other import b", ["own.other", "own.other.b"]),
        ("def f():\n    with g():\n        import a", ["a"]),
        ("try:\n    import a\nexcept (ImportError, OSError):\n    import b", ["b"]),
        ("try:\n    import a\nexcept ValueError:\n    pass", ["a"]),
        ("try:\n    import a\nfinally:\n    pass", ["a"]),
        ("if typing.TYPE_CHECKING:\n    import a\nelse:\n    import b", ["b"]),
        ("if x:\n    import a", ["a"]),
        ("importlib.import_module('a.b')", ["a.b"]),
        ("importlib.import_module(name) or __import__('c') or import_module('.d', 'e')", ["c"]),
        ("this is no Python", []),
    ],
)
def test_what_a_module_imports_is_found_also_where_it_is_only_needed_later(
    source: str, found: list[str]
) -> None:
    assert list(imports(source, "own.part")) == found


def test_what_it_could_do_without_is_found_on_request() -> None:
    guarded = "try:\n    import a\nexcept ImportError:\n    import b"

    assert list(imports(guarded, "own", forgiven=True)) == ["a", "b"]


# -- what is tried ---------------------------------------------------------------------------------

_FLOWS = (
    "submit", "poll", "upload", "cancel", "find", "renew", "quote", "balance", "check", "price",
    "read_callback", "verify_callback", "sign", "ticket", "recover_ticket",
)  # fmt: skip


@pytest.mark.parametrize("name", ["kie", "apikley", "cometapi", "runcomfy"])
def test_every_flow_and_function_of_a_provider_is_tried(
    name: str, providers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, called = providers[name], set[str]()
    kind = type(provider)
    for flow in filter(provider.can, _FLOWS):
        monkeypatch.setattr(kind, flow, noted(called, flow, getattr(kind, flow)))

    for where, _, work in steps_of(provider, load_sandboxes()[name]):
        if not where.startswith("read_callback"):  # That is of an empty call, which is refused.
            work()

    assert called == set(filter(provider.can, _FLOWS))


def noted(called: set[str], name: str, method: Callable[..., object]) -> Callable[..., object]:
    def work(*values: object) -> object:
        called.add(name)
        return method(*values)

    return work


def test_what_is_missing_is_told_with_its_place() -> None:
    def submit() -> None:
        importlib.import_module("no_such_module")

    def failing() -> None:
        try:
            submit()
        except ImportError as error:
            raise ValueError("It cannot be read.") from error

    place = "test_what_is_missing_is_told_with_its_place.submit"
    (found,) = tried("the emulator", failing, [__name__], strict=False)
    assert found == (f"{place} in {__name__}", "module", "no_such_module")


def test_the_users_files_and_other_errors_are_no_business_of_a_wheel(tmp_path: Path) -> None:
    def read(file: Path) -> Callable[[], object]:
        return partial(file.read_text, "utf-8")

    assert list(tried("it", read(tmp_path / "config.toml"), strict=False)) == []
    assert list(tried("it", partial(int, "x"), strict=False)) == []
    assert list(tried("it", read(Path("no_prices.json")), strict=False)) == [
        ("it", "file", "no_prices.json")
    ]
    assert [kind for _, kind, _ in tried("it", partial(int, "x"))] == ["other"]


def test_each_hook_gets_what_it_asks_for() -> None:
    plug_in = ModuleType("kling26_acme")
    seen: dict[str, object] = {}

    def before(request: VideoRequest, price: Price) -> None:
        seen["before"] = request.prompt

    def ended(task: Task) -> None:
        seen["ended"] = (task.state, task.sandbox)

    plug_in.kling26_before_paying, plug_in.kling26_ended = before, ended  # type: ignore[attr-defined]
    for _, _, work in steps_of_hooks([plug_in], guard=lambda: None):
        work()

    assert seen == {"before": "A red fox", "ended": ("stored", True)}


def test_a_wheel_for_another_python_is_told() -> None:
    entries, modules = {"acme": "kling26_acme"}, {"kling26_acme": ""}
    wheel = Wheel(Path(), "kling26-acme", modules, frozenset(), (), ">=3.99", entries)

    (problem,) = entry_problems(wheel)

    assert problem.startswith("kling26-acme cannot be installed with Python 3.")


def names(*requires: str) -> set[str]:
    return {each.name.lower() for each in closure("kling26-acme", requires)}


def test_a_dependency_brings_its_own_and_only_the_extras_that_are_named() -> None:
    assert {"httpx", "httpcore", "certifi"} <= names("httpx")
    assert "socksio" not in names("httpx")
    assert "socksio" in names("httpx[socks]")
    assert names('attrs ; python_version < "3"', "attrs ; extra == 'test'") == set()


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("left-pad", 'kling26-acme needs left-pad, which is not installed here: run pip install "'),
        ("attrs<1", f"kling26-acme needs attrs<1, but {version('attrs')} is installed here."),
    ],
)
def test_a_dependency_that_is_not_installed_is_named(requirement: str, problem: str) -> None:
    with pytest.raises(CannotTry) as raised:
        names(requirement)

    assert str(raised.value).startswith(problem)
