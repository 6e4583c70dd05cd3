"""The panel in ComfyUI's sidebar, as a person meets it, with and without a mouse."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
KEY = "sk-e2e-not-to-be-seen-anywhere-4711"

# What is wider than the place it is in; a prompt is cut on purpose.
CUT = """(root) => [...document.querySelectorAll(root + ' *')]
    .filter((each) => each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1)
    .filter((each) => !each.matches('.kling26-prompt, video, input'))
    .map((each) => each.className)"""

#: What only this provider takes, and an image that has an address.
COMET = {
    "provider": "cometapi",
    "provider.mode": "pro",
    "provider.negative_prompt": "rain",
    "provider.cfg_scale": "0.7",
    "provider.camera_control": "",
    "image_url": "https://example.org/fox.png",
    "sound": True,
    "duration": 10,
    "seed": 5,
}
FOCUSED = """() => [
    document.activeElement.closest('[data-task]')?.dataset.task,
    document.activeElement.textContent]"""


@pytest.fixture(scope="module")
def panelled(
    start_for_all: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, providers: Any
) -> Any:
    own = {"KIE_API_KEY": KEY, "COMETAPI_KEY": KEY, "KLING26_MAX_TASKS_PER_HOUR": "20"}
    folder = tmp_path_factory.mktemp("panel")
    return start_for_all(folder, {**providers.environment, **own})


@pytest.fixture(scope="module")
def tasks(panelled: Any, providers: Any) -> dict[str, str]:
    """One task of each kind, by a word of its prompt."""
    from kling26.sandbox import Fault

    conditions = providers.site.conditions["kie"]
    run(panelled, "Stored fox", seed=3)
    run(panelled, "Comet fox", **COMET)
    run(panelled, "Rehearsed fox", sandbox=True)
    conditions.faults.append(Fault("failed_task"))
    run(panelled, "Failed fox")
    conditions.faults.append(Fault("reset_after_accept"))
    run(panelled, "Unknown fox")
    conditions.running = 300.0
    run(panelled, "Slow fox", until=lambda each: any("generating" in t for _, t in each.texts))
    panelled.interrupt()
    found = panelled.get("/kling26/tasks")["tasks"]
    return {task["prompt"].split()[0]: task["task"] for task in found}


def run(comfy: Any, prompt: str, until: Any = None, **values: Any) -> Any:
    shared = {"image_url": "", "sound": False, "duration": 5, "aspect_ratio": "16:9", "seed": 0}
    inputs = {"prompt": prompt, **shared, "sandbox": False, "provider": "kie", **values}
    save = {"video": ["1", 0], "filename_prefix": "panel", "format": "auto", "codec": "auto"}
    return comfy.run(
        {
            "1": {"class_type": "Kling26Video", "inputs": inputs},
            "2": {"class_type": "SaveVideo", "inputs": save},
        },
        until=until,
    )


@pytest.fixture
def open_panel(open_page: Callable[..., Any]) -> Callable[..., Any]:
    def opened(comfy: Any, size: tuple[int, int] = (1280, 720), **settings: Any) -> Any:
        page = open_page(comfy, **settings)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.get_by_role("button", name="Kling 2.6", exact=True).click()
        page.get_by_role("region", name="Kling 2.6").wait_for()
        return page

    return opened


@pytest.fixture(scope="module")
def axe() -> Callable[..., list[str]]:
    """The serious faults that axe-core finds in a part of the page."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci")
    source = AXE.read_text("utf-8")

    def faults(page: Any, selector: str) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("(selector) => axe.run(selector)", selector)["violations"]
        return [
            f"{each['id']}: {node['html'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    return faults


def names(page: Any) -> list[str]:
    """The tasks that are shown, from above."""
    all_: list[str] = page.locator("[data-task]").evaluate_all(
        "(all) => all.map((each) => each.dataset.task)"
    )
    return all_


def row(page: Any, task: str) -> Any:
    return page.locator(f"[data-task={task}]")


def do(page: Any, task: str, label: str) -> Any:
    return row(page, task).get_by_role("button", name=label)


def wait_for(page: Any, true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        page.wait_for_timeout(200)


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_every_task_is_seen_with_what_can_be_done(
    panelled: Any, tasks: dict[str, str], open_panel: Any, axe: Any, artefacts: Path, palette: str
) -> None:
    page = open_panel(panelled, **{"Comfy.ColorPalette": palette})
    # As the page of a second copy of this folder would.
    page.evaluate("() => import('/extensions/ComfyUI-Kling26/kling26.js?copy')")
    stored = row(page, tasks["Stored"])
    stored.scroll_into_view_if_needed()
    wait_for(page, lambda: stored.locator("img").evaluate("(img) => img.naturalWidth") > 100)
    page.screenshot(path=artefacts / f"panel-{palette}.png")
    page.get_by_label("Show rehearsals").check()
    region = page.get_by_role("region", name="Kling 2.6")
    shown = names(page)
    page.get_by_label("Show rehearsals").uncheck()
    page.get_by_label("Search prompts").fill("fox UNKNOWN")
    searched = names(page)
    page.get_by_label("Search prompts").fill("")

    assert [shown.index(tasks[each]) for each in ("Slow", "Unknown", "Failed", "Stored")] == [
        0, 1, 2, 5,
    ]  # fmt: skip
    assert searched == [tasks["Unknown"]]
    assert row(page, tasks["Rehearsed"]).count() == 0
    assert "Stored fox" in stored.inner_text()
    assert "$0.275" in stored.inner_text()
    assert "could not make the video" in row(page, tasks["Failed"]).inner_text()
    assert "being made" in row(page, tasks["Slow"]).inner_text()
    assert row(page, tasks["Slow"]).get_by_role("progressbar").is_visible()
    assert "of 20 videos in the last hour" in region.inner_text()
    assert page.locator(".kling26-tab-button").inner_text().split()[0] == "2"
    assert page.get_by_role("button", name="Kling 2.6", exact=True).count() == 1
    assert page.evaluate(CUT, ".kling26-panel") == []
    assert axe(page, ".kling26-panel") == []


def test_a_stored_video_is_played_and_goes_back_into_the_graph_for_nothing(
    panelled: Any, providers: Any, tasks: dict[str, str], open_panel: Any, artefacts: Path
) -> None:
    page = open_panel(panelled)
    paid = [len(providers.tasks(each)) for each in ("kie", "cometapi")]
    name = tasks["Stored"]
    do(page, name, "Play").click()
    video = row(page, name).locator("video")
    wait_for(page, lambda: video.evaluate("(video) => video.currentTime") > 0)
    page.screenshot(path=artefacts / "panel-playing.png")
    # What comes in meanwhile does not stop it.
    playing = video.element_handle()
    run(panelled, "Meanwhile fox", sandbox=True)
    page.get_by_label("Show rehearsals").check()
    page.get_by_text("Meanwhile fox").wait_for()
    assert playing.evaluate("(video) => video.isConnected && !video.paused")
    page.get_by_label("Show rehearsals").uncheck()
    do(page, name, "Close the video").click()
    with page.expect_download() as download:
        row(page, name).get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"{name}.mp4"
    assert download.value.path().read_bytes()[4:8] == b"ftyp"

    do(page, name, "Use in graph").click()
    do(page, name, "Another take").click()
    do(page, name, "Load as video").click()
    page.wait_for_function("() => app.graph.nodes.some((node) => node.type === 'LoadVideo')")
    do(page, tasks["Comet"], "Use in graph").click()
    page.screenshot(path=artefacts / "panel-graph.png")
    seeds = page.evaluate(
        "() => app.graph.nodes.filter((node) => node.type === 'Kling26Video')"
        ".map((node) => node.widgets.find((each) => each.name === 'seed').value)"
    )
    page.evaluate(
        """() => {
            const [same, another, file, comet] = app.graph.nodes;
            app.graph.remove(another);
            for (const node of [same, file, comet]) {
                const save = LiteGraph.createNode('SaveVideo');
                app.graph.add(save);
                node.connect(0, save, 0);
            }
        }"""
    )
    before = len(list(panelled.output.glob("**/*.mp4")))
    page.get_by_test_id("queue-button").click()
    wait_for(page, lambda: len(list(panelled.output.glob("**/*.mp4"))) == before + 3)

    assert seeds == [3, 4, 5]
    assert [len(providers.tasks(each)) for each in ("kie", "cometapi")] == paid


def test_an_unknown_task_is_found_by_its_id_with_the_keyboard_alone(
    panelled: Any, providers: Any, tasks: dict[str, str], open_panel: Any, artefacts: Path
) -> None:
    name = tasks["Unknown"]
    page = open_panel(panelled)
    page.get_by_label("Search prompts").focus()
    reach(page, name, "found it")
    page.keyboard.press("Enter")
    page.keyboard.type("no-such-id")
    page.keyboard.press("Enter")
    row(page, name).get_by_role("alert").wait_for()
    page.screenshot(path=artefacts / "panel-unknown.png")
    refused = row(page, name).get_by_role("alert").inner_text()
    typed = page.evaluate("() => document.activeElement.value")
    page.keyboard.press("Control+a")
    page.keyboard.type("\u200b ")
    page.keyboard.press("Enter")
    row(page, name).get_by_role("alert").wait_for(state="detached")
    emptied = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Escape")
    closed = page.evaluate("() => document.activeElement.textContent")
    lost = next(
        task.id for task in providers.tasks("kie") if "Unknown fox" in json.dumps(repr(task))
    )
    providers.pace("kie", queued=0.0, running=0.0)
    page.keyboard.press("Enter")
    page.keyboard.type(f" \u200b{lost}\ufeff ")
    page.keyboard.press("Enter")
    wait_for(page, lambda: panelled.get(f"/kling26/tasks/{name}")["standing"] == "stored")
    do(page, name, "Play").wait_for()

    assert refused.startswith("kie.ai does not know the task")
    assert typed == "no-such-id"
    assert emptied == "The task's id at kie.ai"
    assert "found it" in closed


def reach(page: Any, task: str, label: str) -> None:
    """Press Tab until a button of a task has the focus."""
    for _ in range(80):
        found, text = page.evaluate(FOCUSED)
        if found == task and label in text:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{label} cannot be reached")


def test_a_question_is_asked_before_what_cannot_be_undone(
    panelled: Any, providers: Any, tasks: dict[str, str], open_panel: Any, artefacts: Path
) -> None:
    page = open_panel(panelled)
    slow, failed = tasks["Slow"], tasks["Failed"]
    do(page, slow, "Cancel").click()
    asked = row(page, slow).get_by_role("group").inner_text()
    page.screenshot(path=artefacts / "panel-cancel.png")
    assert row(page, slow).get_by_role("button", name="Ask to cancel").count() == 0
    row(page, slow).get_by_role("group").get_by_role("button", name="Close").click()
    do(page, failed, "Forget").click()
    page.keyboard.press("Enter")  # "No" has the focus.
    assert row(page, failed).get_by_role("group").count() == 0
    do(page, failed, "Forget").click()
    row(page, failed).get_by_role("button", name="Forget it").click()
    row(page, failed).wait_for(state="detached")

    assert "cannot cancel" in asked
    assert panelled.request("GET", f"/kling26/tasks/{failed}")[0] == 404


def test_the_budget_is_changed_where_it_is_shown(
    panelled: Any, tasks: dict[str, str], open_panel: Any, artefacts: Path
) -> None:
    page = open_panel(panelled)
    page.get_by_role("button", name="Change the budget").click()
    sum_ = page.get_by_role("textbox", name="Dollars in 24 hours")
    sum_.fill("1,234")
    page.get_by_role("textbox", name="Videos in 24 hours").fill("2.5")
    page.keyboard.press("Enter")
    page.screenshot(path=artefacts / "panel-budget.png")
    refused = page.locator(".kling26-limit").get_by_role("alert").all_inner_texts()
    unchanged = panelled.get("/kling26/budget")["max_cost_per_day"]
    page.get_by_role("textbox", name="Videos in 24 hours").fill("")
    sum_.fill("7,5")
    page.keyboard.press("Enter")
    page.get_by_text("of $7.50 in the last 24 hours").wait_for()
    value = page.get_by_role("meter", name="Dollars in 24 hours").get_attribute("aria-valuemax")
    page.get_by_role("button", name="Change the budget").click()
    page.get_by_role("textbox", name="Videos in an hour").fill("5")
    page.keyboard.press("Enter")
    problem = page.locator(".kling26-question > [role=alert]:visible").inner_text()

    assert refused[0] == '"1,234" can be read in two ways: write 1234 or 1.23.'
    assert refused[1] == "Enter a whole number of videos, such as 20."
    assert unchanged is None
    assert value == "7.5"
    assert "KLING26_MAX_TASKS_PER_HOUR" in problem
    assert panelled.get("/kling26/budget")["max_cost_per_day"] == 7.5


def test_nothing_on_the_page_changes_unless_a_task_does(
    panelled: Any, tasks: dict[str, str], open_panel: Any
) -> None:
    page = open_panel(panelled)
    page.get_by_label("State").select_option("stored")
    row(page, tasks["Stored"]).wait_for()
    # The balances have been asked for, and told.
    page.wait_for_function(
        "() => !document.querySelector('.kling26-icon[aria-busy], .kling26-amount:empty')"
    )
    page.evaluate(
        """() => {
            window.changes = [];
            new MutationObserver((all) => window.changes.push(...all.map((each) =>
                each.target.className || each.target.parentElement?.className)))
                .observe(document.querySelector('.kling26-panel'),
                    {subtree: true, childList: true, characterData: true, attributes: true});
        }"""
    )
    with page.expect_response(re.compile(r"/kling26/tasks\?")):
        pass
    page.wait_for_timeout(300)

    changed = {each for each in page.evaluate("() => window.changes") if each}
    assert changed <= {"kling26-facts"}  # Its age.


def test_paid_videos_that_wait_are_told_of_once_after_a_start(
    panelled: Any, providers: Any, tasks: dict[str, str], open_panel: Any, open_page: Any,
    start: Any, artefacts: Path,
) -> None:  # fmt: skip
    own = {"KIE_API_KEY": KEY, "COMETAPI_KEY": KEY}
    panelled.stop()
    comfy = start(panelled.folder, {**providers.environment, **own})
    page = open_page(comfy)
    message = page.locator(".kling26-toast", has_text="1 paid video is waiting")
    message.wait_for()
    page.get_by_role("button", name="Kling 2.6", exact=True).click()
    line = page.locator(".kling26-waiting", has_text="1 paid video is waiting")
    line.wait_for()
    message.wait_for(state="detached")  # It is said in the panel now.
    page.screenshot(path=artefacts / "panel-waiting.png")
    providers.site.apps["kie"].settle(comfy.get(f"/kling26/tasks/{tasks['Slow']}")["task_id"])
    page.get_by_role("button", name="Fetch", exact=True).click()
    line.wait_for(state="hidden")
    do(page, tasks["Slow"], "Play").wait_for(timeout=60_000)

    assert comfy.get(f"/kling26/tasks/{tasks['Slow']}")["standing"] == "stored"


def test_a_key_is_checked_before_it_is_kept(
    comfy: Any, providers: Any, open_page: Any, axe: Any, artefacts: Path
) -> None:
    page = open_page(comfy)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.evaluate("() => app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    page.get_by_text("Kling 2.6", exact=True).last.click()
    box = page.get_by_label("Apikley", exact=True)
    form = page.locator("form[data-provider=apikley]")
    at_the_box = []
    for typed in ("", " \u200b ", "x" * 5000):
        box.fill(typed)
        form.get_by_role("button", name="Save").click()
        at_the_box.append(form.get_by_role("alert").inner_text())
    box.fill("a-wrong-key")
    box.press("Enter")
    refused = form.get_by_role("alert").inner_text()
    box.fill("sk-e2e-typed-in-the-page-0815")
    form.get_by_role("button", name="Save").click()
    form.locator(".kling26-set").wait_for()
    told = form.get_by_role("status").inner_text()
    page.screenshot(path=artefacts / "keys.png")
    faults = axe(page, ".kling26-keys")
    cut = page.evaluate(CUT, ".kling26-keys")
    form.get_by_role("button", name="Forget").click()
    form.locator(".kling26-set").wait_for(state="detached")

    assert at_the_box == ["Enter a key.", "Enter a key.", "That is too long to be a key."]
    assert "Apikley" in refused
    assert "key" in refused
    assert told != ""
    assert faults == []
    assert cut == []
