"""Providers with lengths and shapes of their own, in the node."""

from typing import Any

import pytest
from kling26.comfy_bridge.node import inputs
from kling26.comfy_bridge.prices import cheapest, price_table
from kling26.comfy_bridge.told import in_words
from kling26.comfy_bridge.words import words
from kling26.core import OptionRefused, VideoRequest
from kling26.core.plugins import Registry
from kling26.core.validation import validate

from ..shapes import kling26_shapes as shapes


@pytest.fixture
def beside(registry: Registry) -> Registry:
    """The built-in providers and those of the plug-in."""
    more = {each.name: each for each in shapes.PROVIDERS}
    return Registry(
        {**registry.providers, **more}, {**registry.origins, **dict.fromkeys(more, "x:y")}
    )


def menus(comfyui: Any, registry: Registry) -> dict[str, dict[str, Any]]:
    found = inputs(comfyui.modules["comfy_api.latest"].io, registry)
    return {each.facts["id"]: each.facts for each in found}


def test_the_menus_have_the_choices_of_all(comfyui: Any, beside: Registry) -> None:
    found = menus(comfyui, beside)

    assert found["duration"]["options"] == [*range(3, 16)]
    assert found["aspect_ratio"]["options"] == ["16:9", "9:16", "1:1", "4:3", "21:9"]
    assert (found["duration"]["default"], found["aspect_ratio"]["default"]) == (5, "16:9")


def test_without_such_a_plug_in_the_menus_are_klings_own(comfyui: Any, registry: Registry) -> None:
    found = menus(comfyui, registry)

    assert found["duration"]["options"] == [5, 10]
    assert found["aspect_ratio"]["options"] == ["16:9", "9:16", "1:1"]


def test_each_length_of_a_provider_has_a_price(beside: Registry) -> None:
    rows = price_table(beside["steps"])

    assert {(row["when"]["duration"], row["usd"]) for row in rows} == {
        (4, 0.2),
        (8, 0.4),
        (12, 0.6),
    }


def test_any_provider_has_the_price_of_those_that_take_such_a_video(beside: Registry) -> None:
    rows = cheapest([beside["kie"], beside["span"], beside["steps"]], in_order=False)
    prices = {
        row["when"]["duration"]: row["usd"]
        for row in rows
        if not (row["when"]["sound"] or row["when"]["with_image"])
    }

    assert sorted(prices) == [*range(3, 16)]
    assert (prices[5], prices[7], prices[12]) == (0.25, 0.35, 0.6)


@pytest.mark.parametrize(
    ("name", "asked", "russian", "chinese"),
    [
        (
            "steps",
            {},
            "Steps: «Длительность» — допустимо: 4, 8 или 12 с; получено: 5 (по умолчанию).",
            "Steps：“时长”应为 4、8 或 12 秒；当前为 5（默认值）。",
        ),
        (
            "span",
            {"duration": 16},
            "Span Video: «Длительность» — допустимо: от 3 до 15 секунд; получено: 16.",
            "Span Video：“时长”应为 3 到 15 秒；当前为 16。",
        ),
        (
            "loose",
            {"aspect_ratio": "9:16"},
            "Loose: «Формат кадра» не поддерживается: его выбирает сам сервис; оставьте 16:9.",
            "Loose：不支持“宽高比”，由服务商自行决定；请保留默认值 16:9。",
        ),
    ],
)
def test_what_a_provider_does_not_take_is_refused_in_the_users_language(
    beside: Registry, name: str, asked: dict[str, Any], russian: str, chinese: str
) -> None:
    with pytest.raises(OptionRefused) as caught:
        validate(beside[name], VideoRequest("A heron", **asked), {})

    said = str(caught.value)
    assert (in_words(words("ru"), said), in_words(words("zh"), said)) == (russian, chinese)
