"""What every provider has to hold, and what is handed over with it."""

from pathlib import Path

import pytest
from kling26.core.registry import load_providers, load_sandboxes, plugins
from kling26.core.testing import ProviderTests
from kling26.core.testing.cassettes import load, problems
from kling26_kling import kling26_providers, kling26_sandboxes

CASSETTES = sorted(Path(__file__).parents[1].glob("cassettes/*/*.yaml"))


class TestKling(ProviderTests):
    provider = kling26_providers()[0]
    sandbox = kling26_sandboxes()[0]
    texts = ("sound",)


@pytest.mark.usefixtures("installed")
def test_it_is_found_by_its_entry_point() -> None:
    registry = load_providers(plugins(["kling26-kling"]))

    assert registry.origins["kling"] == "kling26-kling:kling"
    assert registry.problems == ()
    assert "kling" in load_sandboxes(plugins(["kling26-kling"]))


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_none_has_a_secret_or_no_source(path: Path) -> None:
    cassette = load(path)

    assert list(problems(cassette)) == []
    assert cassette["metadata"]["source"].startswith("written from https://")
