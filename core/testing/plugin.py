"""
All of this for a suite of one's own, in one line of its conftest.py: a plug-in of pytest.

::

    pytest_plugins = ["kling26.core.testing.plugin"]

brings the fixtures `stage` (below), `talk` (`kling26.core.testing.conversation`) and `replay` with
its cassettes (`kling26.core.testing.replay`), and has a failure of `ProviderTests` say what to
do. It needs ``pip install "kling26[test]"``.
"""

import inspect
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

# Before anything imports them: a failed assertion shall show its values.
pytest.register_assert_rewrite(
    "kling26.core.testing.conformance",
    "kling26.core.testing.samples",
    "kling26.core.testing.stage",
)
pytest_plugins = ["kling26.core.testing.replay", "kling26.core.testing.conversation"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """
    Builds a `Stage`: the real runner over an emulator, in virtual time.

    ``stage(Acme(), AcmeSandbox)``, or by its name a provider that is installed: ``stage("acme")``.
    """
    from ..registry import load_providers, load_sandboxes, plugins
    from .stage import Stage

    stages: list[Stage] = []

    def build(provider: Any, sandbox: Any = None) -> Stage:
        if isinstance(provider, str):
            provider = load_providers(plugins())[provider]
        sandbox = sandbox or load_sandboxes(plugins())[provider.name]
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
