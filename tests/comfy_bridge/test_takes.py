"""Several videos of one node: some may fail, and none is paid for twice."""

import asyncio
import json
import os
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge.node import execute, make_node
from kling26.comfy_bridge.previews import previews
from kling26.comfy_bridge.running import NodeError
from kling26.core import OutOfCredit, Progress, TaskFailed
from kling26.core.plugins import Registry

Values = dict[str, Any]


@pytest.fixture
def four(runner: Any, values: Values) -> Values:
    """The inputs for four videos, which are told apart by their seeds."""
    runner.results = {
        seed: evolve(runner.result, task=f"k{seed}", url=f"https://e.org/{seed}.mp4")
        for seed in range(5, 9)
    }
    return {**values, "seed": 5, "count": 4}


def test_each_seed_is_a_task_of_its_own(
    comfyui: Any, registry: Registry, runner: Any, four: Values
) -> None:
    node = make_node(registry)
    output = asyncio.run(node.execute(**four))
    videos, urls, tasks = output.args

    assert [request.seed for request, *_ in runner.asked] == [5, 6, 7, 8]
    assert [request.prompt for request, *_ in runner.asked] == ["A red fox"] * 4
    assert len(videos) == 4
    assert urls == [f"https://e.org/{seed}.mp4" for seed in range(5, 9)]
    assert [json.loads(task)["task"] for task in tasks] == ["k5", "k6", "k7", "k8"]
    assert all(each.is_output_list for each in node.define_schema().outputs)


async def all_asked(runner: Any, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """A node that is running, once it has asked for all four of its videos."""
    node = asyncio.create_task(work)
    while len(runner.asked) < 4:
        await asyncio.sleep(0.01)
    return node


def test_they_are_made_at_the_same_time(
    comfyui: Any, registry: Registry, runner: Any, four: Values, hidden: Any
) -> None:
    runner.go = False

    async def prompt() -> None:
        node = await all_asked(runner, execute(registry, four, hidden))
        runner.go = True
        await node

    asyncio.run(prompt())
    assert comfyui.last_text().splitlines() == [
        f"seed {seed} · kie.ai · done · 55 credits" for seed in range(5, 9)
    ]


def test_what_fails_does_not_take_the_others_along(
    comfyui: Any, registry: Registry, runner: Any, four: Values, hidden: Any
) -> None:
    runner.results[6] = TaskFailed("kie.ai could not make the video: too dark.")
    runner.results[8] = TaskFailed("kie.ai could not make the video: too dark.")
    videos = asyncio.run(execute(registry, four, hidden))
    told = comfyui.last()

    assert [video.task for video in videos] == ["k5", "k7"]
    assert told["state"] == "failed"
    assert told["error"] == (
        "2 of 4 videos are here; of the others:\n"
        "2 videos: kie.ai could not make the video: too dark.\n"
        "In another run with the same inputs, those that are here cost nothing more."
    )
    assert told["text"].splitlines()[1] == "2 videos: kie.ai could not make the video: too dark."


def test_the_node_runs_again_for_the_missing_ones_only(
    comfyui: Any, registry: Registry, runner: Any, four: Values
) -> None:
    """ComfyUI keeps the outputs of a node whose inputs and fingerprint are the same."""
    node = make_node(registry)
    node.hidden = SimpleNamespace(unique_id="7", prompt={})
    before = node.fingerprint_inputs(**four)
    runner.results[6] = TaskFailed("No.")
    asyncio.run(node.execute(**four))
    after = node.fingerprint_inputs(**four)
    runner.results[6] = runner.result
    asyncio.run(node.execute(**four))

    assert before != after
    assert node.fingerprint_inputs(**four) == after


def test_if_all_fail_each_reason_is_said_once_with_how_many_it_is_about(
    comfyui: Any, registry: Registry, runner: Any, four: Values, hidden: Any
) -> None:
    runner.results = {5: TaskFailed("Too dark."), 6: TaskFailed("Too bright.")}
    runner.result = TaskFailed("Too dark.")
    with pytest.raises(NodeError) as caught:
        asyncio.run(execute(registry, four, hidden))

    assert (
        str(caught.value) == comfyui.last()["error"] == "3 videos: Too dark.\n1 video: Too bright."
    )


def test_one_reason_for_all_is_one_sentence_with_its_remedy(
    comfyui: Any, registry: Registry, runner: Any, four: Values, hidden: Any
) -> None:
    runner.results, runner.result = {}, OutOfCredit("No credit.", provider="kie")
    with pytest.raises(NodeError) as caught:
        asyncio.run(execute(registry, four, hidden))
    told = comfyui.last()

    assert str(caught.value) == told["error"]
    assert told["error"] == "4 videos: No credit. Top up your account at kie.ai and run again."
    assert (told["remedy"]["do"], told["provider"]) == ("top_up", "kie")


def test_cancel_cancels_all(
    comfyui: Any, registry: Registry, runner: Any, four: Values, hidden: Any
) -> None:
    runner.go, runner.steps = False, [Progress("k1", "kie", "running", 1.0)]

    async def prompt() -> None:
        node = await all_asked(runner, execute(registry, four, hidden))
        comfyui.interrupted = True
        with pytest.raises(comfyui.stand_in.InterruptProcessingException):
            await node
        while len(runner.cancelled) < 4:
            await asyncio.sleep(0.01)

    asyncio.run(prompt())
    runner.go = True


def test_a_failing_neighbour_leaves_all_of_them_alone(
    comfyui: Any, registry: Registry, runner: Any, four: Values, hidden: Any
) -> None:
    runner.go = False

    async def prompt() -> None:
        node = await all_asked(runner, execute(registry, four, hidden))
        node.cancel()  # as asyncio.run does with what is left
        with pytest.raises(asyncio.CancelledError):
            await node

    asyncio.run(prompt())
    assert runner.cancelled == []
    assert comfyui.last_text().count("still on its way") == 4
    runner.go = True


def test_the_videos_are_played_on_the_node(
    comfyui: Any, registry: Registry, runner: Any, four: Values, tmp_path: Path
) -> None:
    for seed, video in runner.results.items():
        file = tmp_path / f"{seed}.mp4"
        file.write_bytes(bytes([seed]))
        runner.results[seed] = evolve(video, file=file)
    node = make_node(registry)
    shown = [asyncio.run(node.execute(**four)).ui for _ in range(2)][-1]
    files = [comfyui.temp / each["subfolder"] / each["filename"] for each in shown["images"]]

    assert node.define_schema().is_output_node
    assert {each["type"] for each in shown["images"]} == {"temp"}
    assert [file.name for file in files] == ["k5.mp4", "k6.mp4", "k7.mp4", "k8.mp4"]
    assert [file.read_bytes() for file in files] == [b"\5", b"\6", b"\7", b"\10"]


def test_a_preview_is_a_copy_where_the_disk_allows_no_other_name(
    comfyui: Any, runner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store and ComfyUI's folder may be on two disks."""

    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "v.mp4").write_bytes(b"film")
    (each,) = previews([runner.result])["images"]

    assert (comfyui.temp / each["subfolder"] / each["filename"]).read_bytes() == b"film"


def test_a_video_without_a_preview_is_a_video_all_the_same(
    comfyui: Any, registry: Registry, runner: Any, values: Values
) -> None:
    """Here the file is gone; on a full disk it is the same."""
    output = asyncio.run(make_node(registry).execute(**values))

    assert len(output.args[0]) == 1
    assert output.ui == {}
