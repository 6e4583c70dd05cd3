"""A provider of one's own in one command; and bad ones, which cost nobody else anything."""

import os
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from kling26.cli.new_provider import spellings, write
from kling26.testing.cassettes import load

#: As it is installed: the suite may be run far from the checkout.
GUIDE = files("kling26") / "docs" / "plugins.md"
LISTED = {"kie", "apikley", "cometapi", "runcomfy"}

#: One line of source for each way in which a plug-in can be bad, and what is said of it.
ACME = """
from attrs import frozen
from kling26.core import Limits, Provider, hookimpl

class Acme(Provider):
    name, title, key_variable = "{name}", "Acme Video", "ACME_API_KEY"
    base_url = "https://api.acme.example"
    {more}

    def submit(self, request, options):
        yield

    def poll(self, ticket):
        yield

@hookimpl
def kling26_providers():
    return {returned}
"""
BAD = {
    "absent": ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
    "misspelt": (
        "from kling26.core import hookimpl\n@hookimpl\ndef kling26_provider(): return []",
        'unknown hook "kling26_provider"; did you mean "kling26_providers"?',
    ),
    "hookless": ("NAME = 'hookless'", "it has no hook"),
    "other": (
        ACME.format(name="other", more="", returned="'acme'"),
        "returned str, which is not a",
    ),
    "taken": (
        ACME.format(name="kie", more="", returned="[Acme()]"),
        'the name "kie" already belongs to',
    ),
    "optionless": (
        ACME.format(name="optionless", more="Options = dict", returned="[Acme()]"),
        "Acme.Options must be an attrs class",
    ),
    "boundless": (
        ACME.format(name="boundless", more="limits = Limits(durations=())", returned="[Acme()]"),
        "Limits.durations must be one or more whole numbers of seconds from 1 to 3600, each of",
    ),
    "newer": (
        ACME.format(name="newer", more="interface = 99", returned="[Acme()]"),
        "it needs version 99 of the plug-in interface",
    ),
}


def install(folder: Path, name: str) -> None:
    """What an installer leaves behind, for a module that is there."""
    info = folder / f"kling26_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kling26-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[kling26]\n{name} = kling26_{name}\n")


def path_with(folder: Path) -> str:
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


def test_a_new_provider_is_listed_and_delivers(user: Any) -> None:
    ran = user.call("new-provider", "acme")
    folder = user.folder / "kling26-acme"

    assert (ran.status, ran.out) == (0, "kling26-acme\n")
    assert 'pip install -e "kling26-acme[test]" && pytest kling26-acme\n' in ran.err
    assert "kling26-acme/PLUGINS.md explains how" in ran.err.replace(os.sep, "/")
    assert (folder / "PLUGINS.md").read_text("utf-8") == GUIDE.read_text("utf-8")
    assert "FILL IN" in (folder / "kling26_acme.py").read_text("utf-8")
    install(folder, "acme")
    path = path_with(folder)
    assert "kling26-acme:acme" in user.call("providers", PYTHONPATH=path).out
    made = user.run("generate", "A fox", "--provider", "acme", "--sandbox", PYTHONPATH=path)
    assert made.status == 0
    assert made.file.stat().st_size > 1000


@pytest.mark.parametrize(
    ("name", "module"), [("acme-video", "kling26_acme_video"), ("x1_y2", "kling26_x1_y2")]
)
def test_a_name_is_spelled_as_each_place_wants_it(user: Any, name: str, module: str) -> None:
    user.call("new-provider", name)

    folder = user.folder / f"kling26-{name}"
    assert f'{name} = "{module}"' in (folder / "pyproject.toml").read_text("utf-8")
    for file in folder.rglob("*.py"):
        source = file.read_text("utf-8")
        compile(source, file.name, "exec")
        assert "$" not in source


def test_the_code_in_its_folder_is_tested_whatever_copy_is_installed(user: Any) -> None:
    user.call("new-provider", "acme")
    facts = tomllib.loads((user.folder / "kling26-acme" / "pyproject.toml").read_text("utf-8"))

    assert facts["tool"]["pytest"]["ini_options"]["pythonpath"] == ["."]
    assert facts["tool"]["ruff"]["lint"]["isort"]["known-first-party"] == [
        "kling26_acme",
        "kling26_acme_sandbox",
    ]


def test_the_cassettes_name_the_documents_of_the_emulator(tmp_path: Path) -> None:
    write(tmp_path / "new", spellings("acme"))
    emulator = (tmp_path / "new" / "kling26_acme_sandbox.py").read_text("utf-8")

    cassettes = list((tmp_path / "new" / "cassettes" / "acme").iterdir())

    assert len(cassettes) == 2
    for path in cassettes:
        how, _, documents = load(path)["metadata"]["source"].partition(", written from ")
        assert how.startswith("played by the emulator of acme 0.1.0 on ")
        assert f'documents = "{documents}"' in emulator


@pytest.mark.parametrize(
    "name", ["Acme", "acme video", "../acme", "-", "a--b", "acme-", "é", "a" * 41]
)
def test_a_bad_name_is_refused_in_a_sentence(user: Any, name: str) -> None:
    ran = user.call("new-provider", "--", name)

    assert (ran.status, ran.out) == (2, "")
    assert "cannot be the name of a provider" in ran.said
    assert list(user.folder.glob("kling26*")) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("auto", 'AutoProvider.name must be another one than "auto", which means any provider.'),
        ("kling26", "KLING26_API_KEY would be a setting of kling26, not of a provider."),
        ("kling26-foo", "KLING26_FOO_API_KEY would be a setting of kling26, not of a provider."),
    ],
)
def test_a_name_that_would_not_be_loaded_is_refused(user: Any, name: str, reason: str) -> None:
    ran = user.call("new-provider", name)

    assert (ran.status, ran.said) == (2, f'A provider cannot be called "{name}": {reason}')
    assert list(user.folder.glob("kling26*")) == []


def test_a_name_that_is_taken_is_refused(user: Any) -> None:
    ran = user.call("new-provider", "kie")

    assert (ran.status, ran.said) == (2, 'There is already a provider "kie"; choose another name.')


def test_a_folder_that_is_there_is_left_alone(user: Any) -> None:
    kept = user.folder / "kling26-acme" / "kling26_acme.py"
    kept.parent.mkdir()
    kept.write_text("mine")

    ran = user.call("new-provider", "acme")

    assert ran.status == 2
    assert ran.said == "kling26-acme already exists; remove it, or choose another name."
    assert kept.read_text() == "mine"


def test_each_bad_plug_in_is_named_in_one_line_and_the_rest_works(user: Any) -> None:
    folder = user.folder / "installed"
    folder.mkdir()
    for name, (source, _) in BAD.items():
        (folder / f"kling26_{name}.py").write_text(source)
        install(folder, name)

    ran = user.run("providers", PYTHONPATH=path_with(folder))

    lines = [line for line in ran.out.splitlines() if "was skipped" in line]
    assert (ran.status, ran.err, len(lines)) == (0, "", len(BAD))
    for name, (_, reason) in BAD.items():
        (line,) = [line for line in lines if line.startswith(f'The plug-in "kling26-{name}:')]
        assert reason in line
    assert {line.split()[0] for line in ran.out.splitlines()[1:] if line.strip()} == {
        *LISTED,
        "The",
        "auto:",
    }
    made = user.call("generate", "A fox", "--sandbox", PYTHONPATH=path_with(folder))
    assert made.status == 0
    assert len([line for line in made.err.splitlines() if "was skipped" in line]) == len(BAD)
