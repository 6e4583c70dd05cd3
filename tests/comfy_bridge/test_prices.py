"""The price table that the badge is looked up in."""

from typing import Any

from attrs import evolve
from kling26.comfy_bridge.prices import price_table
from kling26.core.plugins import Registry
from kling26.providers.cometapi import CometAPI

SHARED = {"with_image", "with_end_image", "sound", "duration"}


def test_every_combination_with_a_known_price_has_a_row(registry: Registry) -> None:
    rows = price_table(registry["kie"])

    assert len(rows) == 8
    assert all(set(row["when"]) == SHARED for row in rows)


def test_an_end_image_has_a_price_where_the_provider_takes_one(registry: Registry) -> None:
    class Ending(type(registry["kie"])):  # type: ignore[misc]
        limits = evolve(registry["kie"].limits, end_image=True)

        def price(self, request: Any, options: Any) -> float | None:
            return 0.5 if request.end_image else 0.25

    def told(provider: Any) -> set[tuple[bool, bool, float]]:
        rows = price_table(provider)
        return {(r["when"]["with_image"], r["when"]["with_end_image"], r["usd"]) for r in rows}

    assert told(Ending()) == {(False, False, 0.25), (True, False, 0.25), (True, True, 0.5)}
    assert not any(end for _, end, _ in told(registry["kie"]))


def test_what_a_provider_does_not_take_has_no_price(registry: Registry) -> None:
    short = registry["kie"].at({})
    short.limits = evolve(short.limits, durations=(5,))

    assert {row["when"]["duration"] for row in price_table(short)} == {5}


def test_no_known_price_is_no_row(registry: Registry) -> None:
    assert price_table(registry["apikley"]) == []


def test_a_providers_own_choices_count_and_what_it_refuses_has_no_price() -> None:
    class Priced(CometAPI):
        def price(self, request: Any, options: Any) -> float | None:
            return 1.0 if options.mode == "pro" else 0.5

    rows = price_table(Priced())
    modes = {(row["when"]["sound"], row["when"]["provider.mode"]) for row in rows}

    assert modes == {(False, "std"), (False, "pro"), (True, "pro")}
