"""The budget where videos are made: what is refused unsent, and what is never held up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import asdict, evolve
from kling26.cli.exits import exit_status
from kling26.core.errors import (
    BudgetExceeded,
    Kling26Error,
    OutcomeUnknown,
    Refused,
    SettingsError,
    StillRunning,
    TaskFailed,
)
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Task, fingerprint
from kling26.core.provider import Provider
from kling26.core.request import VideoRequest
from kling26.core.runner.results import Outcome, Video
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings
from kling26.providers.kie import Kie

from ..conftest import Stage, built_in
from ..journal.test_worker import draft

COST, IN_DAY, IN_HOUR = (
    "KLING26_MAX_COST_PER_DAY", "KLING26_MAX_TASKS_PER_DAY", "KLING26_MAX_TASKS_PER_HOUR"
)  # fmt: skip
#: Where the provider is: what is sent to this machine counts as if it were paid for.
HERE = "http://127.0.0.1:8026"
WRONG = {COST: "ten"}


class Shop(Stage):
    """A stage on which videos are paid for, by users who have set some variables."""

    def paying(self, environ: dict[str, str], journal: Journal | None = None) -> Runner:
        settings = Settings({"KLING26_HOME": str(self.home), "KIE_API_KEY": "a-key", **environ})
        staged = super().runner(journal=journal)
        staged.journal.budget = lambda: settings.budget
        return Runner(settings, staged.registry, self.transport(), journal=staged.journal)

    def buy(self, prompt: str = "A heron", timeout: float = 3600.0, **environ: str) -> Video:
        async def work() -> Video:
            async with self.paying(environ) as runner:
                return await runner.generate(
                    VideoRequest(prompt), "kie", timeout=timeout, progress=self.progress.append
                )

        return self.run(work())

    def resume(self, **environ: str) -> list[Outcome]:
        async def work() -> list[Outcome]:
            async with self.paying(environ) as runner:
                return [outcome async for outcome in runner.resume()]

        return self.run(work())

    def refused(self, prompt: str = "A heron", **environ: str) -> str:
        """What is said instead of buying a video: nothing has been sent or recorded."""
        seen, rows = len(self.emulator.requests), self.tasks()
        with pytest.raises((BudgetExceeded, SettingsError)) as error:
            self.buy(prompt, **environ)
        assert exit_status(error.value) == 2
        assert (len(self.emulator.requests), self.tasks()) == (seen, rows)
        return str(error.value)

    def lose(self, prompt: str = "A heron") -> Task:
        """An unknown task."""
        self.fault("reset_after_accept")
        with pytest.raises(OutcomeUnknown):
            self.buy(prompt)
        return self.tasks()[-1]

    def leave(self, prompt: str = "An old heron", days: float = 2.0) -> Task:
        """A task that was recorded so many days ago, and never sent."""
        moment = self.clock() - days * 86400.0
        options = self.provider.Options()
        print_of_it = fingerprint("kie", "loopback", VideoRequest(prompt), options)
        recorded = evolve(
            draft(prompt), realm="loopback", fingerprint=print_of_it, options=asdict(options)
        )
        journal = Journal(self.home / "journal.sqlite3", self.home, lambda: moment)
        self._journals.append(journal)

        async def work() -> Task:
            task, _ = await journal.claim(recorded, None)
            await journal.release()
            return await journal.get(task.id)

        return self.run(work())


def open_shop(folder: Path, provider: Provider) -> Shop:
    here = provider.at({"base_url": HERE, "upload_url": HERE})
    return Shop(folder / "home", here, built_in("kie")[1])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, Kie()) as shop:
        yield shop


# -- what is refused -----------------------------------------------------------------------------


def test_one_more_than_is_allowed_is_refused_in_a_sentence_that_names_the_variable(
    shop: Shop,
) -> None:
    shop.buy("A heron", **{IN_HOUR: "1"})

    assert shop.refused("A fox", **{IN_HOUR: "1"}) == (
        "The budget is used up: KLING26_MAX_TASKS_PER_HOUR allows 1 task in 60 min, and there was "
        "1. The next one is possible in about 59 min."
    )


def test_or_the_file_and_its_name(shop: Shop) -> None:
    shop.buy("A heron")
    config = shop.home / "config.toml"
    config.write_text("max_cost_per_day = 0.5\n", "utf-8")

    said = shop.refused("A fox")

    assert f'"max_cost_per_day" in {config} allows 0.50 USD in 24 hours' in said
    assert "which costs 0.275 USD" in said
    assert "0.275 USD has been spent or set aside. It is possible in about 24 hours." in said


def test_the_file_is_raised_and_the_next_one_is_made(shop: Shop) -> None:
    shop.home.mkdir()
    (shop.home / "config.toml").write_text("max_tasks_per_day = 0\n", "utf-8")
    shop.refused("A heron")
    (shop.home / "config.toml").write_text("max_tasks_per_day = 1\n", "utf-8")

    assert shop.buy("A heron").file.exists()


@pytest.mark.parametrize("limit", [COST, IN_DAY, IN_HOUR])
def test_0_means_that_nothing_may_be_paid_for(shop: Shop, limit: str) -> None:
    assert shop.refused(**{limit: "0"}).endswith(f": {limit} is 0.")


@pytest.mark.parametrize("limit", [COST, IN_DAY, IN_HOUR])
def test_a_wrong_limit_is_said_before_anything_is_sent(shop: Shop, limit: str) -> None:
    assert shop.refused(**{limit: "ten"}).startswith(f"{limit} must be ")


def test_what_failed_counts_and_what_was_refused_does_not(shop: Shop) -> None:
    shop.fault("no_credit")
    with pytest.raises(Refused):
        shop.buy("A heron", **{IN_DAY: "1"})
    shop.fault("failed_task")
    with pytest.raises(TaskFailed):
        shop.buy("A fox", **{IN_DAY: "1"})

    assert "and there was 1." in shop.refused("An owl", **{IN_DAY: "1"})


class Unpriced(Kie):
    """kie.ai, if only its charges told what a video costs."""

    usd_per_unit = 0.005

    def price(self, request: VideoRequest, options: object) -> float | None:
        return None


def test_that_a_cost_cannot_be_limited_is_said_once_until_a_price_is_known(tmp_path: Path) -> None:
    with open_shop(tmp_path, Unpriced()) as shop:
        shop.buy("A heron", **{COST: "1"})
        first = [each.message for each in shop.progress if each.phase == "note"]
        shop.buy("A fox", **{COST: "1"})
        said = [each.message for each in shop.progress if each.phase == "note"]

    (words,) = said
    assert words == (
        "Neither the price of this video nor that of one before it is known, so "
        "KLING26_MAX_COST_PER_DAY cannot hold: only the number of tasks can be limited."
    )
    assert said == first


# -- what is never held up -----------------------------------------------------------------------

CLOSED = pytest.mark.parametrize("environ", [{IN_DAY: "0"}, WRONG], ids=["used up", "wrong"])


@CLOSED
def test_a_stored_video_is_given_again(shop: Shop, environ: dict[str, str]) -> None:
    shop.buy("A heron")

    again = shop.buy("A heron", **environ)

    assert again.reused
    assert shop.paid == 1


@CLOSED
def test_what_is_being_made_is_joined_and_resumed(shop: Shop, environ: dict[str, str]) -> None:
    for prompt in ("A heron", "A fox"):
        with pytest.raises(StillRunning):
            shop.buy(prompt, timeout=30.0)

    assert shop.buy("A heron", **environ).file.exists()
    (outcome,) = shop.resume(**environ)

    assert outcome.error is None
    assert outcome.video
    assert shop.paid == 2


@CLOSED
def test_a_task_that_the_user_has_found_is_adopted(shop: Shop, environ: dict[str, str]) -> None:
    task = shop.lose()

    async def work() -> Outcome:
        async with shop.paying(environ) as runner:
            return await runner.adopt(task.id, shop.emulator.accepted[0].id)

    assert shop.run(work()).video


def test_rehearsals_are_not_counted_and_go_on_when_the_budget_is_used_up(shop: Shop) -> None:
    shop.generate("A rehearsal")
    shop.buy("A heron", **{IN_DAY: "1"})

    async def rehearse() -> Video:
        async with shop.runner() as runner:
            runner.journal.budget = lambda: Settings({IN_DAY: "0", COST: "0"}).budget
            return await shop.make(runner, "Another rehearsal")

    assert shop.run(rehearse()).sandbox


# -- what is still to be sent --------------------------------------------------------------------


def test_an_older_task_waits_for_the_budget_and_is_sent_later(shop: Shop) -> None:
    left = shop.leave()
    shop.buy("A fox", **{IN_DAY: "1"})

    (held,) = shop.resume(**{IN_DAY: "1"})

    assert isinstance(held.error, BudgetExceeded)
    assert str(held.error).endswith("possible in about 24 hours. Nothing was paid.")
    assert exit_status(held.error) == 2
    assert (held.task.standing, shop.paid) == ("unsent", 1)
    assert not any((shop.home / "receipts").iterdir())

    (sent,) = shop.resume(**{IN_DAY: "2"})

    assert sent.task.id == left.id
    assert sent.video
    assert shop.paid == 2


def test_a_wrong_limit_leaves_it_to_be_sent_another_time(shop: Shop) -> None:
    shop.leave()

    (held,) = shop.resume(**WRONG)

    assert isinstance(held.error, SettingsError)
    assert exit_status(held.error) == 2
    assert (held.task.standing, shop.paid) == ("unsent", 0)
    (sent,) = shop.resume()
    assert sent.video


def test_of_many_that_are_resumed_at_once_as_many_are_sent_as_are_allowed(shop: Shop) -> None:
    for number in range(5):
        shop.leave(f"Heron {number}")

    outcomes = shop.resume(**{IN_DAY: "2"})

    held = [outcome for outcome in outcomes if isinstance(outcome.error, BudgetExceeded)]
    assert (len(held), shop.paid) == (3, 2)
    assert {outcome.task.standing for outcome in held} == {"unsent"}


# -- what is sent again --------------------------------------------------------------------------


async def resubmitted(shop: Shop, task: str, environ: dict[str, str]) -> Outcome:
    async with shop.paying(environ) as runner:
        return await runner.resubmit(task)


@CLOSED
def test_an_unknown_task_that_must_not_be_paid_for_again_stays_unknown(
    shop: Shop, environ: dict[str, str]
) -> None:
    task = shop.lose()

    with pytest.raises((BudgetExceeded, SettingsError)) as held:
        shop.run(resubmitted(shop, task.id, environ))

    assert exit_status(held.value) == 2
    assert (shop.task().state, shop.paid) == ("unknown", 1)


def test_one_that_is_paid_for_again_counts_twice(shop: Shop) -> None:
    task = shop.lose()

    outcome = shop.run(resubmitted(shop, task.id, {IN_DAY: "2"}))

    assert outcome.video
    assert "and there were 2." in shop.refused("A fox", **{IN_DAY: "2"})


@CLOSED
def test_one_that_is_held_up_after_it_was_reopened_is_unknown_again(
    shop: Shop, environ: dict[str, str]
) -> None:
    """The program was stopped in between; nobody may say that nothing was paid."""
    task = shop.lose()

    async def reopen() -> None:
        journal = shop.paying({}).journal
        taken = await journal.take_over(task)
        assert taken
        assert taken.owner
        assert await journal.reopen(taken.owner, lost=True)

    shop.run(reopen())
    (outcome,) = shop.resume(**environ)

    assert isinstance(outcome.error, OutcomeUnknown)
    assert "Nothing was paid" not in str(outcome.error)
    assert (outcome.task.state, shop.paid) == ("unknown", 1)


# -- before it is tried --------------------------------------------------------------------------


def preview(shop: Shop, prompt: str, environ: dict[str, str]) -> str:
    async def work() -> str:
        async with shop.paying(environ) as runner:
            return (await runner.preview(VideoRequest(prompt), "kie")).would

    return shop.run(work())


def test_a_preview_says_what_would_happen(shop: Shop) -> None:
    shop.buy("A heron")

    assert preview(shop, "A heron", {IN_DAY: "1"}) == "reuse"
    assert preview(shop, "A fox", {IN_DAY: "2"}) == "pay"
    with pytest.raises(Kling26Error, match="KLING26_MAX_TASKS_PER_DAY allows 1 task"):
        preview(shop, "A fox", {IN_DAY: "1"})


def test_what_was_left_unsent_is_not_counted_twice_by_a_preview(shop: Shop) -> None:
    shop.leave("A heron", days=0.1)

    assert preview(shop, "A heron", {IN_DAY: "1"}) == "pay"
    assert shop.buy("A heron", **{IN_DAY: "1"}).file.exists()
    assert shop.paid == 1
