"""The translations, the help page and the templates say what the node is."""

import json
from pathlib import Path
from typing import Any

import pytest
from kling26.comfy_bridge.locales import node_defs
from kling26.comfy_bridge.widgets import shared_widgets
from kling26.core.plugins import Registry

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "example_workflows").glob("*.json"))


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _shape(value: Any) -> Any:
    return {key: _shape(each) for key, each in value.items()} if isinstance(value, dict) else str


def test_the_english_texts_are_the_nodes_own(registry: Registry) -> None:
    """Mend with: python -m kling26.comfy_bridge.locales > locales/en/nodeDefs.json"""
    assert _read(ROOT / "locales/en/nodeDefs.json") == node_defs(registry)


@pytest.mark.parametrize("language", ["zh", "ru"])
@pytest.mark.parametrize("name", ["nodeDefs", "settings", "main"])
def test_every_language_has_the_same_texts(language: str, name: str) -> None:
    """All but our own dictionary, which English stands in for where a text is missing."""
    english = _read(ROOT / f"locales/en/{name}.json")
    other = _read(ROOT / f"locales/{language}/{name}.json")
    english.pop("kling26", None)
    other.pop("kling26", None)

    assert _shape(other) == _shape(english)


def test_providers_share_a_text_only_where_it_is_the_same(registry: Registry) -> None:
    from kling26.comfy_bridge.widgets import own_widgets

    seen: dict[str, tuple[str, str]] = {}
    for provider in registry.providers.values():
        for widget in own_widgets(provider):
            text = widget.facts["display_name"], widget.facts["tooltip"]
            assert seen.setdefault(widget.id, text) == text


def test_the_help_page_names_every_input_and_provider(registry: Registry) -> None:
    page = (ROOT / "web/docs/Kling26Video.md").read_text("utf-8")

    for widget in shared_widgets():
        assert f"| {widget.id} |" in page
    for provider in registry.providers.values():
        row = f"| {provider.name} | `{provider.key_variable}` | [get one]({provider.key_page}) |"
        assert row in page


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_fits_the_widgets_and_costs_nothing(path: Path) -> None:
    (node,) = (each for each in _read(path)["nodes"] if each["type"] == "Kling26Video")
    prompt, image_url, sound, duration, ratio, seed, control, sandbox, provider = node[
        "widgets_values"
    ]

    assert prompt
    assert image_url == ""
    assert (sound, duration, ratio, seed, control) == (False, 5, "16:9", 0, "fixed")
    assert sandbox is True
    assert provider == "kie"
    assert path.with_suffix(".jpg").stat().st_size < 200_000


def test_there_are_two_templates() -> None:
    assert [path.stem for path in TEMPLATES] == [
        "Kling 2.6 image to video",
        "Kling 2.6 text to video",
    ]
