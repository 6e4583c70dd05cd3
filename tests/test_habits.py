"""Habits of the code that no linter knows of."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "providers", "sandbox", "testing", "comfy_bridge", "cli")
LONGEST_FUNCTION = 60
#: A command of the shell, or an option of one.
COMMAND = re.compile(
    r"\bkling26 (generate|resume|resubmit|cancel|tasks|prune|providers|keys|balance|sandbox|new-)"
    r"|(?<![\w-])--[a-z][a-z-]+"
)
#: The one recognises what older versions wrote, and the other has the commands as data.
EXEMPT = [
    ROOT / "core" / "journal" / "migrations.py",
    ROOT / "core" / "runner" / "objects.py",
]

SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module but its docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


@pytest.mark.parametrize("package", ["core", "providers", "comfy_bridge"])
def test_no_text_outside_the_command_line_names_a_command(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in (ROOT / package).rglob("*.py")
        if path not in EXEMPT
        for text in texts(ast.parse(path.read_text("utf-8")))
        if COMMAND.search(text)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fetch it with: kling26 resume k26-1", True),
        ("another --seed makes a new one", True),
        ("kling26 keys set kie", True),
        ("this kling26 has version 1", False),
        ("kling26.providers.kie", False),
        ("a well-known name -- and a dash", False),
        ("update kling26.", False),
    ],
)
def test_a_command_is_found(text: str, found: bool) -> None:
    assert bool(COMMAND.search(text)) == found


def test_no_function_is_longer_than_a_screen() -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, functions) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]

    assert long == []
