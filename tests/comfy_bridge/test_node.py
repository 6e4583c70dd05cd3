"""What the node checks, asks for and gives back."""

import asyncio
import dataclasses
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge import comfy_entrypoint, running
from kling26.comfy_bridge.node import execute, make_node, task_json
from kling26.comfy_bridge.pictures import picture
from kling26.comfy_bridge.running import NodeError
from kling26.core import ImageFile, ImageRefused, UnknownProvider
from kling26.core.plugins import Registry

from .conftest import row


class Picture:
    """Something that has the shape of a picture, and is not looked at."""

    shape = (1, 8, 8, 3)


def test_the_schema_leaves_out_what_an_older_version_does_not_know(
    comfyui: Any, registry: Registry
) -> None:
    schema = make_node(registry).define_schema()
    assert (schema.node_id, schema.display_name) == ("Kling26Video", "Kling 2.6")
    assert schema.category == "video/kling"
    assert "cometapi" in schema.search_aliases

    fields = [
        (each.name, each.type, each)
        for each in dataclasses.fields(comfyui.stand_in.Schema)
        if each.name != "search_aliases"
    ]
    older = dataclasses.make_dataclass("Schema", fields)
    comfyui.modules["comfy_api.latest"].io.Schema = older
    schema = make_node(registry).define_schema()
    assert not hasattr(schema, "search_aliases")


def test_the_outputs_are_a_file_its_url_and_the_task(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any]
) -> None:
    runner.result = evolve(runner.result, cost_usd=0.275)
    (video,), (url,), (task,) = asyncio.run(make_node(registry).execute(**values)).args

    assert video.file == str(runner.result.file)
    assert url == "https://example.org/v.mp4"
    assert json.loads(task) == {
        "task": "k1",
        "provider": "kie",
        "task_id": "remote-1",
        "cost": 55.0,
        "cost_unit": "credits",
        "cost_usd": 0.275,
        "paid_before": False,
    }


def test_a_task_says_what_its_cost_counts(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any]
) -> None:
    """Even of a provider that usually counts otherwise."""
    runner.result = evolve(runner.result, cost=2.5, cost_unit="CNY")
    _, _, (task,) = asyncio.run(make_node(registry).execute(**values)).args

    assert (json.loads(task)["cost"], json.loads(task)["cost_unit"]) == (2.5, "CNY")


def test_a_rehearsal_costs_nothing_that_could_be_added_up(runner: Any) -> None:
    video = evolve(runner.result, sandbox=True, reused=True, cost_usd=0.275)
    task = json.loads(task_json(video))

    assert (task["cost"], task["cost_usd"], task["paid_before"]) == (None, None, False)


def test_the_request_is_what_the_widgets_say(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    values |= {
        "sound": True,
        "duration": 10,
        "aspect_ratio": "1:1",
        "seed": 5,
        "sandbox": True,
        "image_url": " https://example.org/a.png ",
        "provider": {"provider": "cometapi", "mode": "pro", "cfg_scale": "", "negative_prompt": ""},
    }
    asyncio.run(execute(registry, values, hidden))
    ((request, name, options, sandbox),) = runner.asked

    assert (request.prompt, request.sound, request.duration) == ("A red fox", True, 10)
    assert (request.aspect_ratio, request.seed) == ("1:1", 5)
    assert request.image == "https://example.org/a.png"
    assert (name, sandbox) == ("cometapi", True)
    assert options == {"mode": "pro", "cfg_scale": None, "negative_prompt": ""}


def test_an_unset_sandbox_leaves_it_to_the_settings(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    asyncio.run(execute(registry, values, hidden))

    assert runner.asked[0][3] is None


def test_a_picture_is_sent_as_bytes(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    np = pytest.importorskip("numpy")
    asyncio.run(execute(registry, {**values, "image": np.zeros((1, 8, 8, 3))}, hidden))

    assert isinstance(runner.asked[0][0].image, ImageFile)


def test_an_end_image_is_sent_beside_the_one_to_start_from(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    np = pytest.importorskip("numpy")
    black, white = np.zeros((1, 8, 8, 3)), np.ones((1, 8, 8, 3))
    asyncio.run(execute(registry, {**values, "image": black, "end_image": white}, hidden))
    asyncio.run(execute(registry, {**values, "image": white, "end_image": None}, hidden))
    (first, *_), (second, *_) = runner.asked

    assert (first.image, first.end_image) == (picture(black, []), picture(white, []))
    assert (second.image, second.end_image) == (picture(white, []), None)


def test_a_prompt_that_ends_while_the_picture_is_read_sends_nothing(
    comfyui: Any,
    registry: Registry,
    runner: Any,
    values: dict[str, Any],
    hidden: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        reading.set()
        go_on.wait()

    monkeypatch.setattr(running, "picture", slow)

    async def prompt() -> None:
        task = asyncio.create_task(execute(registry, {**values, "image": Picture()}, hidden))
        await asyncio.to_thread(reading.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    asyncio.run(prompt())
    assert runner.asked == []
    assert comfyui.last_text() == "kie.ai · stopped before anything was sent."


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "a.png"])
def test_a_url_is_no_way_to_a_file(
    comfyui: Any,
    registry: Registry,
    runner: Any,
    values: dict[str, Any],
    hidden: Any,
    url: str,
) -> None:
    with pytest.raises(NodeError, match="https:// URL") as caught:
        asyncio.run(execute(registry, {**values, "image_url": url}, hidden))

    assert isinstance(caught.value.__cause__, ImageRefused)
    assert not runner.asked
    assert "https:// URL" in comfyui.last_text()


def test_two_pictures_are_one_too_many(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    both = {"image": Picture(), "image_url": "https://example.org/a.png"}
    with pytest.raises(NodeError, match="two images"):
        asyncio.run(execute(registry, {**values, **both}, hidden))


def test_a_missing_provider_is_never_replaced_by_another(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any]
) -> None:
    hidden = SimpleNamespace(unique_id="7", prompt={"7": {"inputs": {"provider": "acme"}}})
    with pytest.raises(NodeError, match='no provider "acme"') as caught:
        asyncio.run(execute(registry, {**values, "provider": None}, hidden))

    assert isinstance(caught.value.__cause__, UnknownProvider)
    assert not runner.asked
    assert 'no provider "acme"' in comfyui.last_text()


def test_a_missing_provider_is_named_with_the_plug_in_that_made_its_videos(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any]
) -> None:
    runner.row = row("stored", provider="acme", plugin="kling26-acme 0.1.0")
    hidden = SimpleNamespace(unique_id="7", prompt={"7": {"inputs": {"provider": "acme"}}})

    with pytest.raises(NodeError) as caught:
        asyncio.run(execute(registry, {**values, "provider": None}, hidden))

    assert 'The plug-in "kling26-acme 0.1.0" made its videos before.' in str(caught.value)
    assert str(caught.value) in comfyui.last_text()


def test_comfyui_is_given_one_node_and_the_routes(comfyui: Any) -> None:
    extension = asyncio.run(comfy_entrypoint())
    (node,) = asyncio.run(extension.get_node_list())

    assert node.define_schema().node_id == "Kling26Video"
    assert all(path.startswith("/kling26/") for _, path in comfyui.routes)
    assert ("GET", "/kling26/providers") in comfyui.routes


def test_a_broken_settings_file_does_not_hide_the_node(
    comfyui: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from kling26.comfy_bridge.extension import installed

    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("= broken")
    installed.cache_clear()
    try:
        assert "kie" in installed().providers
    finally:
        installed.cache_clear()
    assert "config.toml" in caplog.text
