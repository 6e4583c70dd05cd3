"""A stage for each built-in provider, in virtual time; and plug-ins that are installed."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from kling26.core.hookspecs import Sandbox
from kling26.core.installed import PlugIn, discover
from kling26.core.plugins import load_providers, load_sandboxes
from kling26.core.provider import Provider
from kling26.testing import stage as public

PROVIDERS = ("kie", "apikley", "cometapi", "runcomfy")


class Stage(public.Stage):
    def submits(self) -> int:
        """How often the paid request arrived at the provider."""
        paths = ("createTask", "text2video", "image2video", "-video")
        return sum(
            seen.method == "POST" and seen.path.endswith(paths) for seen in self.emulator.requests
        )


@cache
def built_in(name: str) -> tuple[Provider, Sandbox]:
    return load_providers()[name], load_sandboxes()[name]


def stage_at(home: Path, name: str) -> Stage:
    """The stage of a built-in provider."""
    return Stage(home, *built_in(name))


@pytest.fixture(params=[name for name in PROVIDERS if name != "apikley"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Each dialect in turn: Apikley is kie.ai over again."""
    with stage_at(tmp_path / "home", request.param) as stage:
        yield stage


@pytest.fixture
def stage_of(tmp_path: Path) -> Iterator[Callable[[str], Stage]]:
    """One provider by name."""
    stages: list[Stage] = []

    def build(name: str) -> Stage:
        stages.append(stage_at(tmp_path / "home", name))
        return stages[-1]

    yield build
    for stage in stages:
        stage.close()


Install = Callable[..., PlugIn]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution on the path: a module, and the metadata that an installer leaves."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = set(sys.modules)

    def install(source: str, name: str = "acme", dist: str | None = None) -> PlugIn:
        dist = dist or f"kling26-{name}"
        module = f"kling26_{name}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source), "utf-8")
        info = tmp_path / f"{dist.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[kling26]\n{name} = {module}\n")
        (entry,) = [entry for entry in discover((dist,)) if entry.name == name]
        return entry

    yield install
    for module in set(sys.modules) - modules:
        if module.startswith("kling26_"):
            del sys.modules[module]
