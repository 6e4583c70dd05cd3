"""Providers of plug-ins: their own texts on the page, and what the page cannot be told of."""

import json
import logging
from types import MappingProxyType
from typing import Any

import pytest
from attrs import frozen
from kling26.comfy_bridge.extension import showable
from kling26.comfy_bridge.keys_page import providers
from kling26.comfy_bridge.prices import price_table
from kling26.comfy_bridge.words import words
from kling26.core import option
from kling26.core.plugins import Registry
from kling26.providers.runcomfy import RunComfy


@frozen
class AcmeOptions:
    style: str = option("plain", label="Style", help="The look of it.")


class Acme(RunComfy):
    name = "acme"
    title = "Acme"
    Options = AcmeOptions

    def price(self, request: Any, options: Any) -> float | None:
        raise LookupError("The price list is lost.")


@frozen
class Choosing:
    provider: str = option("", label="Provider", help="Whose model it is.")


@frozen
class Broken:
    weight: float = option(float("nan"), label="Weight", help="How much of it.")


def beside(registry: Registry, **more: Any) -> Registry:
    """The built-in providers, and others of plug-ins of the same name."""
    return Registry(
        MappingProxyType({**registry.providers, **more}),
        MappingProxyType({**registry.origins, **{name: f"kling26-{name}:{name}" for name in more}}),
    )


def test_a_plug_ins_options_have_their_texts_and_ours_have_those_of_the_locales(
    registry: Registry,
) -> None:
    told = providers(beside(registry, acme=Acme()), words())["providers"]
    texts = {each["name"]: each["texts"] for each in told}  # type: ignore[attr-defined]

    assert texts["acme"] == {"provider.style": {"label": "Style", "tooltip": "The look of it."}}
    assert all(texts[name] == {} for name in registry.providers)


def test_a_price_that_is_not_known_is_none() -> None:
    assert price_table(Acme()) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (Choosing, 'an option called "provider" would be taken for the choice of the provider.'),
        (Broken, "ValueError: Out of range float values are not JSON compliant"),
    ],
)
def test_what_the_page_cannot_show_is_left_out_in_one_line(
    registry: Registry, caplog: pytest.LogCaptureFixture, options: type, reason: str
) -> None:
    class Odd(Acme):
        Options = options

    with caplog.at_level(logging.WARNING, "kling26"):
        shown = showable(beside(registry, odd=Odd(), acme=Acme()))

    assert list(shown.providers) == [*registry.providers, "acme"]
    (line,) = caplog.messages
    start = 'The plug-in "kling26-odd:odd" was skipped: ComfyUI cannot show it: '
    assert line.startswith(f"{start}{reason}")
    assert line in [str(problem) for problem in shown.problems]
    json.dumps(providers(shown, words()))
