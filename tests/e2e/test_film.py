"""A day with the node, in pictures: from the first key to the last video of the budget."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .graph import ADD

KEY = "sk-e2e-typed-in-the-page-0815"


class Day:
    """The page, the providers, and the pictures that are taken on the way."""

    def __init__(self, comfy: Any, providers: Any, open_page: Any, folder: Path) -> None:
        self.comfy, self.providers = comfy, providers
        self._open, self._folder, self._taken = open_page, folder, 0
        self.open()

    def open(self) -> None:
        self.page = self._open(self.comfy)
        self.page.set_viewport_size({"width": 1280, "height": 720})

    def picture(self, name: str) -> None:
        self._taken += 1
        self.page.wait_for_timeout(400)
        self.page.screenshot(path=self._folder / f"film-{self._taken:02}-{name}.png")

    def panel(self) -> Any:
        region = self.page.get_by_role("region", name="Kling 2.6")
        if not region.count():
            self.page.get_by_role("button", name="Kling 2.6", exact=True).click()
            region.wait_for()
        return region

    def press_run(self) -> None:
        self.page.get_by_test_id("queue-button").click()

    def paid(self) -> int:
        return sum(len(self.providers.tasks(name)) for name in ("kie", "cometapi"))

    def tasks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.comfy.get("/kling26/tasks")["tasks"]
        return found

    def wait_for(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.comfy.log[-3000:]
            self.page.wait_for_timeout(200)

    def new_node(self, **values: Any) -> None:
        self.page.evaluate("() => app.graph.clear()")
        self.page.evaluate(ADD, ["Kling26Video", [120, 120], values])


def standings(day: Day) -> list[str]:
    return sorted(task["standing"] for task in day.tasks())


@pytest.mark.timeout(400)
def test_a_day_in_pictures(
    start: Callable[..., Any], providers: Any, open_page: Any, tmp_path: Path, artefacts: Path
) -> None:
    from kling26.sandbox import Fault

    kie = providers.site.conditions["kie"]
    comfy = start(tmp_path / "comfyui", providers.environment)
    day = Day(comfy, providers, open_page, artefacts)
    began = day.paid()

    # The key is set, and checked.
    day.page.evaluate("() => app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    day.page.get_by_text("Kling 2.6", exact=True).last.click()
    box = day.page.get_by_label("kie.ai", exact=True)
    box.fill(KEY)
    box.press("Enter")
    form = day.page.locator("form[data-provider=kie]")
    form.locator(".kling26-set").wait_for()
    day.picture("key")
    assert "credits" in form.inner_text()
    day.page.keyboard.press("Escape")

    # Any provider, four takes at once, and one of them fails.
    kie.faults.append(Fault("failed_task"))
    day.new_node(prompt="A heron at dawn", seed=1, count=4)
    day.picture("four")
    day.press_run()
    day.wait_for(lambda: standings(day) == ["over", "stored", "stored", "stored"])
    day.page.locator(".kling26-toast").wait_for()
    day.picture("one-failed")
    assert day.paid() == began + 4
    said = day.page.locator(".kling26-status").inner_text()
    assert said.count("done") == 3

    # ComfyUI is killed while two are made, and started again.
    day.providers.pace("kie", queued=0.5, running=6.0)
    day.new_node(prompt="A heron at dusk", seed=1, count=2)
    day.press_run()
    day.wait_for(lambda: day.paid() == began + 6)
    comfy.process.kill()
    comfy.process.wait()
    day.comfy = start(tmp_path / "comfyui", providers.environment)
    day.open()
    panel = day.panel()
    line = panel.get_by_text("2 paid videos are waiting")
    line.wait_for()
    day.picture("waiting")
    panel.get_by_role("button", name="Fetch", exact=True).click()
    line.wait_for(state="hidden")
    day.wait_for(lambda: standings(day).count("stored") == 5)
    day.picture("fetched")

    # An answer is lost, and the task is found on the provider's page.
    day.providers.pace("kie", queued=0.5, running=1.0)
    kie.faults.append(Fault("reset_after_accept"))
    day.new_node(prompt="A heron in the rain", seed=1)
    day.press_run()
    day.wait_for(lambda: "unclear" in standings(day))
    day.page.locator(".kling26-toast").get_by_role("button", name="Find out").last.click()
    panel.get_by_role("button", name="found it").first.wait_for()
    day.picture("unknown")
    panel.get_by_role("button", name="found it").first.click()
    panel.get_by_role("textbox", name="id").last.fill(str(providers.tasks("kie")[-1].id))
    day.page.keyboard.press("Enter")
    day.wait_for(lambda: standings(day).count("stored") == 6)
    day.picture("adopted")

    # The budget is used up.
    status, _ = day.comfy.request(
        "POST", "/kling26/budget", {"max_tasks_per_hour": 7},
        **{"Sec-Fetch-Site": "same-origin", "Origin": day.comfy.url},
    )  # fmt: skip
    assert status == 200
    day.new_node(prompt="A heron too many", seed=1)
    day.press_run()
    toast = day.page.locator(".kling26-toast").last
    toast.get_by_text("The budget is used up").wait_for()
    day.picture("budget")
    toast.locator("footer button").first.click()
    panel.get_by_role("textbox", name="Videos in an hour").wait_for()
    day.picture("change-budget")
    assert day.paid() == began + 7
    assert KEY not in day.comfy.log + day.page.content()
