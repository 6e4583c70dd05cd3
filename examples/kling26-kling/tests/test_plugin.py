"""The tests that every provider has to pass, and what the plug-in ships."""

from pathlib import Path
from typing import Any

import pytest
from kling26.testing import ProviderTests
from kling26.testing.cassettes import load, problems
from kling26_kling import Kling, kling26_sandboxes

CASSETTES = sorted(Path(__file__).parents[1].glob("cassettes/*/*.yaml"))


class TestKling(ProviderTests):
    provider = Kling()
    sandbox = kling26_sandboxes()[0]
    texts = ("sound",)


def test_it_is_found_by_its_entry_point(stage: Any) -> None:
    on_stage = stage("kling")

    assert isinstance(on_stage.provider, Kling)
    assert on_stage.generate().file.exists()


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_none_has_a_secret_or_no_source(path: Path) -> None:
    cassette = load(path)

    assert list(problems(cassette, TestKling.provider)) == []
    assert cassette["metadata"]["source"].startswith("written from https://")
