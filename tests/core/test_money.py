"""What a video costs, before it is made."""

from typing import Any

import pytest
from kling26.core import Provider, VideoRequest
from kling26.core.money import list_price
from kling26.providers.cometapi import CometAPI

REQUEST = VideoRequest("A price")


class Priced(CometAPI):
    """A provider whose price list is in `usd`."""

    usd: Any = 0.5

    def price(self, request: Any, options: Any) -> float | None:
        if isinstance(self.usd, Exception):
            raise self.usd
        return 1 if options.mode == "pro" else self.usd


def priced(usd: Any) -> Provider:
    provider = Priced()
    provider.usd = usd
    return provider


def test_a_list_price_depends_on_the_providers_own_options() -> None:
    assert list_price(priced(0.5), REQUEST, {}) == 0.5
    assert list_price(priced(0.5), REQUEST, {"mode": "pro"}) == 1.0


@pytest.mark.parametrize("usd", [None, float("nan"), float("inf"), "free", LookupError("lost")])
def test_a_price_that_is_none_is_not_known(usd: Any) -> None:
    assert list_price(priced(usd), REQUEST, {}) is None


def test_a_video_that_is_not_made_there_has_no_price() -> None:
    assert list_price(priced(0.5), VideoRequest("A price", sound=True), {"mode": "std"}) is None
    assert list_price(priced(0.5), REQUEST, {"no_such_option": 1}) is None
