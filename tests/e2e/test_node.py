"""What the node asks for, makes and says: through the API, and on the page in both renderers."""

import json
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from .graph import ADD

KEY = "sk-e2e-not-to-be-seen-anywhere-4711"
SAVED = sorted((Path(__file__).parents[1] / "web" / "saved").glob("*.json"))
Node = Callable[..., dict[str, Any]]

CHOOSE = """(name) => {
    const choice = app.graph.nodes[0].widgets.find((each) => each.name === "provider");
    choice.value = name;
    choice.callback?.(name);
    app.graph.setDirtyCanvas(true, true);
}"""
SENT = "async () => JSON.stringify((await app.graphToPrompt()).output)"
BADGES = """(id) => app.graph.getNodeById(id).badges
    .map((each) => (typeof each === "function" ? each() : each).text).filter(Boolean)"""
# What a node says, and whether anything of it is cut or outside of the node.
SAID = """() => [...document.querySelectorAll(".kling26-status p")]
    .filter((each) => each.getClientRects().length > 0).map((each) => ({
    text: each.innerText,
    role: each.getAttribute("role"),
    cut: each.scrollHeight > each.clientHeight + 1 || each.closest(".kling26-status")
        .getBoundingClientRect().bottom + 1 < each.getBoundingClientRect().bottom,
}))"""
RENDERERS = pytest.mark.parametrize("nodes2", [False, True], ids=["canvas", "nodes2"])


def _paid(providers: Any, name: str = "kie") -> int:
    return len(providers.tasks(name))


# -- through the API ---------------------------------------------------------------------------


def _prompts(*lines: str) -> dict[str, Any]:
    """A node that gives a list of texts."""
    return {"class_type": "ProbePrompts", "inputs": {"lines": "\n".join(lines)}}


def test_no_item_of_a_list_is_paid_for_if_one_makes_no_sense(
    comfy: Any, providers: Any, node: Node
) -> None:
    before = _paid(providers), _paid(providers, "runcomfy")
    prompt = {
        "1": _prompts("Item one", "Item two", "Item three"),
        "2": _prompts("kie", "ronconfy", "runcomfy"),
        "3": node(["1", 0]),
        "4": {"class_type": "SaveVideo", "inputs": {
            "video": ["3", 0], "filename_prefix": "odd", "format": "auto", "codec": "auto"}},
    }  # fmt: skip
    prompt["3"]["inputs"]["provider"] = ["2", 0]
    run = comfy.run(prompt)

    assert run.error.startswith('item 2 of 3: There is no provider "ronconfy"; did you mean')
    assert run.runs[-1]["error"] == run.error
    assert (_paid(providers), _paid(providers, "runcomfy")) == before

    prompt["2"] = _prompts("kie", " runcomfy ", "kie")
    assert comfy.run(prompt).end == "execution_success"
    assert (_paid(providers), _paid(providers, "runcomfy")) == (before[0] + 2, before[1] + 1)


def test_what_came_of_a_list_is_delivered_and_run_again_makes_the_rest(
    comfy: Any, providers: Any, node: Node, save: Callable[..., Any]
) -> None:
    from kling26.sandbox import Fault

    before = _paid(providers)
    providers.site.conditions["kie"].faults.append(Fault("no_credit"))
    prompt = {
        "1": _prompts("Rest one", "Rest two", "Rest three"),
        "2": node(["1", 0]),
        "3": save("2", "rest"),
    }
    first, second = comfy.run(prompt), comfy.run(prompt)

    assert (first.end, second.end) == ("execution_success", "execution_success")
    assert first.runs[-1]["error"].startswith("2 of 3 videos are here; of the others:\n1 video: ")
    assert second.runs[-1]["state"] == "done"
    assert _paid(providers) == before + 3
    assert len(list(comfy.output.glob("rest_*.mp4"))) == 5


def test_the_prompt_alone_is_enough(comfy: Any, providers: Any) -> None:
    prompt = {"1": {"class_type": "Kling26Video", "inputs": {"prompt": "Nothing but a prompt"}}}
    run = comfy.run(prompt)
    shown = comfy.history(run)["outputs"]["1"]["images"]
    status, video = comfy.request(
        "GET", f"/view?filename={shown[0]['filename']}&subfolder=kling26&type=temp"
    )

    assert run.end == "execution_success"
    assert len(shown) == 1
    assert (status, video[4:8]) == (200, b"ftyp")


def test_several_are_made_at_once_and_each_is_paid_for_once(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    providers.pace("kie", queued=0.5, running=3.0)
    before = _paid(providers)
    prompt = {"1": node("Three foxes", seed=7, count=3), "2": save("1", "three")}
    run = comfy.run(prompt)

    assert run.end == "execution_success"
    assert _paid(providers) == before + 3
    assert run.when("execution_success") < 12
    assert len(list(comfy.output.glob("three_*.mp4"))) == 3
    assert run.texts[-1][1].splitlines() == [
        f"seed {seed} · kie.ai · done · 0.275 USD (55 credits)" for seed in (7, 8, 9)
    ]
    assert {task["standing"] for task in run.tasks} >= {"at_provider", "stored"}
    assert all("/" not in (task["file"] or "") for task in run.tasks)

    comfy.run({"1": node("Three foxes", seed=8, count=1), "2": save("1", "one of three")})
    assert _paid(providers) == before + 3


def test_what_fails_does_not_take_the_others_along_and_runs_again_alone(
    comfy: Any, providers: Any, node: Node, save: Node
) -> None:
    from kling26.sandbox import Fault

    before = _paid(providers)
    providers.site.conditions["kie"].faults.append(Fault("failed_task"))
    prompt = {"1": node("Two of three", seed=20, count=3), "2": save("1", "partly")}
    run = comfy.run(prompt)
    again = comfy.run(prompt)
    third = comfy.run(prompt)

    assert (run.end, again.end, third.end) == ("execution_success",) * 3
    told = run.runs[-1]["error"]
    assert told.startswith("2 of 3 videos are here; of the others:\n1 video: kie.ai could")
    assert again.runs[-1]["state"] == "done"
    assert third.runs == []  # ComfyUI has the outputs.
    assert _paid(providers) == before + 4


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"duratoin": 10}, 'Kling 2.6 has no input "duratoin"; did you mean "duration"?'),
        ({"sound": "false"}, 'sound must be true or false; got "false"'),
        ({"sandbox": "false"}, 'sandbox must be true or false; got "false"'),
        ({"prompt": None}, "prompt must be text"),
        ({"seed": 1.5}, "seed must be"),
        ({"seed": True}, "seed must be between"),
        ({"provider": 5}, "provider must be the name of one: auto, kie"),
        ({"image": "cat.png"}, "image must be linked to a node that gives an image"),
        ({"provider__mode": "pro"}, 'has no option "mode"'),
        ({"provider": "auto", "provider__mode": "std", "provider__look": "x"}, "has no option"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    comfy: Any, providers: Any, node: Node, values: dict[str, Any], says: str
) -> None:
    before = sum(_paid(providers, name) for name in providers.site.apps)
    prompt = values.pop("prompt", "Refused")
    run = comfy.run({"1": node(prompt, **values)})

    assert run.end == "execution_error"
    assert says in run.error
    assert run.runs[-1]["error"] == run.error
    assert sum(_paid(providers, name) for name in providers.site.apps) == before


def test_a_run_is_told_to_the_page_that_asked_and_to_no_other(comfy: Any, node: Node) -> None:
    connect = import_module("websockets.sync.client").connect
    heard = []
    with connect(f"{comfy.url.replace('http', 'ws', 1)}/ws?clientId=other", max_size=None) as other:
        run = comfy.run({"1": node("Whose is it?", sandbox=True)})
        while True:
            try:
                heard.append(other.recv(timeout=0.5))
            except TimeoutError:
                break

    assert run.runs
    assert [each for each in heard if isinstance(each, bytes) or "kling26" in each] == []


# -- on the page -------------------------------------------------------------------------------


def _press_run(page: Any, comfy: Any) -> None:
    """Press Run, and wait until nothing runs any more."""
    before = len(comfy.get("/history"))
    page.get_by_test_id("queue-button").click()
    deadline = time.monotonic() + 60
    while len(comfy.get("/history")) == before:
        assert time.monotonic() < deadline, comfy.log[-3000:]
        page.wait_for_timeout(200)
    page.wait_for_timeout(1500)


@RENDERERS
def test_a_node_runs_alone_and_plays_every_video(
    comfy: Any, providers: Any, open_page: Any, artefacts: Path, nodes2: bool
) -> None:
    page = open_page(comfy, **{"Comfy.VueNodes.Enabled": nodes2})
    page.set_viewport_size({"width": 1280, "height": 1000})
    values = {"provider": "kie", "prompt": f"Played {nodes2}", "count": 2, "sandbox": True}
    page.evaluate(ADD, ["Kling26Video", [100, 100], values])
    _press_run(page, comfy)
    video = page.locator("video").first
    video.wait_for()
    first = video.get_attribute("src")
    if not nodes2:
        page.get_by_label("Next video").click()
        page.wait_for_function("(src) => document.querySelector('video').src !== src", arg=first)
    page.screenshot(path=artefacts / f"played-{nodes2}.png")

    assert "k26-" in str(first)
    assert [each["text"].count("a rehearsal, free") for each in page.evaluate(SAID)] == [2]


@RENDERERS
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_an_error_is_whole_on_the_node_and_in_a_message_with_a_button(
    comfy: Any, open_page: Any, artefacts: Path, nodes2: bool, size: tuple[int, int]
) -> None:
    page = open_page(comfy, **{"Comfy.VueNodes.Enabled": nodes2})
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate(
        ADD, ["Kling26Video", [100, 100], {"provider": "apikley", "prompt": "Without a key"}]
    )
    _press_run(page, comfy)
    message = page.locator(".kling26-toast")
    said = page.evaluate(SAID)
    page.screenshot(path=artefacts / f"error-{nodes2}-{size[0]}.png")

    assert len(said) == 1
    assert said[0]["text"].startswith("Apikley needs an API key")
    assert (said[0]["role"], said[0]["cut"]) == ("alert", False)
    assert message.locator("[role=alert]").inner_text() == said[0]["text"]
    assert message.locator("footer button").count() == 1
    assert page.locator(".kling26-status footer button").count() == 1

    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    page.keyboard.press("Escape")  # Older front ends open a dialog of theirs, which goes first.
    assert message.count() == 0


@RENDERERS
def test_a_subgraph_shows_what_its_node_says(
    comfy: Any, open_page: Any, artefacts: Path, nodes2: bool
) -> None:
    page = open_page(comfy, **{"Comfy.VueNodes.Enabled": nodes2})
    values = {"provider": "kie", "prompt": f"Inside {nodes2}", "seed": 3, "count": 2}
    inner = page.evaluate(ADD, ["Kling26Video", [100, 160], values])
    outer = page.evaluate(
        "(id) => String(app.graph.convertToSubgraph(new Set([app.graph.getNodeById(id)])).node.id)",
        inner,
    )
    badges = page.evaluate(BADGES, outer)
    _press_run(page, comfy)
    said = [each["text"] for each in page.evaluate(SAID)]
    page.screenshot(path=artefacts / f"subgraph-{nodes2}.png")

    assert badges == ["$0.55"]
    assert len(said) == 1
    assert "seed 3 · kie.ai · done" in said[0]
    assert "seed 4 · kie.ai · done" in said[0]


def test_the_badge_is_one_sum_for_all_that_a_click_queues(comfy: Any, open_page: Any) -> None:
    page = open_page(comfy)
    node = page.evaluate(
        ADD, ["Kling26Video", [100, 100], {"provider": "kie", "prompt": "x", "count": 3}]
    )
    one = page.evaluate(BADGES, node)
    page.evaluate("() => { app.extensionManager.queueSettings.batchCount = 4; }")
    four = page.evaluate(BADGES, node)
    page.evaluate("() => { app.extensionManager.queueSettings.batchCount = 1; }")

    assert "$0.825" in one
    assert "$3.30" in four


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_what_an_earlier_node_saved_opens_with_every_value_where_it_was(
    comfy: Any, open_page: Any, path: Path
) -> None:
    workflow = json.loads(path.read_text("utf-8"))
    page = open_page(comfy)
    page.evaluate("async (saved) => app.loadGraphData(saved)", workflow)
    page.wait_for_timeout(1500)
    sent = [
        each["inputs"]
        for each in json.loads(page.evaluate(SENT)).values()
        if each["class_type"] == "Kling26Video"
    ]
    shared = {
        "prompt": 'Two lines\nand "quotes" 雪', "image_url": "https://example.org/a.png",
        "sound": True, "duration": 10, "aspect_ratio": "1:1", "seed": 123456789, "count": 1,
        "sandbox": True,
    }  # fmt: skip

    assert sent
    for inputs in sent:
        assert shared.items() <= inputs.items()
    by_provider = {inputs["provider"]: inputs for inputs in sent}
    assert by_provider["cometapi"]["provider.camera_control"] == '{"type": "simple"}'
    assert by_provider["cometapi"]["provider.mode"] == "pro"


def test_what_belongs_to_an_absent_plug_in_is_kept_told_refused_and_put_back(
    comfy: Any, open_page: Any, artefacts: Path, start: Any, tmp_path: Path, third_parties: Path,
    providers: Any,
) -> None:  # fmt: skip
    with_plugins = start(tmp_path, {**providers.environment, "FAL_KEY": KEY},
                         python_path=str(third_parties))  # fmt: skip
    old = next(path for path in SAVED if path.stem.startswith("providers"))
    workflow = json.loads(old.read_text("utf-8"))
    workflow["nodes"] = [each for each in workflow["nodes"] if "fal" in each["widgets_values"]]
    workflow["nodes"][0]["pos"] = [200, 150]
    before = sum(_paid(providers, name) for name in providers.site.apps)
    page = open_page(comfy)
    page.evaluate("async (saved) => app.loadGraphData(saved)", workflow)
    page.wait_for_timeout(1500)
    told = [each["text"] for each in page.evaluate(SAID)]
    _press_run(page, comfy)
    page.screenshot(path=artefacts / "absent.png")
    said = [each["text"] for each in page.evaluate(SAID)]
    again = page.evaluate("() => JSON.stringify(app.graph.serialize())")

    page = open_page(with_plugins)
    page.evaluate("async (saved) => app.loadGraphData(JSON.parse(saved))", again)
    page.wait_for_timeout(1500)
    (sent,) = json.loads(page.evaluate(SENT)).values()

    assert len(told) == 1
    assert 'The provider "fal" is not installed here' in told[0]
    assert 'There is no provider "fal"' in said[1]
    assert sum(_paid(providers, name) for name in providers.site.apps) == before
    assert sent["inputs"]["provider.negative_prompt"] == "rain"
    assert sent["inputs"]["provider.cfg_scale"] == "0.25"
    assert page.evaluate(SAID) == []


def test_instant_with_a_changing_seed_is_stopped_by_the_budget(
    start: Any, tmp_path: Path, providers: Any, open_page: Any, artefacts: Path
) -> None:
    comfy = start(tmp_path, {**providers.environment, "KIE_API_KEY": KEY})
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("max_tasks_per_hour = 2\n")
    before = _paid(providers)
    page = open_page(comfy)
    page.evaluate(
        ADD, ["Kling26Video", [100, 100], {"provider": "kie", "prompt": "Again and again"}]
    )
    older = comfy.get("/system_stats")["system"]["comfyui_version"].startswith("0.8.")
    page.evaluate(
        """(mode) => {
            const widgets = app.graph.nodes[0].widgets;
            widgets[widgets.findIndex((each) => each.name === "seed") + 1].value = "increment";
            app.extensionManager.queueSettings.mode = mode;
        }""",
        "instant" if older else "instant-running",
    )
    page.evaluate("() => app.queuePrompt(0)")
    page.locator(".kling26-toast").wait_for(timeout=60_000)
    page.wait_for_timeout(4000)
    runs = len(comfy.get("/history"))
    page.wait_for_timeout(3000)
    text = page.locator(".kling26-toast [role=alert]").inner_text()
    page.screenshot(path=artefacts / "instant.png")

    assert _paid(providers) == before + 2
    assert len(comfy.get("/history")) == runs == 3
    assert text.startswith("The budget is used up")
    assert "Run (Instant) has been turned off" in text
    assert page.evaluate("() => app.extensionManager.queueSettings.mode") == "disabled"
    assert page.locator(".kling26-toast footer button").count() == 1


def test_a_new_node_has_room_for_its_widgets_and_none_to_spare(
    comfy: Any, open_page: Any, artefacts: Path
) -> None:
    page = open_page(comfy)
    page.evaluate(ADD, ["Kling26Video", [60, 120], {}])
    chosen = "() => app.graph.nodes[0].widgets.find((each) => each.name === 'provider').value"
    room = """() => { const node = app.graph.nodes[0]; const bounds = node.boundingRect;
        return [node.size[1] - Math.max(...node.widgets.map((each) =>
                each.y + (each.computedHeight ?? 20))),
            node.pos[1] + node.size[1] - bounds[1] - bounds[3], node.size[1]]; }"""
    heights = {}
    for name in ("auto", "cometapi", "kie", "runcomfy", "auto"):
        if page.evaluate(chosen) != name:
            page.evaluate(CHOOSE, name)
        page.wait_for_timeout(400)
        page.screenshot(path=artefacts / f"room-{name}.png")
        spare, outside, height = page.evaluate(room)
        boxes = page.locator("textarea:visible").count()
        assert boxes == (2 if name in ("cometapi", "runcomfy") else 1), name
        assert 0 <= spare < 24, name
        assert outside == 0, name
        assert heights.setdefault(name, height) == height
    assert heights["auto"] == heights["kie"] < heights["runcomfy"] < heights["cometapi"]
