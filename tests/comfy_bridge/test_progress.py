"""The line and the bar on the node."""

import asyncio
from typing import Any

from kling26.comfy_bridge.progress import Watch, fraction
from kling26.core import Progress
from kling26.core.plugins import Registry


def test_the_bar_follows_the_usual_time_and_waits_before_the_end() -> None:
    running = Progress("a", "kie", "running", 1.0, expected=40.0)

    assert fraction(None, None, 5) == 0.0
    assert fraction(running, 10.0, 5) == 0.25
    assert fraction(running, 400.0, 5) == 0.95
    assert fraction(Progress("a", "kie", "running"), 30.0, 10) == 0.25
    assert fraction(Progress("a", "kie", "downloading"), 30.0, 5) == 0.95
    assert fraction(Progress("a", "kie", "stored"), 30.0, 5) == 1.0


def test_only_what_has_changed_is_shown(comfyui: Any, registry: Registry) -> None:
    watch = Watch("7", registry["kie"], 5, registry.providers)
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
    watch = Watch("7", registry["kie"], 5, registry.providers)
    watch(Progress("k1", "kie", "running", 3000.0, expected=6000.0))
    asyncio.run(watch.show())

    assert comfyui.bars == [("7", 0.5)]


def test_the_runs_of_a_list_share_the_node(comfyui: Any, registry: Registry) -> None:
    first, second = (Watch("7", registry["kie"], 5, registry.providers) for _ in range(2))
    first.say("kie.ai · done")
    second(Progress("k2", "kie", "uploading"))
    asyncio.run(second.show())

    assert comfyui.texts[-1] == ("7", "kie.ai · done\nkie.ai · uploading the image")
    assert comfyui.bars == [("7", 0.5)]

    second.say("kie.ai · done")
    third = Watch("7", registry["kie"], 5, registry.providers)
    asyncio.run(third.show())
    assert comfyui.last_text() == "kie.ai · starting"


def test_joining_is_said_until_there_is_more_to_say(comfyui: Any, registry: Registry) -> None:
    watch = Watch("7", registry["kie"], 5, registry.providers)
    watch(Progress("k1", "kie", "found", since=0.0, standing="at_provider"))
    assert watch.text.startswith("kie.ai · paid on ")

    watch(Progress("k1", "kie", "uploading"))
    assert watch.text.startswith("kie.ai · uploading the image · paid on ")

    watch(Progress("k1", "kie", "note", message="The journal is busy."))
    assert watch.text == "kie.ai · uploading the image · The journal is busy."


def test_without_a_node_nothing_is_shown(comfyui: Any, registry: Registry) -> None:
    watch = Watch(None, registry["kie"], 5, registry.providers)
    asyncio.run(watch.show())
    watch.say("done")

    assert comfyui.texts == comfyui.bars == []


def test_a_server_that_is_gone_is_no_harm(comfyui: Any, registry: Registry) -> None:
    comfyui.modules["server"].PromptServer.instance = None
    Watch("7", registry["kie"], 5, registry.providers).say("done")

    assert comfyui.texts == []
