"""A small plug-in of an author, whose suite the tests of the guard run."""

import textwrap
from collections.abc import Callable

import pytest
from kling26.testing import guard, tally

#: The standard tests that the tests of the guard run, so that it takes no time.
FEW = ("names_and_limits_are_well_formed", "options_can_be_shown", "the_base_url_can_be_changed")
NAMES = tuple(f"test_{name}" for name in FEW)

PLUGIN = """
import httpx
from attrs import frozen
from kling26.core import Provider, Status, Ticket, option

class Dove(Provider):
    name, title, key_variable = "dove", "Dove", "DOVE_API_KEY"
    base_url = "https://api.dove.example"

    def submit(self, request, options):
        body = {"text": request.prompt}
        reply = yield httpx.Request("POST", f"{self.base_url}/videos", json=body)
        return Ticket(reply.json()["id"])

    def poll(self, ticket):
        reply = yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
        return Status("running")

@frozen
class Unexplained:
    look: str = option("film", label="Look", help="no full stop")

class Blind(Dove):
    Options = Unexplained
"""
SUITE = """
import pytest
from dove import Blind, Dove
from kling26.testing import ProviderTests

class TestDove(ProviderTests):
    provider = Dove()
    replies = {"submit": [{"id": "v1"}]}
"""
#: Three tests pass, whatever else is in the folder.
FINE = "ProviderTests: 3 of 3 for TestDove."

SHOWN = "def test_options_can_be_shown(self):"


class Few:
    """The rest of the standard tests is not there."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if getattr(item, "originalname", "") in NAMES]


def runner(pytester: pytest.Pytester, monkeypatch) -> Callable[..., tuple[int, str]]:
    """Runs an author's files with pytest: its exit status, and what it prints."""
    few = {name: tally.STANDARD[name] for name in NAMES}
    monkeypatch.setattr(tally, "STANDARD", few)
    monkeypatch.setattr(guard, "STANDARD", few)
    pytester.makepyfile(dove=PLUGIN)
    pytester.syspathinsert()

    def run(
        suite: str = SUITE, *arguments: str, conftest: str = "", ini: str = ""
    ) -> tuple[int, str]:
        plugin = 'pytest_plugins = ["kling26.testing.plugin"]\n'
        pytester.makeconftest(plugin + textwrap.dedent(conftest))
        pytester.makeini("[pytest]\n" + textwrap.dedent(ini))
        pytester.makepyfile(test_dove=suite)
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments, plugins=[Few()])
        return int(result.ret), result.stdout.str()

    return run


def below(*lines: str) -> str:
    """The suite with more in its class."""
    return SUITE + textwrap.indent(textwrap.dedent("\n".join(lines)), "    ")
