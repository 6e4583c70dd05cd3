"""Lists that the node is linked to: all items are checked, then all are made, and none is lost."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge.items import items
from kling26.comfy_bridge.node import execute, make_node
from kling26.comfy_bridge.running import NodeError
from kling26.comfy_bridge.words import words
from kling26.core import OptionRefused, OutcomeUnknown, OutOfCredit
from kling26.core.plugins import Registry

Lists = dict[str, Any]


@pytest.fixture
def three(runner: Any, values: dict[str, Any]) -> Lists:
    """The inputs as ComfyUI gives them when three prompts are linked."""
    prompts = ["a fox", "a heron", "a hare"]
    runner.results = {each: evolve(runner.result, task=each) for each in prompts}
    lists = {name: [value] for name, value in values.items() if name != "provider"}
    return {**lists, "prompt": prompts, "provider": {"provider": ["kie"], "mode": None}}


def _error(registry: Registry, lists: Lists, hidden: Any) -> str:
    with pytest.raises(NodeError) as caught:
        asyncio.run(execute(registry, lists, hidden))
    return str(caught.value)


def test_the_last_item_of_a_shorter_list_is_repeated() -> None:
    lists = {"a": [1, 2, 3], "b": (4, 5), "choice": {"of": ["x"], "absent": None}, "none": None}

    assert items(lists, words()) == [
        {"a": 1, "b": 4, "choice": {"of": "x", "absent": None}, "none": None},
        {"a": 2, "b": 5, "choice": {"of": "x", "absent": None}, "none": None},
        {"a": 3, "b": 5, "choice": {"of": "x", "absent": None}, "none": None},
    ]


@pytest.mark.parametrize(
    ("lists", "name"),
    [({"prompt": ["a"], "seed": []}, "seed"), ({"prompt": ["a"], "choice": {"mode": []}}, "mode")],
)
def test_an_empty_list_is_refused(lists: Lists, name: str) -> None:
    with pytest.raises(OptionRefused) as caught:
        items(lists, words())

    assert str(caught.value) == (
        f"{name} is linked to an empty list; it must have at least one item."
    )


def test_the_node_asks_comfyui_for_the_lists_and_for_a_linked_provider(
    comfyui: Any, registry: Registry
) -> None:
    node = make_node(registry)

    assert node.define_schema().is_input_list
    assert set(node.INPUT_TYPES()) == {"required", "optional"}
    assert list(node.INPUT_TYPES()["optional"]) == ["$$kling26-provider"]


def test_each_item_is_a_task_of_its_own(
    comfyui: Any, registry: Registry, runner: Any, three: Lists
) -> None:
    three |= {"seed": [5, 6, 8], "count": [1, 2]}
    output = asyncio.run(make_node(registry).execute(**three))

    assert [(each.prompt, each.seed) for each, *_ in runner.asked] == [
        ("a fox", 5), ("a heron", 6), ("a heron", 7), ("a hare", 8), ("a hare", 9),
    ]  # fmt: skip
    assert [len(each) for each in output.args] == [5, 5, 5]
    assert comfyui.last_text().splitlines()[:2] == [
        "item 1 of 3 · kie.ai · done · 55 credits",
        "item 2 of 3 · seed 6 · kie.ai · done · 55 credits",
    ]


def test_each_item_may_have_a_provider_of_its_own(
    comfyui: Any, registry: Registry, runner: Any, three: Lists
) -> None:
    three["$$kling26-provider"] = ["kie", " runcomfy", "auto"]
    hidden = SimpleNamespace(unique_id="7", prompt={"7": {"inputs": {"provider": ["9", 0]}}})
    asyncio.run(execute(registry, three, hidden))

    assert [name for _, name, *_ in runner.asked] == ["kie", "runcomfy", "auto"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"count": [1, True]}, "item 2 of 3: count must be a whole number from 1 to 8; got True."),
        ({"image_url": ["", "a.png", ""]}, "item 2 of 3: image_url must be the https:// URL of"),
        ({"image": [None, None, 5]}, "item 3 of 3: image must be linked to a node that gives an"),
        ({"seed": [2**64 - 1], "count": [1, 1, 2]}, "item 3 of 3: With 2 videos, seed must be"),
        ({"$$kling26-provider": ["kie", "kei"]}, 'item 2 of 3: There is no provider "kei"; did'),
    ],
)
def test_nothing_is_sent_if_one_item_makes_no_sense(
    comfyui: Any, registry: Registry, runner: Any, three: Lists, hidden: Any, wrong: Lists,
    says: str,
) -> None:  # fmt: skip
    error = _error(registry, three | wrong, hidden)

    assert error.startswith(says)
    assert (comfyui.last()["state"], comfyui.last()["error"]) == ("failed", error)
    assert runner.asked == []


def test_nothing_is_sent_if_the_provider_would_refuse_one_item(
    comfyui: Any, registry: Registry, runner: Any, three: Lists, hidden: Any
) -> None:
    three["prompt"][1] = 7
    refusal = OptionRefused("kie.ai: prompt must be text; got 7.", option="prompt")
    runner.refusals = {7: refusal}

    assert _error(registry, three, hidden) == "item 2 of 3: kie.ai: prompt must be text; got 7."
    assert runner.asked == []


def test_a_prompt_that_is_no_text_is_found_before_the_others_are_sent(
    comfyui: Any, registry: Registry, values: dict[str, Any], hidden: Any, tmp_path: Path
) -> None:
    lists = {**values, "prompt": ["a fox", 7, "a hare"], "sandbox": True}

    assert _error(registry, lists, hidden) == "item 2 of 3: kie.ai: prompt must be text; got 7."
    assert not list(tmp_path.glob("home/journal*"))


def test_cancel_while_items_are_checked_sends_nothing(
    comfyui: Any, registry: Registry, runner: Any, three: Lists, hidden: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def press(*_: object, **__: object) -> None:
        comfyui.interrupted = True
        await asyncio.sleep(0.01)

    monkeypatch.setattr(type(runner), "check", press)
    with pytest.raises(comfyui.stand_in.InterruptProcessingException):
        asyncio.run(execute(registry, three, hidden))

    assert runner.asked == []
    assert comfyui.last_text() == "kie.ai · stopped before anything was sent."


def test_what_has_come_is_delivered_and_the_node_runs_again_for_the_rest(
    comfyui: Any, registry: Registry, runner: Any, three: Lists
) -> None:
    node = make_node(registry)
    node.hidden = SimpleNamespace(unique_id="7", prompt={})
    before = node.fingerprint_inputs(**three)
    runner.results["a heron"] = OutOfCredit("No credit.", provider="kie")
    output = asyncio.run(node.execute(**three))

    assert [len(each) for each in output.args] == [2, 2, 2]
    assert node.fingerprint_inputs(**three) != before
    (told,) = [data["error"] for _, data in comfyui.told("kling26.run") if data["error"]]
    assert told == (
        "2 of 3 videos are here; of the others:\n"
        "1 video: No credit. Top up your account at kie.ai and run again.\n"
        "In another run with the same inputs, those that are here cost nothing more."
    )
    assert "item 2 of 3 · No credit." in comfyui.last_text()


@pytest.mark.parametrize(
    ("language", "begins"), [("en", "3 videos: "), ("zh", "3 个视频："), ("ru", "3 видео: ")]
)
def test_if_nothing_has_come_the_sentence_says_how_many_it_is_about(
    comfyui: Any, registry: Registry, runner: Any, three: Lists, hidden: Any, language: str,
    begins: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("kling26.comfy_bridge.node.language_of", lambda _: language)
    runner.results = dict.fromkeys(three["prompt"], OutcomeUnknown("Lost.", provider="kie"))
    error = _error(registry, three, hidden)

    assert error.startswith(begins)
    assert error.count("Lost.") == 1
