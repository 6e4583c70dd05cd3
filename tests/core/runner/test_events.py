"""What plug-ins are told of tasks, and may forbid before one is paid for."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from kling26.cli.exits import exit_status
from kling26.core import Price, Provider, Task, VideoRequest, hookimpl
from kling26.core import events as module
from kling26.core.errors import (
    KeyRejected,
    OptionRefused,
    OutcomeUnknown,
    PaymentForbidden,
    TaskFailed,
)
from kling26.core.events import Events
from kling26.testing.clock import run

from .several import WithPlugins, events, several


class Ledger:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.prices: list[Price] = []

    @hookimpl
    def kling26_before_paying(
        self, request: VideoRequest, provider: Provider, price: Price
    ) -> None:
        self.told.append(f"before {request.prompt} at {provider.name}")
        self.prices.append(price)

    @hookimpl
    def kling26_submitted(self, task: Task) -> None:
        assert task.task_id
        self.told.append(f"submitted to {task.provider}")

    @hookimpl
    def kling26_ended(self, task: Task) -> None:
        self.told.append(task.state)


class Guard:
    """Answers as it is made to before anything is paid for."""

    def __init__(self, answer: Callable[[], object]) -> None:
        self.answer = answer

    @hookimpl
    def kling26_before_paying(self) -> object:
        return self.answer()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WithPlugins]:
    made = several(tmp_path / "home", "kie,runcomfy", kind=WithPlugins)
    yield made
    made.close()


# -- what is told ----------------------------------------------------------------------------------


def test_a_video_is_told_of_from_before_its_payment_to_its_end(world: WithPlugins) -> None:
    ledger = Ledger()
    world.plugins = (ledger,)

    world.auto("kie", prompt="A heron")

    assert ledger.told == ["before A heron at kie", "submitted to kie", "stored"]
    assert ledger.prices[0].usd == 0.275
    assert ledger.prices[0].source == "list"


def test_a_video_that_is_given_again_is_not_told_of(world: WithPlugins) -> None:
    ledger = Ledger()
    world.plugins = (ledger,)
    world.auto("kie")
    ledger.told.clear()

    world.auto("kie").file.unlink()
    world.auto("kie")

    assert ledger.told == []


def test_every_provider_that_gets_a_task_is_asked_about(world: WithPlugins) -> None:
    ledger = Ledger()
    world.plugins = (ledger,)
    world.fault_at("kie", "no_credit")

    world.auto(prompt="A heron")

    assert ledger.told == [
        "before A heron at kie",
        "before A heron at runcomfy",
        "submitted to runcomfy",
        "stored",
    ]


def test_an_end_without_a_video_is_told_too(world: WithPlugins) -> None:
    ledger = Ledger()
    world.plugins = (ledger,)

    world.refuse_key_at("kie")
    with pytest.raises(KeyRejected):
        world.auto("kie", prompt="A refused heron")
    world.fault_at("runcomfy", "failed_task")
    with pytest.raises(TaskFailed):
        world.auto("runcomfy", prompt="A failed heron")
    world.fault_at("runcomfy", "reset_after_accept")
    with pytest.raises(OutcomeUnknown):
        world.auto("runcomfy", prompt="A lost heron")

    ends = [each for each in ledger.told if not each.startswith(("before", "submitted"))]
    assert ends == ["refused", "failed", "unknown"]


def test_a_cancelled_task_is_told_of(world: WithPlugins) -> None:
    ledger = Ledger()
    world.plugins = (ledger,)

    async def work() -> None:
        async with world.runner() as runner:
            call = asyncio.create_task(world.ask(runner, "runcomfy"))
            await asyncio.sleep(5)
            await runner.cancel((await runner.tasks())[0].id)
            await asyncio.wait([call])

    world.run(work())

    assert ledger.told[-1] == "cancelled"
    assert ledger.told.count("cancelled") == 1


# -- what is forbidden -----------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["Not on Sundays", "Not on Sundays."])
def test_a_sentence_forbids_the_payment(world: WithPlugins, said: str) -> None:
    world.plugins = (Guard(lambda: said), ledger := Ledger())

    with pytest.raises(PaymentForbidden) as raised:
        world.auto("kie")

    assert str(raised.value) == (
        'The plug-in "plugin-0" forbids this: Not on Sundays. Nothing was paid.'
    )
    assert exit_status(raised.value) == 2
    assert world.payments == {}
    assert ledger.told[-1] == "refused"


def test_so_does_an_error_of_ours(world: WithPlugins) -> None:
    def refuse() -> object:
        raise OptionRefused("Only five seconds", option="duration")

    world.plugins = (Guard(refuse),)

    with pytest.raises(PaymentForbidden, match="Only five seconds"):
        world.auto("kie")


def test_nothing_is_uploaded_before_it_is_allowed(world: WithPlugins, picture: Path) -> None:
    world.plugins = (Guard(lambda: "No"),)

    with pytest.raises(PaymentForbidden):
        world.auto("kie", image=picture)

    assert world.companies["kie"].emulator.requests == []


def test_what_is_forbidden_at_one_provider_is_not_tried_at_the_next(world: WithPlugins) -> None:
    world.plugins = (Guard(lambda: "No"),)

    with pytest.raises(PaymentForbidden):
        world.auto()

    assert [task.provider for task in world.tasks()] == ["kie"]


def test_a_task_that_may_be_paid_for_is_not_called_refused_by_it(world: WithPlugins) -> None:
    world.fault_at("runcomfy", "reset_after_accept")
    with pytest.raises(OutcomeUnknown):
        world.auto("runcomfy")
    world.plugins = (Guard(lambda: "No"),)

    async def work() -> object:
        async with world.runner() as runner:
            return (await runner.resubmit(world.task().id)).error

    error = world.run(work())

    assert isinstance(error, OutcomeUnknown)
    assert 'The plug-in "plugin-0" forbids this: No.' in str(error)
    assert world.task().state == "unknown"
    assert world.payments == {"runcomfy": 1}


# -- what fails ------------------------------------------------------------------------------------


def boom() -> object:
    raise RuntimeError("no such table")


def leave() -> object:
    raise SystemExit(3)


@pytest.mark.parametrize("answer", [boom, leave, lambda: True, lambda: 3, lambda: "  "])
def test_a_plug_in_that_fails_costs_nobody_anything(
    world: WithPlugins, answer: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    world.plugins = (Guard(answer), ledger := Ledger())

    world.auto("kie", prompt="A heron")

    assert ledger.told == ["before A heron at kie", "submitted to kie", "stored"]
    if answer in (boom, leave):
        assert 'The plug-in "plugin-0" failed: ' in caplog.text


class Failing:
    @hookimpl
    def kling26_submitted(self) -> None:
        raise KeyError("ledger")

    @hookimpl
    def kling26_ended(self) -> None:
        raise OptionRefused("no", option="x")


def test_one_that_fails_afterwards_neither(
    world: WithPlugins, caplog: pytest.LogCaptureFixture
) -> None:
    world.plugins = (Failing(), ledger := Ledger())

    world.auto("kie")

    assert ledger.told[-2:] == ["submitted to kie", "stored"]
    assert caplog.text.count('The plug-in "plugin-0" failed: ') == 2


def test_one_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    hung = Guard(lambda: time.sleep(0.2))
    caplog.set_level(logging.WARNING)

    asyncio.run(
        events(hung).before_paying(VideoRequest("A heron"), None, Price())  # type: ignore[arg-type]
    )

    assert 'The plug-in "plugin-0" takes too long, and is not waited for.' in caplog.text


def test_without_plug_ins_nothing_happens() -> None:
    run(Events().ended(None))


# -- wrappers --------------------------------------------------------------------------------------


class Around:
    """Wraps what the others say before a payment, and does to it as it is made to."""

    def __init__(self, change: Callable[[list[object]], object]) -> None:
        self.change = change

    @hookimpl(wrapper=True)
    def kling26_before_paying(self) -> Generator[None, list[object], object]:
        said = yield
        return self.change(said)


def fail(_: object) -> object:
    raise RuntimeError("no such table")


@pytest.mark.parametrize("change", [lambda said: [], lambda said: None, fail, lambda said: "Fine."])
def test_a_wrapper_cannot_take_back_what_another_plug_in_forbids(
    world: WithPlugins, change: Callable[[list[object]], object], caplog: pytest.LogCaptureFixture
) -> None:
    world.plugins = (Guard(lambda: "Not on Sundays"), Around(change))

    with pytest.raises(PaymentForbidden, match='"plugin-0" forbids this: Not on Sundays'):
        world.auto("kie")

    assert world.payments == {}
    assert '"plugin-1"' in caplog.text


def test_a_wrapper_may_forbid_a_payment_itself(world: WithPlugins) -> None:
    world.plugins = (Around(lambda said: [*said, "Not on Mondays"]),)

    with pytest.raises(PaymentForbidden, match='"plugin-0" forbids this: Not on Mondays'):
        world.auto("kie")


def test_so_it_may_by_an_error_of_ours(world: WithPlugins) -> None:
    def refuse(_: object) -> object:
        raise OptionRefused("Only five seconds", option="duration")

    world.plugins = (Ledger(), Around(refuse))

    with pytest.raises(PaymentForbidden, match='"plugin-1" forbids this: Only five seconds'):
        world.auto("kie")


def test_a_wrapper_sees_what_the_others_say_by_an_error_too(world: WithPlugins) -> None:
    seen: list[object] = []

    def refuse() -> object:
        raise OptionRefused("Only five seconds", option="duration")

    def look(said: list[object]) -> object:
        seen.extend(said)
        return said

    world.plugins = (Guard(refuse), Around(look))
    with pytest.raises(PaymentForbidden, match='"plugin-0"'):
        world.auto("kie")

    assert seen == ["Only five seconds"]


def test_a_guard_cannot_change_the_provider_that_is_paid(world: WithPlugins) -> None:
    class Thief:
        @hookimpl
        def kling26_before_paying(self, provider: Provider) -> None:
            provider.base_url = "https://thief.example"

    world.plugins = (Thief(),)

    world.auto("kie")

    assert world.payments == {"kie": 1}


def test_who_asks_to_be_first_is_asked_first(world: WithPlugins) -> None:
    class First(Guard):
        @hookimpl(tryfirst=True)
        def kling26_before_paying(self) -> object:
            return self.answer()

    world.plugins = (First(lambda: "First"), Guard(lambda: "Second"))

    with pytest.raises(PaymentForbidden, match='"plugin-0" forbids this: First'):
        world.auto("kie")


def test_one_that_always_hangs_keeps_nobody_else_from_being_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when it has hung more often than there are threads for it."""
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    release = threading.Event()
    both = events(Guard(release.wait), Guard(lambda: "No"))

    async def ask() -> None:
        for _ in range(20):
            with pytest.raises(PaymentForbidden, match='"plugin-1" forbids this: No'):
                await both.before_paying(VideoRequest("A heron"), None, Price())  # type: ignore[arg-type]

    asyncio.run(ask())
    release.set()
