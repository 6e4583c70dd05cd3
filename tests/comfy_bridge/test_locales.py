"""The translations, the help page and the templates say what the node is."""

import json
import re
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


@pytest.mark.parametrize("language", ["en", "zh", "ru"])
def test_the_help_page_names_every_input_and_provider(language: str, registry: Registry) -> None:
    page = (ROOT / f"web/docs/Kling26Video/{language}.md").read_text("utf-8")
    labels = _read(ROOT / f"locales/{language}/nodeDefs.json")["Kling26Video"]["inputs"]

    for name in (*(widget.id for widget in shared_widgets()), "image", "end_image", "provider"):
        label = labels[name]["name"]
        named = {"en": name, "zh": f"{name}（{label}）", "ru": f"{name} ({label})"}
        assert f"| {named[language]} |" in page
    for provider in registry.providers.values():
        row = (
            rf"\| {provider.name} \| `{provider.key_variable}` \| \[.+\]\({provider.key_page}\) \|"
        )
        assert re.search(row, page)


def test_in_any_other_language_the_help_page_is_english() -> None:
    """ComfyUI asks for this file where there is none in its own language."""
    pages = [ROOT / "web/docs" / name for name in ("Kling26Video.md", "Kling26Video/en.md")]

    assert pages[0].read_text("utf-8") == pages[1].read_text("utf-8")


def test_the_help_pages_have_the_same_parts() -> None:
    folder = ROOT / "web/docs/Kling26Video"
    parts = {
        path.stem: [len(part.splitlines()) > 2 for part in path.read_text("utf-8").split("\n## ")]
        for path in folder.glob("*.md")
    }

    assert parts == dict.fromkeys(("en", "zh", "ru"), parts["en"])


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
