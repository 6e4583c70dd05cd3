"""
A plug-in of pytest for the suites of providers. One line in conftest.py loads it::

    pytest_plugins = ["kling26.testing.plugin"]

It brings the fixtures `talk` (see `kling26.testing.conversation`), `stage`
(`kling26.testing.stage`) and, from `kling26.testing.player`, `replay` with its options; and it adds
to a failure of `ProviderTests` what to do about it. `kling26.testing.guard` counts what runs of it.
"""

import inspect
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ..core.runner.video import VideoChecker
from .conformance import ProviderTests
from .conversation import Conversation
from .stage import Stages

pytest_plugins = ["kling26.testing.guard", "kling26.testing.player"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed and (advice := _advice(item)):
        report.sections.append(("What to do", advice))
    return report


def _advice(item: pytest.Item) -> str | None:
    """What the docstring of a standard test says to do."""
    test = getattr(ProviderTests, getattr(item, "originalname", ""), None)
    _, _, advice = (inspect.getdoc(test) or "").partition("What to do: ")
    return advice or None


@pytest.fixture(scope="session", autouse=True)
def _video_checker() -> VideoChecker:
    """Keeps the process that checks videos, which would start anew for each test's runner."""
    return VideoChecker()


@pytest.fixture
def talk() -> Conversation:
    """Plays a flow by hand: ``talk(provider.poll(ticket), {"state": "queued"})``."""
    return Conversation()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stages]:
    """Sets a `Stage`, the real runner against an emulator: ``stage(Acme(), AcmeSandbox)``."""
    with closing(Stages(tmp_path)) as stages:
        yield stages
