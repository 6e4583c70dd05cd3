"""The wheel of a plug-in, tried where only its dependencies are installed."""

from importlib.metadata import version
from pathlib import Path

import pytest
from kling26.cli.new_provider import spellings, write
from kling26.testing import check_wheel
from kling26.testing.wheel_build import CannotTry
from kling26.testing.wheel_closure import closure
from kling26.testing.wheel_imports import imports

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
        ("this is no Python", []),
    ],
)
def test_what_a_module_imports_is_found_also_where_it_is_only_needed_later(
    source: str, found: list[str]
) -> None:
    assert list(imports(source, "own.part")) == found


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
