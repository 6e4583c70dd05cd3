"""What a request would do, without doing it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kling26.core import VideoRequest
from kling26.core.errors import BudgetExceeded, MissingKey, OptionRefused, OutcomeUnknown
from kling26.core.runner.preview import Preview
from kling26.core.runner.runner import Runner

from .several import Several, several


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Several]:
    made = several(tmp_path / "home")
    yield made
    made.close()


def preview(world: Several, provider: str = "kie", **fields: Any) -> Preview:
    async def work() -> Preview:
        async with world.runner() as runner:
            request = VideoRequest("A heron", **fields)
            return await runner.preview(request, provider, sandbox=True)

    return world.run(work())


def test_a_new_video_is_paid_for_at_its_list_price(world: Several) -> None:
    would = preview(world, sound=True, duration=10)

    assert (would.would, would.task, would.provider.name) == ("pay", None, "kie")
    assert (would.price.usd, would.price.amount, would.price.unit) == (1.1, 220, "credits")
    assert would.price.source == "list"
    assert would.balance is not None
    assert would.balance.unit == "credits"
    assert would.balance.usd == pytest.approx(would.balance.amount * 0.005)


def test_nothing_is_sent_that_pays_and_nothing_is_written(world: Several) -> None:
    preview(world)

    assert not world.home.exists()
    assert {each.method for each in world.companies["kie"].emulator.requests} == {"GET"}


def test_without_a_price_it_is_what_the_same_took_last(world: Several) -> None:
    assert preview(world, "apikley").price.usd is None
    assert preview(world, "apikley").price.source is None
    world.auto("apikley", prompt="A bittern")

    price = preview(world, "apikley").price

    assert (price.source, price.unit, price.usd) == ("usual", "credits", None)
    assert price.amount
    assert preview(world, "apikley", sound=True).price.source is None


def test_a_stored_video_is_given(world: Several) -> None:
    made = world.auto("kie", prompt="A heron")

    would = preview(world)

    assert would.would == "reuse"
    assert would.task is not None
    assert would.task.id == made.task
    assert would.price.usd is None
    assert preview(world, "auto").would == "reuse"


def test_an_unknown_task_is_joined_and_never_paid_for_again(world: Several) -> None:
    world.fault_at("kie", "reset_after_accept")
    with pytest.raises(OutcomeUnknown):
        world.auto("kie", prompt="A heron")

    would = preview(world)

    assert would.would == "join"
    assert would.task is not None
    assert would.task.standing == "unclear"


def test_auto_says_who_would_make_it_and_who_would_not(world: Several) -> None:
    world.prefer = "apikley,kie"

    would = preview(world, "auto", callback_url=None)

    assert would.provider.name == "apikley"
    world.prefer = "kie,runcomfy"
    assert preview(world, "auto").provider.name == "kie"


def test_what_a_run_would_refuse_is_refused(world: Several) -> None:
    with pytest.raises(OptionRefused):
        preview(world, duration=7)


def test_without_a_key_it_says_so(tmp_path: Path) -> None:
    async def work() -> None:
        async with Runner(several(tmp_path)._settings) as runner:
            await runner.preview(VideoRequest("A heron"), "kie")

    with pytest.raises(MissingKey):
        asyncio.run(work())


def test_the_budget_is_shown_and_a_rehearsal_does_not_use_it(world: Several) -> None:
    world.environ["KLING26_MAX_COST_PER_DAY"] = "0.1"

    would = preview(world)

    assert would.budget.max_cost_per_day == 0.1
    assert would.spent is not None
    assert would.spent.usd() == 0


def test_a_balance_that_is_not_told_is_none(world: Several) -> None:
    world.refuse_key_at("kie")

    assert preview(world).balance is None


def test_over_budget_is_refused_as_a_run_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = several(
        tmp_path, KLING26_MAX_COST_PER_DAY="0.1", KIE_API_KEY="a-key-that-is-none", prefer="kie"
    )

    async def work() -> None:
        async with Runner(world._settings, transport=world.transport()) as runner:
            await runner.preview(VideoRequest("A heron"), "kie")

    with pytest.raises(BudgetExceeded):
        asyncio.run(work())
    world.close()
