"""docs/python.md: its programs run, its tables are complete, and only what is public is shown."""

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
from kling26.core import errors

PUBLIC = "What is public"
PAGES = sorted(path.name for path in (Path(__file__).parents[2] / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def python(page: Any) -> Any:
    return page("docs/python.md")


@pytest.mark.parametrize(
    ("section", "lines"), [("One video", 1), ("Many videos", 3), ("Errors", 1), ("The runner", 1)]
)
def test_every_program_runs(python: Any, reader: Any, section: str, lines: int) -> None:
    (program,) = python.blocks("python", section)

    assert len(reader.python(program).splitlines()) == lines


def test_the_errors_are_real_and_complete(python: Any) -> None:
    kinds = [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and kind.__base__ is errors.Kling26Error
    ]

    assert python.names("Errors") == kinds


def test_every_remedy_is_named(python: Any) -> None:
    field = attrs.fields(errors.Remedy).do

    assert {f"`{name}`" for name in get_args(field.type)} <= set(
        re.findall("`[a-z_]+`", python.section("Errors"))
    )


def test_what_is_public_is_there(python: Any) -> None:
    for module, _, names in python.rows(PUBLIC):
        found = import_module(module.strip("`"))
        for name in re.findall("`([^`]+)`", names):
            assert hasattr(found, name), (module, name)


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{name}" for name in PAGES)])
def test_only_what_is_public_is_shown(python: Any, page: Any, name: str) -> None:
    """Modules that the programs of a page import."""
    public = set(python.names(PUBLIC))
    programs = page(name).blocks("python") + [
        re.sub(r"^(>>>|\.\.\.) ?", "", line, flags=re.MULTILINE)
        for session in page(name).blocks("pycon")
        for line in session.splitlines()
        if line.startswith(">>> from")
    ]
    imported = {
        f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in public else node.module
        for program in programs
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("kling26.")
        for alias in node.names
    }

    assert imported <= public
