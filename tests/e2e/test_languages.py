"""The node and its help in Chinese and Russian, in ComfyUI's own page."""

import re
from pathlib import Path
from typing import Any

import pytest
from kling26.comfy_bridge.words import words

from .graph import ADD

ROOT = Path(__file__).parents[2]
PROMPTS = {"zh": "一只红狐在雪地里奔跑", "ru": "Рыжая лиса бежит по снегу"}


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_what_the_node_says_is_in_the_users_language(
    comfy: Any, open_page: Any, artefacts: Path, language: str
) -> None:
    said = words(language)
    page = open_page(comfy, **{"Comfy.Locale": language})
    for place, values in (
        (300, {"provider": "kie", "sandbox": True, "prompt": PROMPTS[language]}),
        (720, {"provider": "apikley", "prompt": PROMPTS[language]}),  # It has no key.
    ):
        page.evaluate(ADD, ["Kling26Video", [place, 120], values])
    needed = said("kind.MissingKey", provider="Apikley")
    page.get_by_test_id("queue-button").click()
    page.locator(".kling26-status", has_text=needed).wait_for()
    alert = page.locator(".kling26-toast").filter(has_text=needed)
    alert.wait_for()
    page.screenshot(path=artefacts / f"missing-key-{language}.png")

    assert said("help.sandbox") in alert.inner_text()
    assert alert.get_by_role("button", name=said("remedy.set_key")).is_visible()

    page.evaluate("() => app.graph.remove(app.graph.nodes[1])")
    page.get_by_test_id("queue-button").click()
    done = f"kie.ai · {said('ended.done')} · {said('ended.rehearsal')}"
    page.locator(".kling26-status", has_text=done).wait_for()
    page.screenshot(path=artefacts / f"rehearsed-{language}.png")


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_the_help_is_in_the_users_language(
    comfy: Any, open_page: Any, artefacts: Path, language: str
) -> None:
    page = open_page(comfy, **{"Comfy.Locale": language})
    node = page.evaluate(ADD, ["Kling26Video", [300, 120], {}])
    page.evaluate("(id) => app.canvas.selectNode(app.graph.getNodeById(id))", node)
    page.get_by_test_id("info-button").click()
    text = (ROOT / f"web/docs/Kling26Video/{language}.md").read_text("utf-8")
    heading = re.findall(r"^## (.+)$", text, re.MULTILINE)[-1]
    page.get_by_role("heading", name=heading).wait_for()
    page.wait_for_function(
        "() => document.querySelector('img[src*=\"unknown.png\"]')?.naturalWidth > 0"
    )
    page.screenshot(path=artefacts / f"help-{language}.png")
