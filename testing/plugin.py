"""
All of this for a suite of one's own, in one line of its conftest.py: a plug-in of pytest.

::

    pytest_plugins = ["kling26.testing.plugin"]

brings the fixtures `stage` (below), `talk` (`kling26.testing.conversation`) and `replay` with
its cassettes (`kling26.testing.replay`), and has a failure of `ProviderTests` say what to
do. It needs ``pip install "kling26[test]"``.
"""

import inspect
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

# Before anything imports them: a failed assertion shall show its values.
pytest.register_assert_rewrite(
    "kling26.testing.conformance",
    "kling26.testing.samples",
    "kling26.testing.stage",
)
pytest_plugins = ["kling26.testing.replay", "kling26.testing.conversation"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """
    Builds a `Stage`: the real runner over an emulator, in virtual time.

    ``stage(Acme(), AcmeSandbox)``, or by its name a provider that is installed: ``stage("acme")``.
    """
    from ..core.plugins import discover, load_providers, load_sandboxes
    from .stage import Stage

    stages: list[Stage] = []

    def build(provider: Any, sandbox: Any = None) -> Stage:
        if isinstance(provider, str):
            provider = load_providers(discover())[provider]
        sandbox = sandbox or load_sandboxes(discover())[provider.name]
        stages.append(Stage(tmp_path / f"home-{len(stages)}", provider, sandbox))
        return stages[-1]

    yield build
    for each in stages:
        each.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.when == "call" and report.failed and (advice := _advice(item)):
        report.sections.append(("What to do", advice))
    return report


def _advice(item: pytest.Item) -> str | None:
    """What the docstring of a standard test says to do."""
    from .conformance import ProviderTests

    test = getattr(ProviderTests, getattr(item, "originalname", ""), None)
    _, _, advice = (inspect.getdoc(test) or "").partition("What to do: ")
    return advice or None
