"""The suites of two good providers, whose sources were edited, and what their tests say."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Protocol

# Here, because pytester forgets what was imported while it ran, and kling26 keeps its converter.
import cattrs  # noqa: F401
import pytest
from kling26.core import Sandbox
from kling26.testing import ProviderTests

HERE = Path(__file__).parent
Suite = type[ProviderTests]


class Edited(Protocol):
    """
    The suite of a provider after some edits: the old text, and the new.

    `emulator` are edits of its emulator's source.
    """

    def __call__(
        self, *edits: tuple[str, str], emulator: tuple[tuple[str, str], ...] = ()
    ) -> Suite: ...


class Verdict(Protocol):
    def __call__(self, suite: Suite, test: str) -> str | None: ...


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edited]:
    """A small provider, as an author begins with one."""

    def suite(plugin: ModuleType, module: ModuleType) -> Suite:
        class TestAcme(ProviderTests):
            provider = plugin.AcmeProvider()
            sandbox = module.AcmeSandbox

        return TestAcme

    yield from _edited("acme", suite, tmp_path, monkeypatch)


@pytest.fixture
def beacon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edited]:
    """A provider with every optional flow, and options of every type."""

    def suite(plugin: ModuleType, module: ModuleType) -> Suite:
        class TestBeacon(ProviderTests):
            provider = plugin.Beacon()
            sandbox = Sandbox("beacon", build=module.BeaconSandbox, uploads="")

        return TestBeacon

    yield from _edited("beacon", suite, tmp_path, monkeypatch)


def _edited(
    name: str,
    suite: Callable[[ModuleType, ModuleType], Suite],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Edited]:
    folder = shutil.copytree(HERE / name, tmp_path / name)
    monkeypatch.syspath_prepend(str(folder))
    modules = (f"kling26_{name}", f"kling26_{name}_sandbox")

    def build(*edits: tuple[str, str], emulator: tuple[tuple[str, str], ...] = ()) -> Suite:
        for module, changes in zip(modules, (edits, emulator), strict=True):
            _edit(folder / f"{module}.py", changes)
        return suite(*(importlib.import_module(module) for module in modules))

    yield build
    for module in modules:
        sys.modules.pop(module, None)


def _edit(file: Path, edits: tuple[tuple[str, str], ...]) -> None:
    source = file.read_text("utf-8")
    for old, new in edits:
        assert old in source, old
        source = source.replace(old, new)
    file.write_text(source, "utf-8")


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


@pytest.fixture
def finds(beacon: Edited, verdict: Verdict) -> Callable[..., None]:
    """
    Asserts that a standard test finds what is edited in Beacon, and says it in these words.

    An edit of three parts, `EMULATOR` the first, is one of Beacon's emulator.
    """

    def check(test: str, says: str, *edits: tuple[str, ...]) -> None:
        own = [(edit[0], edit[1]) for edit in edits if len(edit) == 2]
        emulator = tuple((edit[1], edit[2]) for edit in edits if len(edit) == 3)
        said = verdict(beacon(*own, emulator=emulator), test)
        assert said is not None, "The fault slips through."
        assert says in said
        assert "\n" not in said

    return check
