"""The widgets come from the options' own fields, in an order that saved workflows rely on."""

from typing import Any, Literal

import pytest
from attrs import frozen
from kling26.comfy_bridge.node import inputs
from kling26.comfy_bridge.widgets import own_values, own_widgets, shared_widgets, widget_of
from kling26.core import Provider, option
from kling26.core.options import options_of
from kling26.core.plugins import Registry

#: Saved workflows keep values by position: what changes here has to be told in
#: ``web/kling26/node/saved.js``, which has the same list.
SHARED = ["prompt", "image_url", "sound", "duration", "aspect_ratio", "seed", "count", "sandbox"]
OWN = {
    "kie": [],
    "apikley": [],
    "cometapi": ["mode", "negative_prompt", "cfg_scale", "camera_control"],
    "runcomfy": ["negative_prompt"],
}


def test_the_shared_widgets_keep_their_order() -> None:
    assert [widget.id for widget in shared_widgets()] == SHARED


def test_the_widgets_of_each_provider_keep_their_order(registry: Registry) -> None:
    found = {
        name: [widget.id for widget in own_widgets(provider)]
        for name, provider in registry.providers.items()
    }

    assert found == OWN


def test_the_choice_comes_last_and_only_the_prompt_is_required(
    comfyui: Any, registry: Registry
) -> None:
    built = inputs(comfyui.modules["comfy_api.latest"].io, registry)
    *_, choice = built
    own = [each for option in choice.facts["options"] for each in option.inputs]

    assert [each.facts["id"] for each in built] == [*SHARED, "image", "end_image", "provider"]
    assert [each.facts["id"] for each in built if not each.facts["optional"]] == ["prompt"]
    assert all(each.facts["optional"] for each in own)
    assert [each.key for each in choice.facts["options"]] == ["auto", *OWN]


def test_a_seed_stays_fixed_until_told_otherwise(comfyui: Any, registry: Registry) -> None:
    io = comfyui.modules["comfy_api.latest"].io
    seed = next(each for each in inputs(io, registry) if each.facts["id"] == "seed")
    assert seed.facts["control_after_generate"] == "fixed"

    del io.ControlAfterGenerate
    seed = next(each for each in inputs(io, registry) if each.facts["id"] == "seed")
    assert seed.facts["control_after_generate"] is True


@frozen
class Odd:
    """One option of every shape."""

    name: str = option("", label="Name", help="A name.")
    text: str = option("t", label="Text", help="A text.", multiline=True)
    count: int = option(3, label="Count", help="How many.", minimum=1, maximum=9)
    free: int = option(0, label="Free", help="Any number.")
    share: float = option(0.5, label="Share", help="A share.", minimum=0, maximum=1, step=0.1)
    fast: bool = option(True, label="Fast", help="Fast.")
    style: Literal["a", "b"] = option("b", label="Style", help="The look.")
    maybe: float | None = option(None, label="Maybe", help="May be empty.", minimum=0, maximum=1)
    often: bool | None = option(True, label="Often", help="May be empty.")
    perhaps: bool | None = option(None, label="Perhaps", help="May be empty.")
    choice: Literal["x", "y"] | None = option(None, label="Choice", help="May be empty.")
    folded: int = option(1, label="Folded", help="Rarely used.", advanced=True)
    needed: str = option(label="Needed", help="Has no default.", kw_only=True)


class OddProvider(Provider):
    """A provider with every shape of option."""

    name = "odd"
    title = "Odd"
    key_variable = "ODD_KEY"
    base_url = "https://odd.example"
    Options = Odd

    def submit(self, request: Any, options: Any) -> Any: ...

    def poll(self, ticket: Any) -> Any: ...


@pytest.mark.parametrize(
    ("name", "kind", "facts"),
    [
        ("name", "String", {"default": "", "multiline": False}),
        ("text", "String", {"default": "t", "multiline": True, "placeholder": "Text"}),
        ("count", "Int", {"default": 3, "min": 1, "max": 9, "step": 1}),
        ("free", "Int", {"default": 0, "min": -(2**53 - 1), "max": 2**53 - 1, "step": 1}),
        ("share", "Float", {"default": 0.5, "min": 0, "max": 1, "step": 0.1}),
        ("fast", "Boolean", {"default": True}),
        ("style", "Combo", {"options": ["a", "b"], "default": "b"}),
        (
            "maybe",
            "String",
            {"default": "", "multiline": False, "placeholder": "0 to 1, or empty"},
        ),
        ("perhaps", "Combo", {"options": ["", "true", "false"], "default": ""}),
        ("often", "Combo", {"options": ["", "true", "false"], "default": "true"}),
        ("choice", "Combo", {"options": ["", "x", "y"], "default": ""}),
        ("folded", "Int", {"default": 1, "advanced": True}),
        ("needed", "String", {"default": ""}),
    ],
)
def test_every_shape_of_option_has_its_widget(name: str, kind: str, facts: Any) -> None:
    info = next(info for info in options_of(Odd) if info.name == name)
    widget = widget_of(info)

    assert widget.kind == kind
    assert widget.facts["display_name"] == info.label
    assert widget.facts["tooltip"] == info.help
    assert facts.items() <= widget.facts.items()


def test_what_may_be_empty_is_none_when_it_is() -> None:
    given = {"name": "", "maybe": "", "perhaps": "", "choice": "x", "unknown": 1}

    assert own_values(OddProvider(), given) == {
        "name": "",
        "maybe": None,
        "perhaps": None,
        "choice": "x",
        "unknown": 1,
    }
