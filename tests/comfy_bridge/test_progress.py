"""The line and the bar on the node."""

import asyncio
from typing import Any

from kling26.comfy_bridge.board import board_of
from kling26.comfy_bridge.progress import Watch, fraction
from kling26.comfy_bridge.words import words
from kling26.core import OutcomeUnknown, Progress, Remedy, TaskFailed
from kling26.core.plugins import Registry


def _watch(registry: Registry, node: str | None = "7", client: str | None = "client-1") -> Watch:
    return Watch(board_of(node, client, words()), registry.providers, registry["kie"])


def test_the_bar_follows_the_usual_time_and_waits_before_the_end() -> None:
    running = Progress("a", "kie", "running", 1.0, expected=40.0)

    assert fraction(None, None, 5) == 0.0
    assert fraction(running, 10.0, 5) == 0.25
    assert fraction(running, 400.0, 5) == 0.95
    assert fraction(Progress("a", "kie", "running"), 30.0, 10) == 0.25
    assert fraction(Progress("a", "kie", "downloading"), 30.0, 5) == 0.95
    assert fraction(Progress("a", "kie", "stored"), 30.0, 5) == 1.0


def test_only_what_has_changed_is_shown(comfyui: Any, registry: Registry) -> None:
    watch = _watch(registry)
    watch(Progress("k1", "kie", "uploading"))

    async def show() -> None:
        await watch.board.show()
        await watch.board.show()

    asyncio.run(show())
    assert comfyui.texts() == [("7", "kie.ai · uploading the image")]
    assert comfyui.bars == [("7", 0.0)]
    assert watch.task == "k1"


def test_older_versions_have_another_bar(comfyui: Any, registry: Registry) -> None:
    comfyui.modules["comfy_api.latest"].ComfyAPI = object
    watch = _watch(registry)
    watch(Progress("k1", "kie", "running", 3000.0, expected=6000.0))
    asyncio.run(watch.board.show())

    assert comfyui.bars == [("7", 0.5)]


def test_the_runs_of_a_list_share_the_node(comfyui: Any, registry: Registry) -> None:
    first, second = (_watch(registry) for _ in range(2))
    first.say("kie.ai · done")
    second(Progress("k2", "kie", "uploading"))
    asyncio.run(second.board.show())

    assert comfyui.texts()[-1] == ("7", "kie.ai · done\nkie.ai · uploading the image")
    assert comfyui.bars == [("7", 0.5)]

    second.say("kie.ai · done")
    third = _watch(registry)
    asyncio.run(third.board.show())
    assert comfyui.last_text() == "kie.ai · starting"


def test_joining_is_said_until_there_is_more_to_say(comfyui: Any, registry: Registry) -> None:
    watch = _watch(registry)
    watch(Progress("k1", "kie", "found", since=0.0, standing="at_provider"))
    assert watch.text.startswith("kie.ai · paid on ")

    watch(Progress("k1", "kie", "uploading"))
    assert watch.text.startswith("kie.ai · uploading the image · paid on ")

    watch(Progress("k1", "kie", "note", message="The journal is busy."))
    assert watch.text == "kie.ai · uploading the image · The journal is busy."


def test_without_a_node_nothing_is_shown(comfyui: Any, registry: Registry) -> None:
    watch = _watch(registry, None)
    asyncio.run(watch.board.show())
    watch.say("done")

    assert comfyui.sent == comfyui.bars == []


def test_a_server_that_is_gone_is_no_harm(comfyui: Any, registry: Registry) -> None:
    comfyui.modules["server"].PromptServer.instance = None
    _watch(registry).say("done")

    assert comfyui.texts() == []


def test_it_is_told_to_the_page_that_asked_and_to_no_other(
    comfyui: Any, registry: Registry
) -> None:
    """Pages share the numbers of nodes, so that another page would show it on another node."""
    mine, theirs = _watch(registry), _watch(registry, client="client-2")
    mine.say("kie.ai · done", "done")
    theirs(Progress("k2", "kie", "uploading"))
    asyncio.run(theirs.board.show())

    assert [(client, told["text"]) for client, told in comfyui.told("kling26.run")] == [
        ("client-1", "kie.ai · done"),
        ("client-2", "kie.ai · uploading the image"),
    ]


def test_without_a_page_nothing_is_sent_and_the_bar_is_filled(
    comfyui: Any, registry: Registry
) -> None:
    watch = _watch(registry, client=None)
    asyncio.run(watch.board.show())
    watch.say("done")

    assert comfyui.sent == []
    assert comfyui.bars == [("7", 0.0)]


def test_an_error_is_told_with_its_remedy_and_its_task(comfyui: Any, registry: Registry) -> None:
    watch = _watch(registry)
    watch(Progress("k1", "kie", "running", 1.0))
    text = watch.fail(OutcomeUnknown("Lost.", provider="kie", remedy=Remedy("adopt", page="p")))

    assert comfyui.last() == {
        "node": "7",
        "text": text,
        "fraction": 1.0,
        "state": "failed",
        "error": text,
        "remedy": {
            "do": "adopt", "command": "kling26 adopt k1 ID", "option": None, "page": "p",
            "task": "k1",
        },
        "provider": "kie",
        "tasks": ["k1"],
    }  # fmt: skip


def test_an_error_is_told_when_all_runs_of_the_node_have_ended(
    comfyui: Any, registry: Registry
) -> None:
    """Before, it is in the node's text."""
    first, second = _watch(registry), _watch(registry)
    first.fail(TaskFailed("Too dark."))
    assert (comfyui.last()["state"], comfyui.last()["error"]) == ("running", None)

    second.say("kie.ai · stopped waiting.")
    assert (comfyui.last()["state"], comfyui.last()["error"]) == ("failed", "1 video: Too dark.")


def test_the_task_is_told_whenever_it_has_reached_another_phase(
    comfyui: Any, registry: Registry
) -> None:
    told: list[str] = []
    watch = Watch(board_of("7", "client-1", words()), registry.providers, changed=told.append)
    watch.say("Nothing was sent.")  # There is no task yet.
    for phase in ("submitting", "queued", "queued", "running"):
        watch(Progress("k1", "kie", phase))  # type: ignore[arg-type]
    watch.say("kie.ai · done", "done")

    assert told == ["k1"] * 4
