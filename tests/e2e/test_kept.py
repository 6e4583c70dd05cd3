"""Values of a node while providers are chosen, nodes come and go, and workflows are opened."""

import json
from pathlib import Path
from typing import Any

import pytest

RENDERERS = pytest.mark.parametrize("nodes2", [False, True], ids=["canvas", "nodes2"])

NEW = """() => {
    const node = LiteGraph.createNode("Kling26Video");
    app.graph.add(node);
    node.pos = [100, 120];
    return String(node.id);
}"""
SET = """([values, id]) => {
    const node = id ? app.graph.getNodeById(id) : app.graph.nodes[0];
    for (const [name, value] of Object.entries(values)) {
        const widget = node.widgets.find((each) => each.name === name);
        widget.value = value;
        widget.callback?.(value);
    }
}"""
#: What the node would send, without what the page does not set.
SENT = """async () => Object.values((await app.graphToPrompt()).output)
    .find((each) => each.class_type === "Kling26Video").inputs"""
SAVED = "() => JSON.parse(JSON.stringify(app.graph.serialize()))"
SAVED_FILES = sorted((Path(__file__).parents[1] / "web" / "saved").glob("*.json"))
#: Puts what is there into a subgraph.
NEST = """() => app.graph.convertToSubgraph(new Set([app.graph.nodes[0]])).node.pos = [300, 200]"""
NOTICES = """() => [...document.querySelectorAll(".kling26-notice")]
    .filter((each) => each.getClientRects().length > 0).map((each) => each.innerText)"""
OPEN = "async (workflow) => app.loadGraphData(workflow)"
TYPED = {
    "provider.mode": "pro",
    "provider.negative_prompt": "rain",
    "provider.cfg_scale": "0.7",
    "provider.camera_control": '{"type": "simple"}',
}


def _own(page: Any) -> dict[str, Any]:
    sent: dict[str, Any] = page.evaluate(SENT)
    return {name: value for name, value in sent.items() if name.startswith("provider.")}


def _set(page: Any, **values: Any) -> None:
    page.evaluate(SET, [{name.replace("__", "."): value for name, value in values.items()}, None])


def _choose(page: Any, name: str) -> None:
    """Choose a provider as people do."""
    if page.evaluate("() => Boolean(LiteGraph.vueNodesMode)"):
        page.get_by_role("combobox", name="provider").last.click()
        page.get_by_role("option", name=name).click()
    else:
        x, y = page.evaluate(
            """() => {
                const [node] = app.graph.nodes;
                const widget = node.widgets.find((each) => each.name === "provider");
                const box = app.canvas.canvas.getBoundingClientRect();
                return [box.left + node.pos[0] + node.size[0] / 2 + app.canvas.ds.offset[0],
                        box.top + node.pos[1] + widget.last_y + 10 + app.canvas.ds.offset[1]];
            }"""
        )
        page.mouse.click(x, y)
        page.locator(".litecontextmenu .litemenu-entry", has_text=name).first.click()
    page.wait_for_timeout(400)


@RENDERERS
def test_what_was_typed_for_a_provider_is_there_again_when_it_is_chosen_again(
    comfy: Any, open_page: Any, artefacts: Path, nodes2: bool
) -> None:
    page = open_page(comfy, **{"Comfy.VueNodes.Enabled": nodes2})
    page.set_viewport_size({"width": 1500, "height": 1300})
    page.evaluate(NEW)
    _set(page, prompt="Kept", provider="cometapi")
    _set(page, **TYPED)
    page.wait_for_timeout(500)
    _choose(page, "kie")
    at_kie = page.evaluate(SENT)
    _choose(page, "cometapi")
    _choose(page, "runcomfy")
    at_runcomfy = _own(page)
    boxes = page.locator(".dom-widget textarea:visible").count()
    saved = page.evaluate(SAVED)
    _choose(page, "cometapi")
    by_mouse = _own(page)
    page.screenshot(path=artefacts / f"kept-{nodes2}.png")
    _set(page, provider="auto")
    _set(page, provider="cometapi")
    by_value = _own(page)
    page.evaluate(OPEN, saved)
    page.wait_for_timeout(800)
    _set(page, provider="cometapi")
    opened = _own(page)

    assert at_kie["provider"] == "kie"
    assert "rain" not in json.dumps(at_kie)
    assert list(at_runcomfy) == ["provider.negative_prompt"]
    assert at_runcomfy["provider.negative_prompt"] != "rain"
    assert boxes == (0 if nodes2 else 2)  # The prompt, and RunComfy's own.
    assert by_mouse == by_value == opened == TYPED


@RENDERERS
def test_a_new_node_begins_with_its_defaults_whoever_had_its_number(
    comfy: Any, open_page: Any, artefacts: Path, nodes2: bool
) -> None:
    page = open_page(comfy, **{"Comfy.VueNodes.Enabled": nodes2})
    page.evaluate("() => app.graph.clear()")
    first = page.evaluate(NEW)
    fresh = page.evaluate(SENT)
    _set(page, prompt=f"Old {nodes2}", provider="cometapi", count=2, sandbox=True)
    before = len(comfy.get("/history"))
    page.get_by_test_id("queue-button").click()
    page.locator("video").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    _set(page, image_url="https://example.org/old.png", **TYPED)
    page.evaluate("() => app.graph.clear()")
    second = page.evaluate(NEW)
    page.wait_for_timeout(1500)
    again = page.evaluate(SENT)
    page.screenshot(path=artefacts / f"anew-{nodes2}.png")
    videos = page.locator("video").count()
    _set(page, provider="cometapi")
    own = _own(page)

    assert len(comfy.get("/history")) == before + 1
    assert first == second
    assert again == fresh
    assert set(own.values()) == {"std", ""}
    assert videos == 0


@RENDERERS
def test_an_absent_plug_in_is_told_on_every_node_around_and_until_another_is_chosen(
    comfy: Any, open_page: Any, artefacts: Path, nodes2: bool
) -> None:
    page = open_page(comfy, **{"Comfy.VueNodes.Enabled": nodes2})
    old = next(path for path in SAVED_FILES if path.stem.startswith("providers"))
    workflow = json.loads(old.read_text("utf-8"))
    workflow["nodes"] = [each for each in workflow["nodes"] if "fal" in each["widgets_values"]]
    page.evaluate(OPEN, workflow)
    page.wait_for_timeout(800)
    page.evaluate(NEST)
    page.evaluate(NEST)
    sizes = []
    for _ in range(3):
        page.evaluate(OPEN, page.evaluate(SAVED))
        page.wait_for_timeout(1500)
        sizes.append(page.evaluate(SAVED)["nodes"][0]["size"])
    told = page.evaluate(NOTICES)
    page.screenshot(path=artefacts / f"absent-outer-{nodes2}.png")
    page.evaluate("() => app.canvas.openSubgraph(app.graph.nodes[0].subgraph)")
    page.wait_for_timeout(1500)
    inside = page.evaluate(NOTICES)
    page.evaluate("() => app.canvas.setGraph(app.rootGraph ?? app.graph)")
    page.evaluate(
        """() => {
            const [outer] = (app.rootGraph ?? app.graph).nodes;
            const [ours] = outer.subgraph.nodes[0].subgraph.nodes;
            const choice = ours.widgets.find((each) => each.name === "provider");
            choice.value = "kie";
            choice.callback?.("kie");
        }"""
    )
    page.wait_for_timeout(1500)

    assert len(told) == len(inside) == 1
    assert told == inside
    assert 'The provider "fal" is not installed here' in told[0]
    assert sizes[0] == sizes[1] == sizes[2]
    assert page.locator(".kling26-toast").count() <= 1
    assert page.evaluate(NOTICES) == []
