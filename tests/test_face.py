"""What `from kling26 import …` and `from kling26.core import …` give."""

import ast
import inspect
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import kling26
import kling26.core
import pytest
from kling26.core import api, errors

ROOT = Path(__file__).parents[1]
FACES = pytest.mark.parametrize("face", [kling26, kling26.core], ids=["kling26", "kling26.core"])


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


# -- what there is -------------------------------------------------------------------------


@FACES
def test_every_public_name_can_be_imported(face: ModuleType) -> None:
    assert [name for name in face.__all__ if getattr(face, name, None) is None] == []


@FACES
def test_type_checkers_and_python_find_the_same_names(face: ModuleType) -> None:
    """Type checkers read the imports, Python and people read `__all__` and `dir`."""
    imports = [
        node
        for node in ast.walk(ast.parse(Path(str(face.__file__)).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    imported = {alias.name for node in imports for alias in node.names}

    assert imported == set(face.__all__) - {"__version__"}
    assert sorted(face.__all__) == dir(face)


@FACES
def test_every_error_that_a_user_may_catch_is_public(face: ModuleType) -> None:
    tree = {name for name, each in vars(errors).items() if inspect.isclass(each)}

    assert {name for name in tree if issubclass(getattr(errors, name), Exception)} <= {*dir(face)}
    assert "Remedy" in dir(face)


def test_the_core_has_all_that_the_package_has() -> None:
    names = set(kling26.__all__) - {"__version__"}

    assert [
        name for name in names if getattr(kling26, name) is not getattr(kling26.core, name)
    ] == []


@FACES
def test_a_name_that_is_not_there_is_missing(face: ModuleType) -> None:
    with pytest.raises(
        AttributeError, match=f"module '{face.__name__}' has no attribute 'generete'"
    ):
        face.generete  # noqa: B018


def test_generate_takes_the_keywords_of_the_runner() -> None:
    parameters = inspect.signature(kling26.Runner.generate).parameters.values()
    keywords = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}

    assert set(api.GenerateKeywords.__annotations__) == keywords


def test_a_misspelled_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="'outputs'"):
        kling26.generate(kling26.VideoRequest("A red fox"), outputs="fox.mp4")  # type: ignore[call-arg]


# -- the version, and the command ----------------------------------------------------------


def test_the_version_is_that_of_the_files() -> None:
    assert kling26.__version__ == version()


def test_python_m_kling26_is_the_command() -> None:
    line = [sys.executable, "-m", "kling26", "--version"]
    ran = subprocess.run(line, capture_output=True, encoding="utf-8")

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"kling26 {version()}\n", "")


# -- the other door ------------------------------------------------------------------------


def test_the_door_of_comfyui_has_the_same_names() -> None:
    """ComfyUI runs the file under another name, where it finds its own names besides."""
    spec = spec_from_file_location("custom_nodes.kling26", ROOT / "__init__.py")
    assert spec
    assert spec.loader
    door = module_from_spec(spec)
    spec.loader.exec_module(door)

    assert [name for name in kling26.__all__ if getattr(door, name) != getattr(kling26, name)] == []
    assert door.WEB_DIRECTORY == "./web"
    assert not hasattr(kling26, "WEB_DIRECTORY")
