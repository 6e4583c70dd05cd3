"""The node as a person meets it: ComfyUI's own page in headless Chromium."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .graph import ADD

TYPED_KEY = "sk-e2e-typed-in-the-page-0815"
PROVIDERS = ("kie", "apikley", "cometapi", "runcomfy")
SHARED = [
    "prompt", "image_url", "sound", "duration", "aspect_ratio", "seed", "count", "sandbox",
    "provider",
]  # fmt: skip

WIDGETS = """(id) => Object.fromEntries(
    app.graph.getNodeById(id).widgets.filter((each) => each.serialize !== false)
        .map((each) => [each.name, each.value]))"""
BADGES = """(id) => app.graph.getNodeById(id).badges
    .map((each) => (typeof each === "function" ? each() : each).text).filter(Boolean)"""


def _move_to(page: Any, x: int, y: int, scale: float = 1.0) -> None:
    page.evaluate(
        "([x, y, scale]) => { app.canvas.ds.scale = scale; app.canvas.ds.offset = [x, y];"
        " app.graph.setDirtyCanvas(true, true); }",
        [x, y, scale],
    )
    page.wait_for_timeout(600)


def _run(page: Any, comfy: Any, timeout: float = 60.0) -> dict[str, Any]:
    """Press Run and wait; the history entry."""
    before = set(comfy.get("/history"))
    page.get_by_test_id("queue-button").click()
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        page.wait_for_timeout(300)
        history = comfy.get("/history")
        new = [entry for name, entry in history.items() if name not in before]
        if new:
            return dict(new[0])
    raise AssertionError(comfy.log[-3000:])


def test_it_is_found_by_search(comfy: Any, open_page: Any, artefacts: Path) -> None:
    page = open_page(comfy)
    page.mouse.dblclick(500, 250)
    page.wait_for_timeout(800)
    page.keyboard.type("kling", delay=30)
    page.get_by_text("Kling 2.6").first.wait_for(timeout=20_000)
    page.wait_for_timeout(800)
    page.screenshot(path=artefacts / "search.png")
    page.keyboard.press("Enter")
    page.wait_for_function("() => app.graph.nodes.length > 0", timeout=20_000)
    page.mouse.click(760, 120)
    page.wait_for_timeout(400)
    page.screenshot(path=artefacts / "found.png")

    assert page.evaluate("() => app.graph.nodes.map((node) => node.type)") == ["Kling26Video"]


def test_each_provider_shows_its_own_widgets(comfy: Any, open_page: Any, artefacts: Path) -> None:
    page = open_page(comfy)
    shown, prices = {}, {}
    for index, name in enumerate(PROVIDERS):
        node = page.evaluate(ADD, ["Kling26Video", [index * 350, 0], {"provider": name}])
        shown[name] = [each for each in page.evaluate(WIDGETS, node) if each != "fixed"]
        prices[name] = [text for text in page.evaluate(BADGES, node) if "$" in text]
    page.evaluate("() => app.graph.nodes.forEach((node) => node.setSize([330, node.size[1]]))")
    _move_to(page, 70, 120)
    page.screenshot(path=artefacts / "providers.png")
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', true)")
    page.wait_for_timeout(2500)
    page.screenshot(path=artefacts / "providers-nodes2.png")
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")

    own = {name: [each for each in shown[name] if each not in SHARED] for name in PROVIDERS}
    assert own["kie"] == own["apikley"] == [each for each in own["kie"] if "control" in each]
    assert [each for each in own["cometapi"] if each.startswith("provider.")] == [
        "provider.mode",
        "provider.negative_prompt",
        "provider.cfg_scale",
        "provider.camera_control",
    ]
    assert own["runcomfy"][-1] == "provider.negative_prompt"
    assert prices["kie"] == ["$0.275"]
    assert prices["apikley"] == []


def test_the_badge_follows_the_choices(comfy: Any, open_page: Any) -> None:
    page = open_page(comfy)
    dear = {"sound": True, "duration": 10}
    node = page.evaluate(ADD, ["Kling26Video", [0, 0], dear])
    free = page.evaluate(ADD, ["Kling26Video", [400, 0], {"sandbox": True}])

    assert "$1.10" in page.evaluate(BADGES, node)
    assert "free (sandbox)" in page.evaluate(BADGES, free)


def test_a_new_node_asks_any_provider(comfy: Any, open_page: Any, artefacts: Path) -> None:
    page = open_page(comfy)
    node = _one_node(page, prompt="Anyone", sandbox=True)
    priced = page.evaluate(ADD, ["Kling26Video", [0, 560], {"sound": True, "duration": 10}])
    ending = page.evaluate(ADD, ["Kling26Video", [480, 560], {}])
    source = page.evaluate(ADD, ["ProbePicture", [960, 560], {}])
    page.evaluate(
        """([from, to]) => app.graph.getNodeById(from).connect(0, app.graph.getNodeById(to),
            app.graph.getNodeById(to).findInputSlot("end_image"))""",
        [source, ending],
    )
    page.screenshot(path=artefacts / "auto.png")
    shown = page.evaluate(WIDGETS, node)
    badges = [page.evaluate(BADGES, each) for each in (priced, ending)]
    page.evaluate(
        "(ids) => ids.forEach((id) => app.graph.remove(app.graph.getNodeById(id)))",
        [priced, ending, source],
    )
    entry = _run(page, comfy)

    assert shown["provider"] == "auto"
    assert [name for name in shown if name.startswith("provider.")] == []
    assert "$1.10" in badges[0]
    assert [text for text in badges[1] if "$" in text] == []  # No image to start from.
    assert entry["status"]["status_str"] == "success"


SAVED = sorted((Path(__file__).parents[2] / "example_workflows").glob("*.json"))


@pytest.mark.parametrize(
    ("path", "choice"),
    [*((path, ["kie"]) for path in SAVED), (SAVED[0], ["cometapi", "pro", "rain", "0.7", "{}"])],
    ids=["image", "text", "own options"],
)
def test_what_was_saved_before_auto_the_end_image_and_the_count_opens_as_it_was(
    comfy: Any, open_page: Any, path: Path, choice: list[str]
) -> None:
    saved = json.loads(path.read_text("utf-8"))
    (node,) = (each for each in saved["nodes"] if each["type"] == "Kling26Video")
    assert "end_image" not in [each["name"] for each in node["inputs"]]
    node["widgets_values"][8:] = choice
    opened = [*node["widgets_values"][:7], 1, *node["widgets_values"][7:]]
    page = open_page(comfy)
    page.evaluate("async (saved) => app.loadGraphData(saved)", saved)
    page.wait_for_timeout(1000)
    linked = page.evaluate(
        """(id) => app.graph.getNodeById(id).inputs
            .filter((each) => each.link != null).map((each) => each.name)""",
        node["id"],
    )
    sockets = page.evaluate(
        "(id) => app.graph.getNodeById(id).inputs.map((each) => each.name)", node["id"]
    )

    assert list(page.evaluate(WIDGETS, node["id"]).values()) == opened
    assert linked == [each["name"] for each in node["inputs"] if each["link"] is not None]
    assert "end_image" in sockets


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_names_and_tooltips_are_translated(
    comfy: Any, open_page: Any, artefacts: Path, language: str
) -> None:
    page = open_page(comfy, **{"Comfy.Locale": language})
    node = page.evaluate(ADD, ["Kling26Video", [0, 0], {"provider": "cometapi"}])
    _move_to(page, 120, 120)
    page.screenshot(path=artefacts / f"node-{language}.png")
    labels = page.evaluate(
        "(id) => Object.fromEntries(app.graph.getNodeById(id).widgets"
        ".map((each) => [each.name, each.label]))",
        node,
    )
    texts = json.loads(
        (Path(__file__).parents[2] / "locales" / language / "nodeDefs.json").read_text("utf-8")
    )["Kling26Video"]["inputs"]

    assert labels["sound"] == texts["sound"]["name"]
    assert labels["provider.mode"] == texts["provider_mode"]["name"]


def test_a_workflow_keeps_every_value(comfy: Any, open_page: Any) -> None:
    page = open_page(comfy)
    values = {
        "provider": "cometapi",
        "prompt": 'Two lines\nand "quotes" 雪',
        "image_url": "https://example.org/a.png",
        "sound": True,
        "duration": 10,
        "aspect_ratio": "1:1",
        "seed": 123456789,
        "count": 3,
        "sandbox": True,
        "provider.mode": "pro",
        "provider.negative_prompt": "rain",
        "provider.cfg_scale": "0.7",
        "provider.camera_control": '{"type": "simple"}',
    }
    other = {"provider": "runcomfy", "provider.negative_prompt": "fog", "seed": 7}
    ids = [
        page.evaluate(ADD, ["Kling26Video", [0, 0], values]),
        page.evaluate(ADD, ["Kling26Video", [400, 0], other]),
    ]
    saved = page.evaluate("() => JSON.stringify(app.graph.serialize())")
    before = page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)")
    page.reload()
    page.wait_for_function("window.app?.extensionManager && window.app.graph", timeout=60_000)
    page.wait_for_timeout(3000)
    page.evaluate("async (saved) => app.loadGraphData(JSON.parse(saved))", saved)
    page.wait_for_timeout(1000)
    after = page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)")
    shown = page.evaluate(WIDGETS, ids[0])
    page.evaluate("async (api) => app.loadApiJson(JSON.parse(api), 'api')", before)
    page.wait_for_timeout(1000)
    again = page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)")

    sent = json.loads(before)[str(ids[0])]["inputs"]
    assert {name: sent[name] for name in values} == values
    assert {name: shown[name] for name in values} == values
    assert _inputs(after) == _inputs(before)
    assert _inputs(again) == _inputs(before)


def _inputs(prompt: str) -> list[Any]:
    return [node["inputs"] for node in json.loads(prompt).values()]


def test_four_providers_run_at_once_in_the_sandbox(
    comfy: Any, open_page: Any, artefacts: Path
) -> None:
    import av

    page = open_page(comfy)
    for index, name in enumerate(PROVIDERS):
        node = page.evaluate(
            ADD,
            [
                "Kling26Video",
                [index * 350, 0],
                {"provider": name, "prompt": f"Seen at {name}", "sandbox": True},
            ],
        )
        target = page.evaluate(
            ADD, ["SaveVideo", [index * 350, 620], {"filename_prefix": f"seen-{name}"}]
        )
        page.evaluate(
            "([from, to]) => app.graph.getNodeById(from).connect(0, app.graph.getNodeById(to), 0)",
            [node, target],
        )
    page.evaluate("() => app.graph.nodes.forEach((node) => node.setSize([330, node.size[1]]))")
    _move_to(page, 75, 110, 0.85)
    page.get_by_test_id("queue-button").click()
    page.wait_for_timeout(3500)
    page.screenshot(path=artefacts / "running.png")
    deadline = time.monotonic() + 40
    while len(list(comfy.output.glob("seen-*.mp4"))) < 4 and time.monotonic() < deadline:
        page.wait_for_timeout(500)
    page.wait_for_timeout(2500)
    page.screenshot(path=artefacts / "done.png")

    for name in PROVIDERS:
        with av.open(str(comfy.output / f"seen-{name}_00001_.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) > 10


def _one_node(
    page: Any, *, position: int = 0, save_at: tuple[int, int] = (480, 0), **values: Any
) -> int:
    node = page.evaluate(ADD, ["Kling26Video", [position, 0], values])
    target = page.evaluate(ADD, ["SaveVideo", list(save_at), {}])
    page.evaluate(
        "([from, to]) => app.graph.getNodeById(from).connect(0, app.graph.getNodeById(to), 0)",
        [node, target],
    )
    page.evaluate("(id) => app.graph.getNodeById(id).setSize([420, 420])", node)
    _move_to(page, 120, 120)
    return int(node)


def test_it_shows_how_far_it_is(
    comfy: Any, providers: Any, open_page: Any, artefacts: Path
) -> None:
    page = open_page(comfy)
    shared = {"prompt": "A red fox trots through fresh snow at dawn", "sound": True}
    for index, values in enumerate(
        ({"provider": "kie"}, {"provider": "cometapi", "provider.mode": "pro"})
    ):
        name = values["provider"]
        providers.pace(name, queued=0.5, running=5.0)
        _one_node(page, position=index * 450, save_at=(900, index * 330), **values, **shared)
    page.evaluate("() => app.graph.nodes.slice(2).forEach((node) => node.setSize([330, 130]))")
    page.evaluate("() => app.graph.nodes[0].setSize([420, 420])")
    page.evaluate("() => app.graph.nodes[2].setSize([420, 520])")
    page.evaluate("() => { app.canvas.links_render_mode = LiteGraph.HIDDEN_LINK; }")
    _move_to(page, 120, 170)
    page.get_by_test_id("queue-button").click()
    page.wait_for_timeout(4500)
    page.screenshot(
        path=artefacts / "node.png", clip={"x": 100, "y": 105, "width": 910, "height": 610}
    )
    page.wait_for_timeout(9000)
    page.screenshot(path=artefacts / "node-done.png")

    assert not comfy.get("/queue")["queue_running"]


def test_cancel_is_pressed(comfy: Any, providers: Any, open_page: Any, artefacts: Path) -> None:
    providers.pace("kie", queued=0.5, running=8.0)
    before = len(providers.tasks("kie"))
    page = open_page(comfy)
    _one_node(page, prompt="Cancelled by hand", provider="kie")
    page.get_by_test_id("queue-button").click()
    page.wait_for_timeout(3500)
    page.screenshot(path=artefacts / "generating.png")
    pressed = time.monotonic()
    page.evaluate("() => app.extensionManager.command.execute('Comfy.Interrupt')")
    while comfy.get("/queue")["queue_running"]:
        time.sleep(0.02)
    took = time.monotonic() - pressed
    page.wait_for_timeout(1500)
    page.screenshot(path=artefacts / "cancelled.png")
    entry = _run(page, comfy)
    page.wait_for_timeout(1500)
    page.screenshot(path=artefacts / "joined.png")
    print(f"Cancel took {took:.2f} s")

    assert took < 1.0
    assert entry["status"]["status_str"] == "success"
    assert len(providers.tasks("kie")) == before + 1


def test_a_wrong_key_is_shown_on_the_node(
    comfy: Any, providers: Any, open_page: Any, artefacts: Path
) -> None:
    comfy.home.mkdir(mode=0o700, exist_ok=True)
    (comfy.home / "keys.toml").write_text('apikley = "wrong-key"')
    page = open_page(comfy)
    _one_node(page, prompt="With a wrong key", provider="apikley")
    entry = _run(page, comfy)
    page.wait_for_timeout(1500)
    page.screenshot(path=artefacts / "wrong-key.png")
    comfy.request("DELETE", "/kling26/keys/apikley", Origin=comfy.url)

    assert entry["status"]["status_str"] == "error"
    assert "wrong-key" not in json.dumps(entry)


def test_a_key_is_typed_in_the_settings(
    comfy: Any, providers: Any, open_page: Any, artefacts: Path
) -> None:
    page = open_page(comfy)
    _one_node(page, prompt="With a typed key", provider="apikley")
    assert _run(page, comfy)["status"]["status_str"] == "error"
    page.wait_for_timeout(800)
    page.keyboard.press("Escape")  # Older front ends open a dialog about the error.
    page.wait_for_timeout(500)
    page.evaluate("() => app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    page.wait_for_timeout(1200)
    page.get_by_text("Kling 2.6", exact=True).last.click()
    form = page.locator("form[data-provider=apikley]")
    form.locator("input").fill("a key with spaces")
    form.locator("button[type=submit]").click()
    form.locator(".kling26-error").wait_for()
    page.screenshot(path=artefacts / "settings-refused.png")
    form.locator("input").fill(TYPED_KEY)
    form.locator("button[type=submit]").click()
    form.locator(".kling26-set").wait_for()
    page.screenshot(path=artefacts / "settings.png")
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    entry = _run(page, comfy)
    kept = [
        path
        for path in comfy.folder.rglob("*")
        if path.is_file()
        and "custom_nodes" not in path.parts
        and TYPED_KEY.encode() in path.read_bytes()
    ]
    seen = page.evaluate(
        "async () => JSON.stringify([app.graph.serialize(), await app.graphToPrompt(),"
        " {...localStorage}, {...sessionStorage}])"
    )
    told = json.dumps([comfy.get("/settings"), comfy.get("/history"), comfy.log])

    assert entry["status"]["status_str"] == "success"
    assert [path.name for path in kept] == ["keys.toml"]
    assert TYPED_KEY not in seen
    assert TYPED_KEY not in told

    page.evaluate("() => app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    page.wait_for_timeout(1000)
    page.get_by_text("Kling 2.6", exact=True).last.click()
    form.locator("button[type=button]").click()
    form.locator("header span:not(.kling26-set)").wait_for()
    assert TYPED_KEY not in (comfy.home / "keys.toml").read_text()


def test_the_help_page_opens(comfy: Any, open_page: Any, artefacts: Path) -> None:
    page = open_page(comfy)
    page.evaluate(ADD, ["Kling26Video", [0, 0], {}])
    _move_to(page, 500, 150)
    page.mouse.click(620, 135)
    page.wait_for_timeout(800)
    page.screenshot(path=artefacts / "selected.png")
    page.get_by_test_id("info-button").click()
    page.get_by_text("Every video is paid for once.").wait_for()
    page.wait_for_timeout(800)
    page.screenshot(path=artefacts / "help.png")


def test_the_templates_open(comfy: Any, open_page: Any, artefacts: Path) -> None:
    page = open_page(comfy)
    page.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.wait_for_timeout(2000)
    page.get_by_text("ComfyUI-Kling26", exact=True).first.click()
    page.wait_for_timeout(1500)
    page.screenshot(path=artefacts / "templates.png")
    page.get_by_text("Kling 2.6 text to video").first.click()
    page.wait_for_timeout(2500)
    page.screenshot(path=artefacts / "template.png")

    types = page.evaluate("() => app.graph.nodes.map((node) => node.type).sort()")
    assert types == ["Kling26Video", "MarkdownNote", "SaveVideo"]
    values = page.evaluate(
        "() => Object.fromEntries(app.graph.nodes.find((node) => node.type === 'Kling26Video')"
        ".widgets.map((each) => [each.name, each.value]))"
    )
    assert values["sandbox"] is True
    assert values["provider"] == "kie"
    entry = _run(page, comfy)
    assert entry["status"]["status_str"] == "success"


@pytest.fixture(scope="module")
def extended(
    start_for_all: Any, tmp_path_factory: pytest.TempPathFactory, third_parties: Path,
    providers: Any,
) -> Any:  # fmt: skip
    """ComfyUI with three plug-ins."""
    environment = {**providers.environment, "FAL_KEY": "any", "KLING_API_KEY": "any"}
    folder = tmp_path_factory.mktemp("extended")
    return start_for_all(folder, environment, python_path=str(third_parties))


LABELS = """(id) => Object.fromEntries(app.graph.getNodeById(id).widgets
    .filter((each) => each.name.startsWith("provider."))
    .map((each) => [each.name, [each.label, each.tooltip]]))"""


def test_third_parties_are_chosen_like_the_others(
    extended: Any, providers: Any, open_page: Any, artefacts: Path
) -> None:
    page = open_page(extended)
    own = {"provider.negative_prompt": "rain", "provider.cfg_scale": "0.25"}
    fal = _one_node(page, prompt="Chosen in the page", provider="fal", save_at=(0, 560), **own)
    others = [
        page.evaluate(
            ADD,
            [
                "Kling26Video",
                [at * 450, 0],
                {"provider": name, "sandbox": True, "prompt": f"Rehearsed at {name}"},
            ],
        )
        for at, name in enumerate(("kling", "acme"), 1)
    ]
    page.evaluate("() => app.graph.nodes.forEach((node) => node.setSize([420, node.size[1]]))")
    _move_to(page, 100, 140, 0.95)
    page.screenshot(path=artefacts / "third-parties.png")
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', true)")
    page.wait_for_timeout(2500)
    page.screenshot(path=artefacts / "third-parties-nodes2.png")
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")
    values = [page.evaluate(WIDGETS, each) for each in (fal, *others)]
    badges = page.evaluate(BADGES, fal)
    entry = _run(page, extended)

    assert own.items() <= values[0].items()
    assert values[1]["provider.resolution"] == "720p"
    assert values[1]["provider.watermark"] is False
    assert values[2]["provider.negative_prompt"] == ""
    assert "$0.35" in badges
    assert entry["status"]["status_str"] == "success"
    assert providers.tasks("fal")[-1].body["cfg_scale"] == 0.25


def test_a_third_partys_options_have_their_own_labels_and_tooltips(
    extended: Any, open_page: Any
) -> None:
    page = open_page(extended)
    told = {}
    for name in ("fal", "kling"):
        node = page.evaluate(ADD, ["Kling26Video", [0, 0], {"provider": name}])
        told |= page.evaluate(LABELS, node)
    label, tooltip = told["provider.cfg_scale"]

    assert told["provider.resolution"][0] == "Resolution"
    assert told["provider.watermark"][0] == "Watermark"
    assert label == "CFG scale"
    assert "text to video only" in tooltip


def test_a_workflow_keeps_a_provider_whose_plug_in_is_gone(
    comfy: Any, extended: Any, providers: Any, open_page: Any, artefacts: Path
) -> None:
    page = open_page(extended)
    own = {"provider.negative_prompt": "rain", "provider.cfg_scale": "0.25"}
    node = _one_node(page, prompt="Kept", provider="fal", seed=5, **own)
    saved = page.evaluate("() => JSON.stringify(app.graph.serialize())")
    bills = [len(providers.tasks(name)) for name in providers.site.apps]
    page = open_page(comfy)  # Here there are no plug-ins.
    page.evaluate("async (saved) => app.loadGraphData(JSON.parse(saved))", saved)
    page.wait_for_timeout(1500)
    shown = page.evaluate(WIDGETS, node)
    sent = page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)")
    again = page.evaluate("() => JSON.stringify(app.graph.serialize())")
    _move_to(page, 120, 140)
    entry = _run(page, comfy)
    page.wait_for_timeout(1500)
    page.screenshot(path=artefacts / "gone.png")
    told = json.dumps(entry["status"]["messages"])

    assert {name: shown[name] for name in ("prompt", "seed", "provider")} == {
        "prompt": "Kept", "seed": 5, "provider": "fal",
    }  # fmt: skip
    assert json.loads(sent)[str(node)]["inputs"]["provider"] == "fal"
    assert json.loads(again)["nodes"][0]["widgets_values"][9:] == ["fal", *own.values()]
    assert entry["status"]["status_str"] == "error"
    assert "install its plug-in and restart ComfyUI" in told
    assert [len(providers.tasks(name)) for name in providers.site.apps] == bills
