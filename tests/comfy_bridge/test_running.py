"""What a paid task goes through when a prompt is cancelled, fails or goes well."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge import running
from kling26.comfy_bridge.asked import Asked
from kling26.comfy_bridge.board import board_of
from kling26.comfy_bridge.given import Given
from kling26.comfy_bridge.progress import Watch
from kling26.comfy_bridge.running import DEFAULTS, NodeError, run
from kling26.comfy_bridge.words import words
from kling26.core import Kling26Error, Progress, StillRunning, TaskFailed, VideoRequest, api
from kling26.core.api import shared_runner
from kling26.core.errors import NotApplicable
from kling26.core.plugins import Registry
from kling26.core.runner import background
from kling26.core.runner.cancel import Cancellation

from .conftest import row

REQUEST = VideoRequest("A red fox")


def _watch(registry: Registry, name: str = "kie", node: str | None = "7") -> Watch:
    board = board_of(node, "client-1", words())
    return Watch(board, registry.providers, registry[name], changed=running.tell_of("client-1"))


async def _run(watch: Watch) -> Any:
    provider = watch.providers["kie"]
    given = Given(provider, {"sandbox": False}, {}, {})
    return await run(Asked(REQUEST, given), watch)


def _cancel_when_asked(comfyui: Any, runner: Any) -> None:
    runner.when_asked = lambda: setattr(comfyui, "interrupted", True)


async def _asked(runner: Any) -> None:
    """Wait until the runner has been asked for the video."""
    while not runner.asked:
        await asyncio.sleep(0.01)


def _until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_finished_video_is_shown_with_its_cost(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    video = asyncio.run(_run(_watch(registry)))

    assert video is runner.result
    assert comfyui.texts()[-1] == ("7", "kie.ai · done · 55 credits")


@pytest.mark.parametrize(
    ("cost", "unit", "told"),
    [
        (2.5, "CNY", "kie.ai · done · 2.5 CNY"),
        (2.5, None, "kie.ai · done · 2.5"),
        (None, None, "kie.ai · done"),
    ],
)
def test_a_cost_is_shown_in_the_unit_that_came_with_it(
    comfyui: Any, registry: Registry, runner: Any, cost: Any, unit: Any, told: str
) -> None:
    runner.result = evolve(runner.result, cost=cost, cost_unit=unit)
    asyncio.run(_run(_watch(registry)))

    assert comfyui.last_text() == told


def test_a_rehearsal_is_said_to_be_free(comfyui: Any, registry: Registry, runner: Any) -> None:
    runner.result = evolve(runner.result, sandbox=True)
    asyncio.run(_run(_watch(registry)))

    assert comfyui.last_text() == "kie.ai · done · a rehearsal, free"


def test_cancel_raises_comfyuis_own_interruption_at_once(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.go, runner.steps = False, [Progress("k1", "kie", "running", 1.0)]

    async def press() -> None:
        task = asyncio.create_task(_run(_watch(registry)))
        await _asked(runner)
        comfyui.interrupted = True
        with pytest.raises(comfyui.stand_in.InterruptProcessingException):
            await task

    asyncio.run(press())  # It ends, though the runner goes on.
    _until(lambda: "paid for" in comfyui.last_text())
    assert runner.cancelled == ["k1"]
    runner.go = True


def test_a_cancelled_task_says_so(comfyui: Any, registry: Registry, runner: Any) -> None:
    runner.go, runner.steps = False, [Progress("k1", "runcomfy", "queued", 1.0)]
    runner.answer = Cancellation(row("cancelled"), True, "RunComfy cancelled the task.")
    _cancel_when_asked(comfyui, runner)

    with pytest.raises(comfyui.stand_in.InterruptProcessingException):
        asyncio.run(_run(_watch(registry, "runcomfy")))
    _until(lambda: comfyui.last_text() == "RunComfy cancelled the task.")
    runner.go = True


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("stored", None, "The video is here already. Run again with the same inputs to get it."),
        ("failed", "kie.ai could not make the video.", "kie.ai could not make the video."),
        ("cancelled", None, "The task has ended without a video."),
    ],
)
def test_what_has_ended_meanwhile_is_not_cancelled(
    comfyui: Any, registry: Registry, runner: Any, state: str, error: str | None, said: str
) -> None:
    runner.go, runner.steps = False, [Progress("k1", "kie", "downloading")]
    runner.answer = NotApplicable("Task k1 has ended.", task="k1")
    runner.row = row(state, error=error)
    _cancel_when_asked(comfyui, runner)

    with pytest.raises(comfyui.stand_in.InterruptProcessingException):
        asyncio.run(_run(_watch(registry)))
    _until(lambda: comfyui.last_text() == f"kie.ai · stopped waiting. {said}")
    runner.go = True


def test_a_cancel_that_fails_leaves_the_video_being_made(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.go, runner.steps = False, [Progress("k1", "kie", "running")]
    runner.answer = Kling26Error("The network is down.")
    _cancel_when_asked(comfyui, runner)

    with pytest.raises(comfyui.stand_in.InterruptProcessingException):
        asyncio.run(_run(_watch(registry)))
    _until(lambda: "may still be made" in comfyui.last_text())
    runner.go = True


def test_cancel_before_anything_is_known_sends_nothing(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.go, runner.result = False, Kling26Error("refused")
    _cancel_when_asked(comfyui, runner)

    with pytest.raises(comfyui.stand_in.InterruptProcessingException):
        asyncio.run(_run(_watch(registry)))
    runner.go = True
    _until(lambda: "nothing was sent" in comfyui.last_text())
    assert runner.cancelled == []


def test_a_failing_neighbour_leaves_the_task_alone(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.go, runner.steps = False, [Progress("k1", "kie", "running", 1.0)]

    async def prompt() -> None:
        async def fail() -> None:
            await _asked(runner)
            raise ValueError("on purpose")

        node = asyncio.create_task(_run(_watch(registry)))
        with pytest.raises(ValueError, match="on purpose"):
            await fail()
        node.cancel()  # as asyncio.run does with what is left
        with pytest.raises(asyncio.CancelledError):
            await node

    asyncio.run(prompt())
    assert runner.cancelled == []
    assert comfyui.last_text() == (
        "kie.ai · another node stopped this run, but this video is still on its way. Run again "
        "with the same inputs to get it."
    )
    runner.go = True


def test_a_cancelled_sibling_is_cancelled_too(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.go, runner.steps = False, [Progress("k1", "kie", "running", 1.0)]

    async def prompt() -> None:
        node = asyncio.create_task(_run(_watch(registry)))
        await _asked(runner)
        comfyui.interrupted = True
        node.cancel()
        with pytest.raises(asyncio.CancelledError):
            await node

    asyncio.run(prompt())
    _until(lambda: runner.cancelled == ["k1"])
    runner.go = True


def test_no_cancelled_error_leaves_the_node_on_its_own(
    comfyui: Any, registry: Registry, runner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.result = asyncio.CancelledError()
    with pytest.raises(NodeError, match="was stopped"):
        asyncio.run(_run(_watch(registry)))

    async def stray(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(running, "_done", stray)
    with pytest.raises(comfyui.stand_in.InterruptProcessingException):
        asyncio.run(_run(_watch(registry)))


def test_a_blocked_prompt_loop_does_not_matter(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    async def prompt() -> Any:
        node = asyncio.create_task(_run(_watch(registry)))
        await asyncio.sleep(0)
        _until(lambda: runner.asked)
        return await node

    assert asyncio.run(prompt()) is runner.result


def test_the_reason_of_a_failure_is_on_the_node_too(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.result = TaskFailed("kie.ai could not make the video: too dark.")
    with pytest.raises(NodeError, match="too dark") as caught:
        asyncio.run(_run(_watch(registry)))

    assert isinstance(caught.value.__cause__, TaskFailed)
    assert comfyui.last_text() == "kie.ai could not make the video: too dark."


def test_the_error_says_how_to_go_on_and_keeps_its_facts(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.result = StillRunning("It is not done.", provider="kie", task="k1", task_id="abc")
    with pytest.raises(NodeError) as caught:
        asyncio.run(_run(_watch(registry)))

    error = caught.value
    assert str(error) == "It is not done. Run again with the same inputs to get it."
    assert comfyui.last_text() == str(error)
    assert (error.provider, error.task, error.task_id) == ("kie", "k1", "abc")


def test_nodes_that_share_a_task_share_no_text(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    """The runner raises the very same error for each of them."""
    runner.result = StillRunning("It is not done.", task="k1")
    for _ in range(2):
        with pytest.raises(NodeError, match=r"^It is not done\. Run again with .* to get it\.$"):
            asyncio.run(_run(_watch(registry)))


def test_cancel_before_the_start_sends_nothing(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    comfyui.interrupted = True
    with pytest.raises(comfyui.stand_in.InterruptProcessingException):
        asyncio.run(_run(_watch(registry)))

    assert runner.asked == []
    assert comfyui.last_text() == "kie.ai · cancelled; nothing was sent."


def test_an_unforeseen_error_is_on_the_node_too(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.result = ZeroDivisionError("oh")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(_run(_watch(registry)))

    assert comfyui.last_text() == "kie.ai · oh"


def test_thirty_tasks_an_hour_are_the_limit_until_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In ComfyUI only: other programs in the same home have none."""

    async def limits() -> list[int | None]:
        found = [shared_runner(DEFAULTS), shared_runner(), shared_runner(DEFAULTS)]
        assert found[0] is found[2]
        said = [each.settings.budget.max_tasks_per_hour for each in found[:2]]
        for each in found[:2]:
            await each.aclose()
        return said

    monkeypatch.setattr(api, "_runners", {})
    told = [background.start(limits()).result()]
    for value in ("5", "none"):
        monkeypatch.setattr(api, "_runners", {})
        monkeypatch.setenv("KLING26_MAX_TASKS_PER_HOUR", value)
        told.append(background.start(limits()).result())

    assert told == [[30, None], [5, 5], [None, None]]


#: Texts that ComfyUI's front end takes for its own account's troubles.
RESERVED = (
    "Unauthorized: Please login first to use this node.",
    "Payment Required: Please add credits to your account",
    "Rate Limit Exceeded",
    "Generated video rejected by content moderation.",
)


def test_no_text_is_taken_for_trouble_with_a_comfy_account() -> None:
    """Core's and the node's sentences are written here or there; none is one of these."""
    root = Path(running.__file__).parents[1]
    files = [*(root / "core").rglob("*.py"), *(root / "comfy_bridge").rglob("*.py")]
    written = "".join(path.read_text("utf-8") for path in files)

    assert [text for text in RESERVED if text in written] == []


def test_the_page_is_told_of_the_task_without_a_path_of_this_machine(
    comfyui: Any, registry: Registry, runner: Any
) -> None:
    runner.steps = [Progress("k1", "kie", "running", 1.0)]
    runner.row = row("stored", file="/home/me/v.mp4", outputs=("/home/me/film/fox.mp4",))
    asyncio.run(_run(_watch(registry)))
    _until(lambda: comfyui.told("kling26.task"))
    client, told = comfyui.told("kling26.task")[-1]

    assert (client, told["task"], told["standing"]) == ("client-1", "k1", "stored")
    assert (told["file"], told["outputs"]) == ("v.mp4", ["fox.mp4"])
