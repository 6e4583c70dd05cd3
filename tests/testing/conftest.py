"""The suite of a provider whose source was edited, and what its tests say."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Protocol

import pytest
from kling26.testing import ProviderTests

Suite = type[ProviderTests]


class Acme(Protocol):
    def __call__(self, *edits: tuple[str, str]) -> Suite: ...


class Verdict(Protocol):
    def __call__(self, suite: Suite, test: str) -> str | None: ...


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Acme]:
    """The suite of a good provider, after some edits of its source."""
    folder = shutil.copytree(Path(__file__).with_name("acme"), tmp_path / "acme")
    monkeypatch.syspath_prepend(str(folder))
    modules = ("kling26_acme", "kling26_acme_sandbox")

    def build(*edits: tuple[str, str]) -> Suite:
        file = folder / "kling26_acme.py"
        source = file.read_text("utf-8")
        for old, new in edits:
            assert old in source, old
            source = source.replace(old, new)
        file.write_text(source, "utf-8")
        plugin, emulator = (importlib.import_module(name) for name in modules)

        class TestAcme(ProviderTests):
            provider = plugin.AcmeProvider()
            sandbox = emulator.AcmeSandbox

        return TestAcme

    yield build
    for name in modules:
        sys.modules.pop(name, None)


@pytest.fixture
def verdict(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What a standard test, "name" or "name[fault]", says when it fails; None if it passes."""

    def judge(suite: Suite, test: str) -> str | None:
        name, _, fault = test.rstrip("]").partition("[")
        method = getattr(suite(), f"test_{name}")
        given = {"fault": fault, "tmp_path": tmp_path_factory.mktemp("stage")}
        try:
            method(**{name: given[name] for name in signature(method).parameters})
        except pytest.fail.Exception as failure:
            return str(failure)
        return None

    return judge
