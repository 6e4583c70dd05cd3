"""What is left on the account."""

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
        number, unit = ran.out.split()[:2]
        assert unit == usual
        return float(number)

    before = left()
    user.call("generate", "A heron", "--provider", provider, "--sandbox")

    assert left() < before


def test_kie_is_asked_unless_another_provider_is_set(user: Any) -> None:
    assert user.call("balance", "--sandbox").out == user.call("balance", "kie", "--sandbox").out
    assert user.call("balance", "--sandbox", KLING26_PROVIDER="runcomfy").out == "100.00 USD\n"


def test_without_a_key_nothing_is_asked(user: Any) -> None:
    ran = user.call("balance", "kie", KIE_API_KEY=None)

    assert ran.status == 2
    assert "KIE_API_KEY" in ran.said


def test_a_provider_that_cannot_be_reached_is_reported(user: Any) -> None:
    ran = user.call("balance", "kie", KIE_BASE_URL="http://127.0.0.1:9")

    assert ran.status == 3
    assert ran.said.startswith("kie.ai cannot be reached")
