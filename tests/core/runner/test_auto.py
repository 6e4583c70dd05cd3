"""
"auto": who is asked, who is next and why, and that no video is ever paid twice.

The table of turns is here: for every provider, what lets the next one have a go, and what does not.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from kling26.cli.exits import exit_status
from kling26.core.errors import (
    Kling26Error,
    MissingKey,
    NotDelivered,
    OptionRefused,
    OutcomeUnknown,
    Refused,
    Remedy,
    SettingsError,
    TaskFailed,
    TryLater,
)
from kling26.core.journal.task import Task
from kling26.core.request import VideoRequest
from kling26.core.runner.results import Outcome
from kling26.core.runner.runner import Runner
from kling26.sandbox import FaultName
from kling26.testing.conformance.faults import PERHAPS_TAKEN

from ..conftest import PROVIDERS
from .several import Several, several

pytestmark = pytest.mark.no_cover


@pytest.fixture
def of(tmp_path: Path) -> Iterator[Callable[..., Several]]:
    """All providers, in an order."""
    opened: list[Several] = []

    def build(prefer: str = "", **environ: str) -> Several:
        opened.append(several(tmp_path / f"home-{len(opened)}", prefer, **environ))
        return opened[-1]

    yield build
    for each in opened:
        each.close()


def after(first: str) -> str:
    """Who is next after a provider."""
    return "kie" if first != "kie" else "apikley"


def error_of(world: Several, **more: object) -> Kling26Error:
    with pytest.raises(Kling26Error) as raised:
        world.auto(**more)
    return raised.value


# -- who is asked ----------------------------------------------------------------------------------


def test_the_cheapest_is_asked_first(of) -> None:
    world = of()

    video = world.auto()

    prices = {
        name: price
        for name, each in world.companies.items()
        if (price := each.provider.price(VideoRequest("A heron"), each.provider.Options()))
    }
    assert video.provider == min(prices, key=lambda name: prices[name])
    assert world.payments == {video.provider: 1}
    assert "CometAPI makes the video." in world.said


def test_the_preferred_are_asked_in_their_order_and_no_others(of) -> None:
    world = of("runcomfy, apikley")
    world.fault_at("runcomfy", "no_credit")
    world.fault_at("apikley", "no_credit")

    error = error_of(world)

    assert exit_status(error) == 3
    assert "RunComfy" in str(error)
    assert "Apikley" in str(error)
    assert "kie.ai" not in str(error)
    assert world.payments == {}


def test_a_preferred_one_that_is_not_installed_is_a_wrong_setting(of) -> None:
    error = error_of(of("kie,runcomfi"))

    assert isinstance(error, SettingsError)
    assert str(error) == (
        'KLING26_PREFER has "runcomfi", but there is no such provider; did you mean "runcomfy"?'
    )


def test_who_does_not_take_the_request_is_not_asked_and_it_is_said(of) -> None:
    world = of("kie,cometapi")

    video = world.auto(options={"negative_prompt": "rain"})

    assert video.provider == "cometapi"
    assert "kie.ai" in world.said
    assert world.task().asked == {"negative_prompt": "rain"}
    assert [each.provider for each in world.task().passed] == ["kie"]


def test_auto_is_no_preference(of) -> None:
    error = error_of(of("kie,auto"))

    assert isinstance(error, SettingsError)
    assert str(error) == 'KLING26_PREFER has "auto", which is any provider; leave it out.'


def test_a_request_that_nobody_takes_is_refused_before_anything_is_sent(of) -> None:
    world = of()

    error = error_of(world, prompt=" ")

    assert isinstance(error, OptionRefused)
    assert exit_status(error) == 2
    assert str(error).startswith("No provider takes this request. ")
    assert world.tasks() == []


def test_without_any_key_nothing_is_sent_and_all_variables_are_named(tmp_path: Path) -> None:
    async def work() -> None:
        async with Runner(several(tmp_path)._settings) as runner:
            await runner.generate(VideoRequest("A heron"), "auto")

    with pytest.raises(MissingKey) as raised:
        asyncio.run(work())

    assert exit_status(raised.value) == 2
    assert "KIE_API_KEY" in str(raised.value)
    assert "RUNCOMFY_TOKEN" in str(raised.value)


# -- the table of turns ----------------------------------------------------------------------------


def no_credit(world: Several, name: str) -> None:
    world.fault_at(name, "no_credit")


def refused_key(world: Several, name: str) -> None:
    world.refuse_key_at(name)


def long_wait(world: Several, name: str) -> None:
    world.fault_at(name, "rate_limit", retry_after=61)


def many_waits(world: Several, name: str) -> None:
    world.fault_at(name, "rate_limit", times=1000)


def cut_off(world: Several, name: str) -> None:
    world.cut(name)


@pytest.mark.parametrize("cause", [no_credit, refused_key, long_wait, many_waits, cut_off])
@pytest.mark.parametrize("first", PROVIDERS)
def test_the_next_has_a_go_where_certainly_nothing_was_taken(
    of, first: str, cause: Callable[[Several, str], None]
) -> None:
    world = of(f"{first},{after(first)}")
    cause(world, first)
    before = world.clock()

    video = world.auto()

    assert video.provider == after(first)
    assert world.payments == {after(first): 1}
    task = world.task()
    assert (task.provider, task.state) == (after(first), "stored")
    assert [each.provider for each in task.passed] == [first]
    assert "Going on to" in world.said
    assert world.clock() - before < 60 + 90  # The video itself takes about a minute.


@pytest.mark.parametrize("fault", sorted(PERHAPS_TAKEN))
@pytest.mark.parametrize("first", ["runcomfy", "cometapi"])
def test_never_after_an_answer_was_lost(of, first: str, fault: FaultName) -> None:
    world = of(f"{first},{after(first)}")
    world.fault_at(first, fault)

    with suppress(OutcomeUnknown):  # Some can be asked what became of it.
        assert world.auto().provider == first

    assert set(world.payments) <= {first}
    assert world.task().provider == first


@pytest.mark.parametrize("first", PROVIDERS)
def test_never_after_acceptance(of, first: str) -> None:
    world = of(f"{first},{after(first)}")
    world.fault_at(first, "failed_task")

    assert isinstance(error_of(world), TaskFailed)
    assert world.payments == {first: 1}


@pytest.mark.parametrize("first", PROVIDERS)
def test_never_after_a_refusal_of_the_request(of, first: str) -> None:
    world = of(f"{first},{after(first)}")
    world.refuse_content_at(first)

    error = error_of(world)

    assert type(error) is Refused
    assert exit_status(error) == 3
    assert world.payments == {}
    assert world.task().provider == first


def test_a_short_wait_is_waited_for(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "rate_limit", retry_after=30)

    assert world.auto().provider == "kie"
    assert world.payments == {"kie": 1}


def test_the_only_one_is_waited_for_as_long_as_it_takes(of) -> None:
    world = of("kie")
    world.fault_at("kie", "rate_limit", retry_after=300)

    assert world.auto().provider == "kie"


def test_where_all_refuse_each_ones_reason_is_told(of) -> None:
    world = of("kie,apikley,cometapi,runcomfy")
    world.fault_at("kie", "no_credit")
    world.refuse_key_at("apikley")
    world.fault_at("cometapi", "rate_limit", retry_after=600)
    world.cut("runcomfy")

    error = error_of(world)

    assert isinstance(error, Refused)
    assert exit_status(error) == 3
    for words in (
        "kie.ai has too little",
        "Apikley does not accept",
        "CometAPI",
        "RunComfy cannot",
    ):
        assert words in str(error)
    assert str(error).endswith("Nothing was paid.")
    assert world.payments == {}
    assert world.task().state == "refused"


def test_what_helps_where_all_refuse_is_about_the_one_asked_last(of) -> None:
    world = of("kie,cometapi")
    for name in ("kie", "cometapi"):
        world.fault_at(name, "no_credit")

    error = error_of(world)

    assert (error.provider, world.task().provider) == ("cometapi", "cometapi")
    assert error.remedy == Remedy("top_up", page=world.registry["cometapi"].key_page)


def test_who_was_passed_over_is_told_with_the_last_refusal(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "no_credit")
    world.refuse_content_at("runcomfy")

    error = error_of(world)

    assert str(error).startswith("RunComfy refused the request: The prompt is not allowed")
    assert "Passed over before: The account at kie.ai has too little credit" in str(error)


def test_at_the_time_out_nobody_else_is_asked(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "rate_limit", times=1000)

    error = error_of(world, timeout=20)

    assert isinstance(error, TryLater)
    assert world.payments == {}


# -- the same request again ------------------------------------------------------------------------


def test_what_any_provider_has_made_is_given(of) -> None:
    world = of()
    made = world.auto("runcomfy")

    again = world.auto()

    assert (again.task, again.reused) == (made.task, True)
    assert world.payments == {"runcomfy": 1}


def test_what_auto_has_made_is_given_to_who_names_its_provider(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "no_credit")
    made = world.auto()

    assert world.auto("runcomfy").task == made.task
    assert world.payments == {"runcomfy": 1}
    assert world.auto("kie").task != made.task


@pytest.mark.parametrize("fault", [None, "reset_after_accept"])
def test_who_is_left_out_may_have_made_it_all_the_same(of, fault: FaultName | None) -> None:
    """Whom to ask is one thing, and what is paid for already another."""
    world = of()
    if fault is not None:
        world.fault_at("runcomfy", fault)
    with suppress(OutcomeUnknown):
        world.auto("runcomfy")
    world.prefer = "kie"

    with suppress(OutcomeUnknown):
        assert world.auto().reused

    assert world.payments == {"runcomfy": 1}


def test_one_that_is_unknown_is_not_made_by_another(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "reset_after_accept")
    error_of(world)

    assert isinstance(error_of(world), OutcomeUnknown)
    assert world.payments == {"kie": 1}


def test_two_at_once_pay_once(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "no_credit")

    async def work() -> list[str]:
        async with world.runner(alive=True) as one, world.runner(alive=True) as other:
            videos = await asyncio.gather(world.ask(one), world.ask(other), world.ask(one))
        return [video.task for video in videos]

    assert len(set(world.run(work()))) == 1
    assert world.payments == {"runcomfy": 1}


def test_who_prefers_others_joins_it_too(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "rate_limit", times=8)

    async def work() -> None:
        async with world.runner(alive=True) as one:
            first = asyncio.create_task(world.ask(one))
            await asyncio.sleep(5)
            world.prefer = "runcomfy,kie"
            async with world.runner(alive=True) as other:
                await asyncio.gather(first, world.ask(other))

    world.run(work())

    assert sum(world.payments.values()) == 1


def test_who_named_the_first_provider_does_not_get_the_video_of_the_next(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "rate_limit", retry_after=50)
    world.fault_at("kie", "no_credit")

    async def work() -> list[str]:
        async with world.runner(alive=True) as one, world.runner(alive=True) as other:
            first = asyncio.create_task(world.ask(one))
            await asyncio.sleep(5)
            named, joined = asyncio.create_task(world.ask(other, "kie")), world.ask(one, "kie")
            return [video.provider for video in await asyncio.gather(first, named, joined)]

    assert world.run(work()) == ["runcomfy", "kie", "kie"]
    assert world.payments == {"runcomfy": 1, "kie": 1}


def test_turning_to_who_makes_it_already_joins_that(of, tmp_path: Path) -> None:
    """The same video was asked of the next provider meanwhile."""
    world = of("kie,runcomfy")
    world.fault_at("kie", "rate_limit", retry_after=50)
    world.fault_at("kie", "no_credit")
    output = tmp_path / "heron.mp4"

    async def work() -> list[str]:
        async with world.runner(alive=True) as one, world.runner(alive=True) as other:
            first = asyncio.create_task(world.ask(one, output=output))
            await asyncio.sleep(5)
            second = asyncio.create_task(world.ask(other, "runcomfy"))
            return [video.task for video in await asyncio.gather(first, second)]

    auto, named = world.run(work())

    assert auto == named
    assert output.is_file()
    assert world.payments == {"runcomfy": 1}
    assert sorted(task.state for task in world.tasks()) == ["cancelled", "stored"]


# -- interrupted -----------------------------------------------------------------------------------


def left(world: Several, stop: Callable[[httpx.Request], bool]) -> Task:
    """The task that a process has left which ended just before a request."""

    class Killed(BaseException):
        pass

    class Killing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if stop(request):
                raise Killed
            return await inner.handle_async_request(request)

    inner = world.transport()

    async def work() -> None:
        runner = world.runner(sandbox=lambda _: Killing())
        await world.ask(runner)

    with pytest.raises(Killed):
        world.run(work())
    return world.task()


async def resumed(runner: Runner) -> list[Outcome]:
    return [outcome async for outcome in runner.resume()]


def test_one_that_was_killed_on_the_way_to_the_next_goes_on_there(of) -> None:
    world = of("kie,runcomfy")
    world.fault_at("kie", "no_credit")
    task = left(world, lambda request: request.method == "POST" and "runcomfy" in request.url.host)
    assert (task.state, task.provider) == ("submitting", "runcomfy")

    async def work() -> list[Outcome]:
        async with world.runner() as runner:
            return await resumed(runner)

    (outcome,) = world.run(work())

    assert outcome.video is not None or isinstance(outcome.error, NotDelivered)
    assert set(world.payments) <= {"runcomfy"}
    assert sum(world.payments.values()) <= 1


def test_a_task_that_was_left_unsent_goes_on_to_the_next(of) -> None:
    world = of("kie,runcomfy")

    async def begin() -> None:
        async with world.runner() as runner:
            call = asyncio.create_task(world.ask(runner))
            await asyncio.sleep(5)
            call.cancel()

    world.fault_at("kie", "rate_limit", retry_after=50)
    world.run(begin())
    assert world.task().standing == "unsent"
    world.fault_at("kie", "no_credit")

    async def work() -> list[Outcome]:
        async with world.runner() as runner:
            return await resumed(runner)

    (outcome,) = world.run(work())

    assert outcome.task.provider == "runcomfy"
    assert outcome.task.state == "stored"
    assert world.payments == {"runcomfy": 1}
