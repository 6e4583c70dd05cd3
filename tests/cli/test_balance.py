"""What is left on the account."""

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("provider", "usual"),
    [("kie", "credits"), ("apikley", "credits"), ("cometapi", "USD"), ("runcomfy", "USD")],
)
def test_it_is_in_the_providers_unit_and_falls_with_each_video(
    user: Any, provider: str, usual: str
) -> None:
    def left() -> float:
        ran = user.call("balance", provider, "--sandbox")
        assert (ran.status, ran.err) == (0, "")
        number, unit, *in_usd = ran.out.split()
        assert unit == usual
        assert bool(in_usd) == (provider == "kie")
        return float(number)

    before = left()
    user.call("generate", "A heron", "--provider", provider, "--sandbox")

    assert left() < before


def test_kie_is_asked_unless_another_provider_is_set(user: Any) -> None:
    assert user.call("balance", "--sandbox").out == user.call("balance", "kie", "--sandbox").out
    assert user.call("balance", "--sandbox", KLING26_PROVIDER="runcomfy").out == "100.00 USD\n"


@pytest.mark.parametrize(
    ("provider", "left"),
    [("kie", (10000, "credits", 50)), ("apikley", (10000, "credits", None)),
     ("cometapi", (100, "USD", 100))],
)  # fmt: skip
def test_it_can_be_computed_with(user: Any, provider: str, left: tuple[object, ...]) -> None:
    ran = user.call("balance", provider, "--sandbox", "--json")

    amount, unit, usd = left
    assert json.loads(ran.out) == {
        "provider": provider, "amount": amount, "unit": unit, "usd": usd,
    }  # fmt: skip


def test_credits_are_told_in_usd_where_their_worth_is_known(user: Any) -> None:
    assert user.call("balance", "kie", "--sandbox").out == "10000 credits (50.00 USD)\n"
    assert user.call("balance", "apikley", "--sandbox").out == "10000 credits\n"


def test_without_a_key_nothing_is_asked(user: Any) -> None:
    ran = user.call("balance", "kie", KIE_API_KEY=None)

    assert ran.status == 2
    assert "KIE_API_KEY" in ran.said


def test_a_provider_that_cannot_be_reached_is_reported(user: Any) -> None:
    ran = user.call("balance", "kie", KIE_BASE_URL="http://127.0.0.1:9")

    assert ran.status == 3
    assert ran.said.startswith("kie.ai cannot be reached")


def test_a_key_that_is_refused_is_named_by_its_variable(user: Any, server: Any) -> None:
    keys = {"RUNCOMFY_TOKEN": None, "RUNCOMFY_API_TOKEN": "a-wrong-key"}
    ran = user.call("balance", "runcomfy", **server, **keys)

    assert ran.status == 3
    assert ran.said.startswith("RunComfy does not accept the key: ")
    assert " Set RUNCOMFY_API_TOKEN to another key" in ran.said
