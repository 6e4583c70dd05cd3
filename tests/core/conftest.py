"""A stage for each built-in provider: runners over its emulator, in virtual time."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from kling26.core.hookspecs import Sandbox
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
