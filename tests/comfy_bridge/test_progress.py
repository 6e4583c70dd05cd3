"""The line and the bar on the node."""

import asyncio
from typing import Any

import pytest
from kling26.comfy_bridge.progress import Watch, fraction, line
from kling26.core import Progress
from kling26.core.plugins import Registry


@pytest.mark.parametrize(
    ("progress", "elapsed", "text"),
    [
        (None, None, "kie.ai · starting"),
        (Progress("a", "kie", "uploading"), None, "kie.ai · uploading the image"),
        (Progress("a", "kie", "queued", 1.0, position=3), 2.0, "kie.ai · queued, 3 ahead · 2 s"),
        (Progress("a", "kie", "running", 1.0), 12.4, "kie.ai · generating · 12 s"),
        (Progress("a", "kie", "running", 1.0, expected=9.0), 12.4, "kie.ai · generating · 12 s"),
        (
            Progress("a", "kie", "running", 1.0, expected=60.0, message="It stumbled."),
            12.4,
            "kie.ai · generating · 12 s of about 60 s · It stumbled.",
        ),
        (
            Progress("a", "kie", "downloading", done=1_500_000, total=8_000_000),
            70.0,
            "kie.ai · downloading · 1.5 of 8.0 MB",
        ),
        (
            Progress("a", "kie", "downloading", done=1_500_000),
            None,
            "kie.ai · downloading · 1.5 MB",
        ),
        (Progress("a", "kie", "stored", 70.0), 70.0, "kie.ai · done"),
    ],
)
def test_a_line_says_how_far_it_is(progress: Any, elapsed: Any, text: str) -> None:
    assert line("kie.ai", progress, elapsed, None) == text


def test_the_bar_follows_the_usual_time_and_waits_before_the_end() -> None:
    running = Progress("a", "kie", "running", 1.0, expected=40.0)

    assert fraction(None, None, 5) == 0.0
    assert fraction(running, 10.0, 5) == 0.25
    assert fraction(running, 400.0, 5) == 0.95
    assert fraction(Progress("a", "kie", "running"), 30.0, 10) == 0.25
    assert fraction(Progress("a", "kie", "downloading"), 30.0, 5) == 0.95
    assert fraction(Progress("a", "kie", "stored"), 30.0, 5) == 1.0


def test_only_what_has_changed_is_shown(comfyui: Any, registry: Registry) -> None:
    watch = Watch("7", registry["kie"], 5)
    watch(Progress("k1", "kie", "uploading"))

    async def show() -> None:
        await watch.show()
        await watch.show()

    asyncio.run(show())
    assert comfyui.texts == [("7", "kie.ai · uploading the image")]
    assert comfyui.bars == [("7", 0.0)]
    assert watch.task == "k1"


def test_older_versions_have_another_bar(comfyui: Any, registry: Registry) -> None:
    comfyui.modules["comfy_api.latest"].ComfyAPI = object
    watch = Watch("7", registry["kie"], 5)
    watch(Progress("k1", "kie", "running", 30.0, expected=60.0))
    asyncio.run(watch.show())

    assert comfyui.bars == [("7", 0.5)]


def test_the_runs_of_a_list_share_the_node(comfyui: Any, registry: Registry) -> None:
    first, second = (Watch("7", registry["kie"], 5) for _ in range(2))
    first.say("kie.ai · done")
    second(Progress("k2", "kie", "uploading"))
    asyncio.run(second.show())

    assert comfyui.texts[-1] == ("7", "kie.ai · done\nkie.ai · uploading the image")
    assert comfyui.bars == [("7", 0.5)]

    second.say("kie.ai · done")
    third = Watch("7", registry["kie"], 5)
    asyncio.run(third.show())
    assert comfyui.last_text() == "kie.ai · starting"


def test_joining_is_said_until_there_is_more_to_say(comfyui: Any, registry: Registry) -> None:
    watch = Watch("7", registry["kie"], 5)
    watch(Progress("k1", "kie", "note", message="The same video is under way; joining it."))
    assert watch.text == "kie.ai · The same video is under way; joining it."

    watch(Progress("k1", "kie", "uploading"))
    assert watch.text.startswith("kie.ai · uploading the image · The same video")


def test_without_a_node_nothing_is_shown(comfyui: Any, registry: Registry) -> None:
    watch = Watch(None, registry["kie"], 5)
    asyncio.run(watch.show())
    watch.say("done")

    assert comfyui.texts == comfyui.bars == []


def test_a_server_that_is_gone_is_no_harm(comfyui: Any, registry: Registry) -> None:
    comfyui.modules["server"].PromptServer.instance = None
    Watch("7", registry["kie"], 5).say("done")

    assert comfyui.texts == []
