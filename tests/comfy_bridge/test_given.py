"""What reaches the node: all of it, and nothing that the node does not have."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge.given import LINKED, RAW, Given, keep_raw, read
from kling26.comfy_bridge.words import words
from kling26.core import ImageRefused, Kling26Error, OptionRefused, UnknownProvider
from kling26.core.installed import PlugIn
from kling26.core.plugins import Registry

#: What ComfyUI calls the node with if the prompt has nothing else.
ALONE = {"prompt": "A red fox"}


def _read(registry: Registry, values: dict[str, Any], **asked: Any) -> Given:
    """What is read of `values`, where the prompt has these inputs."""
    inputs = {name.replace("__", "."): value for name, value in asked.items()}
    hidden = SimpleNamespace(unique_id="7", prompt={"7": {"inputs": inputs}})
    return read(registry, values, hidden, words())


def test_the_prompt_alone_is_enough(registry: Registry) -> None:
    given = _read(registry, ALONE, **ALONE)

    assert (given.provider, given.name, given.options) == (None, "auto", {})
    assert given.shared == {
        "prompt": "A red fox", "image_url": "", "sound": False, "duration": 5,
        "aspect_ratio": "16:9", "seed": 0, "count": 1, "sandbox": False,
    }  # fmt: skip


def test_a_provider_alone_has_the_defaults_of_its_own_options(registry: Registry) -> None:
    """ComfyUI gives an option that is absent as None."""
    choice = {"provider": "cometapi", "mode": None, "negative_prompt": None}
    given = _read(registry, {**ALONE, "provider": choice}, **ALONE, provider="cometapi")

    assert (given.name, given.options) == ("cometapi", {})


def test_an_option_that_the_choice_does_not_have_is_left_for_core_to_refuse(
    registry: Registry,
) -> None:
    """ComfyUI would drop it, and something else would be paid for."""
    choice = {"provider": "kie", "style": "film"}
    asked = {"provider": "kie", "provider__mode": "pro", "provider__style": ["3", 0]}
    given = _read(registry, {**ALONE, "provider": choice}, **asked)

    assert given.options == {"mode": "pro", "style": "film"}


def test_what_the_page_keeps_for_another_version_of_a_plug_in_is_refused_too(
    registry: Registry,
) -> None:
    kept = {"provider": "kie", "kling26": {"style": "film"}}

    assert _read(registry, {**ALONE, "provider": {"provider": "kie"}}, **kept).options == {
        "style": "film"
    }


@pytest.mark.parametrize("asked", ["", " ", None])
def test_a_choice_that_is_none_asks_for_one(registry: Registry, asked: Any) -> None:
    with pytest.raises(OptionRefused, match="Choose a provider: auto, kie, apikley"):
        _read(registry, ALONE, provider=asked)


@pytest.mark.parametrize("through_a_link", [False, True])
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (["9", 0], "['9', 0]"),
        ({"provider": "kie"}, "{'provider': 'kie'}"),
        ({}, "{}"),
        (5, "5"),
        (True, "True"),
        (object(), "object"),
    ],
)
def test_a_choice_that_is_no_name_is_refused_however_it_comes(
    registry: Registry, asked: Any, shown: str, through_a_link: bool
) -> None:
    values, inputs = ({LINKED: asked}, ["8", 1]) if through_a_link else ({}, asked)
    with pytest.raises(OptionRefused) as caught:
        _read(registry, ALONE | values, provider=inputs)

    assert str(caught.value) == (
        f"provider must be the name of one: auto, kie, apikley, cometapi or runcomfy; got {shown}."
    )


@pytest.mark.parametrize("name", ["kie", " kie ", "kie\n"])
def test_a_name_is_a_name_through_a_link_and_with_blanks_around_it(
    registry: Registry, name: str
) -> None:
    assert _read(registry, ALONE | {LINKED: name}, provider=["9", 0]).name == "kie"
    assert _read(registry, ALONE, provider=name).name == "kie"


def test_comfyui_is_asked_to_follow_the_link_of_a_provider(registry: Registry) -> None:
    kept = _arrived(registry, provider=["9", 0])
    assert kept[LINKED] == ["9", 0]
    kept["provider"] = " kie "  # The page sends the same prompt, with a choice instead.
    keep_raw(registry, {"prompt": {"7": {"class_type": "Kling26Video", "inputs": kept}}})
    assert kept == {"provider": "kie"}
    for odd in (["no such node", 0], ["9"], ["9", 0, 1], ["9", "0"], ["9", True], [["9"], 0]):
        assert LINKED not in _arrived(registry, provider=odd)


def test_a_provider_that_is_not_there_is_named(registry: Registry) -> None:
    with pytest.raises(UnknownProvider, match=r'no provider "acme".*install its plug-in'):
        _read(registry, ALONE, provider="acme")


def test_one_that_a_setting_leaves_out_is_named_with_the_setting(registry: Registry) -> None:
    acme = PlugIn("kling26-acme", "acme", lambda: None)
    without = evolve(registry, left_out=(acme,))

    with pytest.raises(UnknownProvider, match='LOAD_PLUGINS is set, and does not name "kling26-ac'):
        _read(without, ALONE, provider="acme")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("duratoin", 'Kling 2.6 has no input "duratoin"; did you mean "duration"?'),
        ("mode", 'Kling 2.6 has no input "mode".'),
    ],
)
def test_an_input_that_the_node_does_not_have_is_refused(
    registry: Registry, name: str, says: str
) -> None:
    with pytest.raises(OptionRefused) as caught:
        _read(registry, ALONE, **ALONE, **{name: "pro"})

    assert str(caught.value) == says


def test_what_the_page_adds_for_itself_is_let_through(registry: Registry) -> None:
    """A preview of a video, and the boxes that other packs put on every node."""
    pages = {
        "video-preview": "",
        "$$canvas-image-preview": "",
        "speak": {"__value__": [False, True]},
    }

    assert _read(registry, ALONE, **ALONE, **pages).name == "auto"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"count": 9}, "count must be a whole number from 1 to 8; got 9."),
        ({"count": True}, "count must be a whole number from 1 to 8; got True."),
        (
            {"seed": 2**64 - 1, "count": 2},
            "With 2 videos, seed must be a whole number from 0 to 18446744073709551614, so that",
        ),
        ({"seed": True, "count": 2}, "With 2 videos, seed must be a whole number from 0 to"),
        ({"seed": 1.0, "count": 2}, "With 2 videos, seed must be a whole number from 0 to"),
        ({"seed": "5", "count": 2}, "With 2 videos, seed must be a whole number from 0 to"),
        ({"sandbox": "false"}, 'sandbox must be true or false; got "false".'),
        ({"image_url": 5}, "image_url must be the https:// URL of an image"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    registry: Registry, values: dict[str, Any], says: str
) -> None:
    with pytest.raises(OptionRefused) as caught:
        _read(registry, ALONE | values)

    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("name", ["image", "end_image"])
def test_a_picture_is_one_that_a_node_gives(registry: Registry, name: str) -> None:
    with pytest.raises(ImageRefused, match=f"{name} must be linked to a node") as caught:
        _read(registry, {**ALONE, name: "cat.png"})

    assert caught.value.option == name


# -- through the API, where ComfyUI changes what it is given -------------------------------------


def _arrived(registry: Registry, **inputs: Any) -> dict[str, Any]:
    """The inputs of the node after a prompt with these has arrived."""
    named = {name.replace("__", "."): value for name, value in inputs.items()}
    prompt = {"7": {"class_type": "Kling26Video", "inputs": named}, "9": {"class_type": "Text"}}
    keep_raw(registry, {"prompt": prompt})
    return named


@pytest.mark.parametrize(
    "inputs",
    [
        {"sound": "false"},
        {"prompt": None},
        {"prompt": {"a": 1}},
        {"seed": 1.5},
        {"count": True},
        {"provider": "cometapi", "provider__cfg_scale": 0.5},
    ],
)
def test_a_value_that_comfyui_would_change_is_kept_as_it_is(
    registry: Registry, inputs: dict[str, Any]
) -> None:
    name, value = list(inputs.items())[-1]

    assert _arrived(registry, **inputs)[RAW] == {name.replace("__", "."): value}


@pytest.mark.parametrize(
    ("name", "wrapped"), [("seed", True), ("count", True), ("prompt", ["a", "b"]), ("duration", {})]
)
def test_a_wrapped_value_is_kept_where_comfyui_would_change_what_is_in_it(
    registry: Registry, name: str, wrapped: Any
) -> None:
    inputs = {name: {"__value__": wrapped}}
    kept = _arrived(registry, **inputs).get(RAW)

    assert kept == (None if name == "duration" else {name: wrapped})


def test_a_prompt_that_means_what_it_says_is_left_alone(registry: Registry) -> None:
    fine = {
        "prompt": ["3", 0], "image_url": "", "sound": True, "duration": 5, "seed": "7",
        "count": 2.0, "provider": "cometapi", "provider__cfg_scale": "0.5",
    }  # fmt: skip

    assert RAW not in _arrived(registry, **fine)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"prompt": []}, {"prompt": {"7": 1, "8": {"inputs": []}}}]
)
def test_a_body_of_any_shape_is_no_harm(registry: Registry, body: Any) -> None:
    keep_raw(registry, body)


def test_a_kept_value_is_what_core_judges(registry: Registry) -> None:
    """ComfyUI makes a True of it, and a sound track would be paid for."""
    given = _read(registry, {**ALONE, "sound": True}, **{RAW: {"sound": "false"}})

    assert given.shared["sound"] == "false"


def test_a_kept_option_goes_before_what_comfyui_says(registry: Registry) -> None:
    choice = {"provider": "cometapi", "cfg_scale": "0.5"}
    raw = {"provider.cfg_scale": 0.5}
    asked = {"provider": "cometapi", "provider__cfg_scale": "0.5", RAW: raw}

    assert _read(registry, {**ALONE, "provider": choice}, **asked).options == {"cfg_scale": 0.5}


def test_comfyui_is_asked_to_show_each_prompt_first(comfyui: Any, registry: Registry) -> None:
    from kling26.comfy_bridge import comfyui as ours

    ours.before_prompts(partial(keep_raw, registry))
    inputs = {"sound": "false"}
    body = {"prompt": {"7": {"class_type": "Kling26Video", "inputs": inputs}}}
    (handler,) = comfyui.handlers

    assert handler(body) is body
    assert inputs[RAW] == {"sound": "false"}  # type: ignore[comparison-overlap]


def test_whatever_cannot_be_read_is_an_error_for_users(registry: Registry) -> None:
    with pytest.raises(Kling26Error):
        read(registry, {"count": "many", **ALONE}, SimpleNamespace(), words())
