"""`kling26 plugins`: what is loaded, what is left out, and what is wrong with it."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kling26.cli import console

from .test_new_provider import install
from .test_providers import ACME

ZENITH = """
from kling26.core import Sandbox, hookimpl


@hookimpl(wrapper=True, tryfirst=True)
def kling26_providers():
    yield
    return []


@hookimpl
def kling26_ended(task):
    pass


@hookimpl
def kling26_sandboxes():
    return [Sandbox("acmee", build=dict)]
"""
BROKEN = "import kling26_nowhere"
BUILT_IN = "Built in: kie, apikley, cometapi and runcomfy (kling26 0.1.0, interface 1)."


@pytest.fixture
def path(user: Any) -> Iterator[str]:
    """Where three plug-ins are installed."""
    modules = set(sys.modules)
    folder = user.folder / "installed"
    folder.mkdir()
    for name, source in (("acme", ACME), ("broken", BROKEN), ("zenith", ZENITH)):
        (folder / f"kling26_{name}.py").write_text(source)
        install(folder, name)
    yield os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    for module in set(sys.modules) - modules:
        if module.startswith("kling26_"):
            del sys.modules[module]


def blocks(text: str) -> list[str]:
    return [each.strip() for each in text.split("\n\n")]


def test_without_a_plug_in_it_says_how_to_begin_one(user: Any) -> None:
    ran = user.call("plugins", KLING26_LOAD_PLUGINS=None)

    assert (ran.status, ran.err) == (0, "")
    assert blocks(ran.out) == [
        BUILT_IN,
        (
            "No plug-in is installed. kling26 new-provider NAME writes one to begin with, and "
            "the guide that it puts beside, PLUGINS.md, explains the rest."
        ),
    ]


def test_each_plug_in_has_its_facts_and_its_problems(user: Any, path: str) -> None:
    ran = user.call("plugins", PYTHONPATH=path)

    assert (ran.status, ran.err) == (0, "")
    assert blocks(ran.out) == [
        BUILT_IN,
        (
            "kling26-acme:acme\n"
            "    From: kling26-acme 1.0, module kling26_acme\n"
            "    Interface: 1\n"
            "    Hooks: kling26_providers\n"
            "    Providers: acme"
        ),
        (
            "kling26-broken:broken\n"
            "    From: kling26-broken 1.0, module kling26_broken\n"
            "    Skipped: ModuleNotFoundError: No module named 'kling26_nowhere'. kling26 plugins "
            "--verbose shows where."
        ),
        (
            "kling26-zenith:zenith\n"
            "    From: kling26-zenith 1.0, module kling26_zenith\n"
            "    Hooks: kling26_ended, kling26_providers (wrapper, tryfirst), kling26_sandboxes\n"
            "    Fault: its wrapper of kling26_providers drops results of other plug-ins; a "
            "wrapper may add to that, and takes nothing away.\n"
            '    Partly skipped: its sandbox is for "acmee"; did you mean "acme"?'
        ),
    ]


def test_programs_get_an_object_for_each(user: Any, path: str) -> None:
    ran = user.call("plugins", "--json", PYTHONPATH=path)

    found = {each["plugin"]: each for each in map(json.loads, ran.out.splitlines())}
    assert list(found)[:2] == ["providers.kie", "providers.apikley"]
    assert found["kling26-acme:acme"] == {
        "plugin": "kling26-acme:acme",
        "distribution": "kling26-acme",
        "version": "1.0",
        "built_in": False,
        "entry_point": "acme",
        "module": "kling26_acme",
        "loaded": True,
        "left_out_by": None,
        "load_plugins": None,
        "interface": 1,
        "hooks": [
            {
                "name": "kling26_providers",
                "wrapper": False,
                "hookwrapper": False,
                "tryfirst": False,
                "trylast": False,
            }
        ],
        "providers": ["acme"],
        "sandboxes": [],
        "problems": [],
    }
    assert found["sandbox.kie"]["sandboxes"] == ["kie"]
    assert found["kling26-broken:broken"]["problems"] == [
        (
            'The plug-in "kling26-broken:broken" was skipped: ModuleNotFoundError: No module named '
            "'kling26_nowhere'. kling26 plugins --verbose shows where."
        )
    ]
    assert str(Path(path.partition(os.pathsep)[0])) not in ran.out
    assert ran.err == ""


def test_what_a_setting_leaves_out_is_shown_and_that_it_is_set(user: Any, path: str) -> None:
    ran = user.call("plugins", PYTHONPATH=path, KLING26_LOAD_PLUGINS="kling26-acmee, KLING26_acme")

    _, acme, broken, zenith, limited = blocks(ran.out)
    assert acme.startswith("kling26-acme:acme")
    for each in (broken, zenith):
        assert each.endswith("Left out: KLING26_LOAD_PLUGINS does not name it.")
    assert limited == (
        'KLING26_LOAD_PLUGINS is set, so that only the plug-ins of "kling26-acmee" and '
        '"KLING26_acme" may be loaded.'
    )
    assert ran.said == (
        'KLING26_LOAD_PLUGINS names "kling26-acmee", but no plug-in of that distribution is '
        'installed; did you mean "kling26-acme"?'
    )
    as_json = user.call("plugins", "--json", PYTHONPATH=path, KLING26_LOAD_PLUGINS="")
    *_, last = map(json.loads, as_json.out.splitlines())
    assert (last["loaded"], last["left_out_by"], last["load_plugins"]) == (
        False,
        "KLING26_LOAD_PLUGINS",
        [],
    )


@pytest.mark.parametrize("columns", [40, 80])
def test_it_fits_on_a_terminal(
    user: Any, path: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", lambda: columns)
    lines = user.call("plugins", PYTHONPATH=path).out.splitlines()

    assert max(map(len, lines)) <= columns
    assert sum(line.startswith("kling26-") for line in lines) == 3


def test_with_verbose_it_shows_where_a_plug_in_has_failed(user: Any, path: str) -> None:
    said = user.call("plugins", "--verbose", PYTHONPATH=path).err

    assert "Traceback" in said
    assert "import kling26_nowhere" in said


def test_each_call_of_a_hook_is_shown_on_stderr(user: Any, path: str) -> None:
    ran = user.call("providers", PYTHONPATH=path, KLING26_TRACE_PLUGINS="1")

    assert 'kling26_providers() of "kling26-acme:acme" returned ["acme"] after ' in ran.err
    assert "kling26_providers()" not in ran.out
    wrong = user.call("plugins", KLING26_TRACE_PLUGINS="all")
    assert (wrong.status, wrong.said) == (2, 'KLING26_TRACE_PLUGINS must be 1 or 0; got "all".')
