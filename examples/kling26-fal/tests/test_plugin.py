"""What every provider has to hold, and what is handed over with it."""

from pathlib import Path

import pytest
from kling26.core.registry import load_providers, load_sandboxes, plugins
from kling26.core.testing import ProviderTests
from kling26.core.testing.cassettes import load, problems
from kling26_fal import Fal, kling26_sandboxes

CASSETTES = sorted(Path(__file__).parents[1].glob("cassettes/*/*.yaml"))


class TestFal(ProviderTests):
    provider = Fal()
    sandbox = kling26_sandboxes()[0]
    texts = ("duration",)


@pytest.mark.usefixtures("installed")
def test_it_is_found_by_its_entry_point() -> None:
    registry = load_providers(plugins(["kling26-fal"]))

    assert registry.origins["fal"] == "kling26-fal:fal"
    assert registry.problems == ()
    assert "fal" in load_sandboxes(plugins(["kling26-fal"]))


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_none_has_a_secret_or_no_source(path: Path) -> None:
    cassette = load(path)

    assert list(problems(cassette)) == []
    assert cassette["metadata"]["source"].startswith("written from https://")
