"""The choice "auto": any provider that can, and the words are those of the one that does."""

import asyncio
from typing import Any

import pytest
from attrs import evolve
from kling26.comfy_bridge import auto
from kling26.comfy_bridge.board import board_of
from kling26.comfy_bridge.node import execute
from kling26.comfy_bridge.progress import Watch
from kling26.comfy_bridge.running import NodeError
from kling26.comfy_bridge.words import words
from kling26.core import KeyRejected, MissingKey, OutOfCredit, Progress
from kling26.core.errors import Remedy
from kling26.core.plugins import Registry
from kling26.providers.kie import Kie

PASSED = "The account at kie.ai has too little credit. Going on to CometAPI."


class Cheap(Kie):
    name, title, key_variable = "cheap", "Cheap", "CHEAP_API_KEY"

    def price(self, request: Any, options: Any) -> float | None:
        return 0.1


class Secretive(Cheap):
    name, title, key_variable = "secretive", "Secretive", "SECRETIVE_API_KEY"

    def price(self, request: Any, options: Any) -> float | None:
        return None


@pytest.fixture
def values(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "provider": {"provider": "auto"}}


def _with(registry: Registry, *others: Kie) -> Registry:
    more = {each.name: each for each in others}
    return Registry(registry.providers | more, registry.origins | dict.fromkeys(more, "x:y"))  # type: ignore[operator]


def test_any_provider_is_asked_for(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    asyncio.run(execute(registry, values, hidden))
    ((_, provider, options, _),) = runner.asked

    assert (provider, options) == ("auto", {})


def test_the_node_names_who_makes_the_video_and_why_others_do_not(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    runner.go, runner.result = False, evolve(runner.result, provider="cometapi")
    runner.steps = [
        Progress("k1", "kie", "submitting"),
        Progress("k1", "cometapi", "note", message=PASSED),
        Progress("k1", "cometapi", "queued"),
    ]

    async def prompt() -> None:
        node = asyncio.create_task(execute(registry, values, hidden))
        while not any("queued" in text for _, text in comfyui.texts()):
            await asyncio.sleep(0.01)
        runner.go = True
        await node

    asyncio.run(prompt())
    said = [text for _, text in comfyui.texts()]
    assert f"CometAPI · queued · {PASSED}" in said
    assert said[-1] == "CometAPI · done · 55 credits"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            KeyRejected("No.", provider="cometapi"),
            (
                "No. Enter a key under Settings → Kling 2.6 (keys: "
                "https://api.cometapi.com/console/token), or set COMETAPI_KEY before you start "
                "ComfyUI."
            ),
        ),
        (
            OutOfCredit("No.", provider="cometapi"),
            "No. Top up your account at CometAPI and run again.",
        ),
        (
            MissingKey("None has one. Set A_KEY or B_KEY.", remedy=Remedy("set_key")),
            (
                "None has one. Set A_KEY or B_KEY. Or enter a key under Settings → Kling 2.6. To "
                "try the node without a key, turn sandbox on."
            ),
        ),
    ],
    ids=["key", "credit", "no key"],
)
def test_what_helps_is_about_the_right_provider(
    comfyui: Any,
    registry: Registry,
    runner: Any,
    values: dict[str, Any],
    hidden: Any,
    error: Any,
    says: str,
) -> None:
    runner.result = error
    with pytest.raises(NodeError) as caught:
        asyncio.run(execute(registry, values, hidden))

    assert str(caught.value) == comfyui.last_text() == says


def test_a_picture_is_one_that_most_of_them_accept(
    comfyui: Any, registry: Registry, runner: Any, values: dict[str, Any], hidden: Any
) -> None:
    np = pytest.importorskip("numpy")
    asyncio.run(execute(registry, {**values, "image": np.zeros((1, 8, 8, 3))}, hidden))

    assert runner.asked[0][0].image.format == "png"


def test_settings_that_cannot_be_read_are_said_on_the_node(
    comfyui: Any,
    registry: Registry,
    runner: Any,
    values: dict[str, Any],
    hidden: Any,
    tmp_path: Any,
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("= broken")
    with pytest.raises(NodeError, match=r"config\.toml"):
        asyncio.run(execute(registry, values, hidden))

    assert "config.toml" in comfyui.last_text()
    assert auto.prices(registry) == []
    assert runner.asked == []


def test_before_somebody_takes_it_it_is_said_to_be_auto(registry: Registry) -> None:
    watch = Watch(board_of(None, None, words()), registry.providers)
    assert watch.text == "auto · starting"

    watch(Progress("k1", "nobody", "submitting"))
    assert watch.text == "auto · submitting"


def _price(registry: Registry, **when: Any) -> float | None:
    asked = {"with_image": False, "with_end_image": False, "sound": False, "duration": 5} | when
    return next((row["usd"] for row in auto.prices(registry) if row["when"] == asked), None)


def test_its_price_is_the_cheapest_that_is_known_of_those_with_a_key(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = _with(registry, Cheap(), Secretive())
    assert _price(registry) is None

    monkeypatch.setenv("SECRETIVE_API_KEY", "any")
    assert _price(registry) is None

    monkeypatch.setenv("KIE_API_KEY", "any")
    assert (_price(registry), _price(registry, sound=True, duration=10)) == (0.275, 1.1)

    monkeypatch.setenv("CHEAP_API_KEY", "not a key")
    assert _price(registry) == 0.275

    monkeypatch.setenv("CHEAP_API_KEY", "any")
    assert _price(registry) == 0.1


def test_its_price_is_that_of_the_first_that_is_preferred(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = _with(registry, Cheap(), Secretive())
    for name in ("SECRETIVE_API_KEY", "KIE_API_KEY", "CHEAP_API_KEY"):
        monkeypatch.setenv(name, "any")
    prices = {}
    for preferred in ("kie, cheap", "cheap, kie", "secretive, kie", "nobody"):
        monkeypatch.setenv("KLING26_PREFER", preferred)
        prices[preferred] = _price(registry)

    assert prices == {
        "kie, cheap": 0.275,
        "cheap, kie": 0.1,
        "secretive, kie": None,
        "nobody": None,
    }
    assert _price(registry, with_image=True, with_end_image=True) is None  # None takes one.
