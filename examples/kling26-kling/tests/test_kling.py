"""Kling: what every provider has to pass, exchanges with the API, and the wheel."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from kling26.core import KeyRejected, OutOfCredit, Refused, TaskFailed, Ticket, VideoRequest
from kling26.testing import ProviderTests, Replay, cassette, check_wheel
from kling26_kling import Kling, kling26_sandboxes

KILN = VideoRequest("Sparks rise from a pottery kiln at dusk, fire crackles", task="own")
SOUND = VideoRequest(KILN.prompt, sound=True)
GREY = Path(__file__).with_name("grey.png")
CLAY = VideoRequest("The clay turns on the wheel", GREY, duration=10)
TASK = {"id": "1", "status": "succeeded", "external_id": "own", "outputs": "https://a.example/1"}
OTHER = TASK | {"id": "2", "external_id": "k26-another"}
UNIT, MONEY = {"charge_type": "unit", "amount": "1.5"}, {"amount": "0.35", "currency": "CNY"}
FOUND = Ticket("1")


class TestKling(ProviderTests):
    provider = Kling()
    sandbox = kling26_sandboxes()[0]
    texts = ("sound",)


@pytest.mark.parametrize(("error", "request_"), [
    cassette("kling/text_to_video_with_sound", None, SOUND),
    cassette("kling/image_to_video", None, CLAY),
    cassette("kling/refused_key", KeyRejected, KILN, key="not-a-key"),
    cassette("kling/refused_credit", OutOfCredit, KILN, written="it needs an empty account"),
    cassette("kling/refused_input", Refused, KILN, written="what is refused is up to the service"),
    cassette("kling/failed_task", TaskFailed, KILN, written="tasks do not fail at will"),
])  # fmt: skip
def test_an_exchange(replay: Replay, error: Any, request_: VideoRequest) -> None:
    options = {"resolution": "1080p"} if request_.sound else {}
    with pytest.raises(error) if error else nullcontext():
        assert replay.generate(request_, "kling", options).file.stat().st_size > 0


@pytest.mark.parametrize(("data", "ticket"), [([], None), ([OTHER], None), ([OTHER, TASK], FOUND)])
def test_a_task_is_found_by_our_own_id(talk: Any, data: object, ticket: Ticket | None) -> None:
    assert talk(Kling().find(KILN), {"code": 0, "data": data}) == ticket


@pytest.mark.parametrize(("bills", "cost", "unit"), [
    ([UNIT, UNIT], 3.0, "units"), ([MONEY], 0.35, "CNY"), ([UNIT, MONEY], None, None),
])  # fmt: skip
def test_a_cost_is_in_units_or_in_money(talk: Any, bills: Any, cost: Any, unit: Any) -> None:
    status = talk(Kling().poll(FOUND), {"code": 0, "data": [TASK | {"billing": bills}]})
    assert (status.cost, status.cost_unit) == (cost, unit)


def test_the_wheel_has_all_that_it_needs() -> None:
    check_wheel(Path(__file__).parents[1])
