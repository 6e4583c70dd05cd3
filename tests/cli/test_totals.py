"""Which tasks are listed, what they come to, and how they look on a terminal."""

import time
from typing import Any

import pytest
from attrs import evolve
from kling26.cli import console
from kling26.cli.listings import task_list
from kling26.cli.progress_texts import made_text
from kling26.cli.tables import paragraph
from kling26.cli.totals import Wanted, total_text
from kling26.core import Task, Ticket, Video
from kling26.core.plugins import load_providers
from rich.cells import cell_len

from .test_texts import PROVIDERS, made, task

REGISTRY = load_providers()

#: Two stored videos of kie.ai, one of CometAPI that is being made, and others.
TASKS = [
    task("stored", id="k26-a", cost=55.0, cost_unit="credits", created=100.0),
    task("stored", id="k26-b", cost=110.0, created=200.0),
    task("submitted", id="k26-c", provider="cometapi", created=300.0),
    task("stored", id="k26-d", cost=0.1, cost_unit="USD", created=400.0),
    task("stored", id="k26-e", cost=0.2, cost_unit="USD", provider="acme", created=500.0),
    task("refused", id="k26-f", created=600.0),
    task("stored", id="k26-g", cost=999.0, realm="sandbox", created=700.0),
    task("unknown", id="k26-h", realm="sandbox", created=800.0),
]


def test_what_was_spent_is_summed_by_unit_without_rehearsals() -> None:
    assert total_text(TASKS, 8, PROVIDERS) == (
        "6 tasks: 1 submitted, 4 stored and 1 refused; spent 165 credits, 0.30 USD and an unknown "
        "sum on 1 (at least 1.125 USD). 2 rehearsals, at no cost: 1 stored and 1 unknown."
    )


def test_a_limit_says_how_many_there_are() -> None:
    assert total_text(TASKS[5:6], 1, PROVIDERS) == "1 task: 1 refused."
    assert total_text(TASKS[5:7], 1, PROVIDERS) == (
        "Only the latest of 2 is listed. 1 task: 1 refused. 1 rehearsal, at no cost: 1 stored."
    )


def test_what_may_have_been_charged_is_no_known_sum() -> None:
    made, failed = task("submitted"), comet("failed")
    assert total_text([made, failed], 2, PROVIDERS) == (
        "2 tasks: 1 submitted and 1 failed; the cost of 2 is not known."
    )
    assert total_text([TASKS[0], failed, task("failed")], 3, PROVIDERS) == (
        "3 tasks: 1 stored and 2 failed; spent 55 credits and an unknown sum on 1 "
        "(at least 0.275 USD)."
    )


def spent(*tasks: Task) -> str:
    """What the totals say of the money."""
    return total_text(tasks, len(tasks), PROVIDERS).partition("; ")[2]


def comet(state: str = "stored", usd: float | None = 0.21) -> Task:
    """A task of a provider that never tells what one cost, but what it should."""
    return task(state, provider="cometapi", price_usd=usd, ticket=Ticket("4" * 32))


def test_a_cost_that_nobody_tells_is_about_the_price() -> None:
    runcomfy = task("stored", cost=0.35, cost_unit="USD", provider="runcomfy")

    assert spent(comet(), comet("submitted")) == "spent about 0.42 USD."
    assert spent(TASKS[1], runcomfy, comet()) == (
        "spent 110 credits, 0.35 USD and about 0.21 USD on 1 (in all about 1.11 USD)."
    )
    assert spent(runcomfy, comet()) == (
        "spent 0.35 USD and about 0.21 USD on 1 (in all about 0.56 USD)."
    )
    assert spent(TASKS[1], comet(), comet(usd=None)) == (
        "spent 110 credits, about 0.21 USD on 1 and an unknown sum on 1 "
        "(in all at least about 0.76 USD)."
    )
    assert spent(comet(), comet(usd=None)) == "spent about 0.21 USD on 1 and an unknown sum on 1."


def test_what_perhaps_cost_nothing_is_no_estimate() -> None:
    assert spent(comet("failed")) == "the cost of 1 is not known."
    assert spent(comet(), comet("unknown")) == (
        "spent about 0.21 USD on 1 and an unknown sum on 1."
    )


def test_a_failure_costs_nothing_where_that_is_documented() -> None:
    failed = task("failed", ticket=Ticket("task_1"), price_usd=0.275)

    assert total_text([failed], 1, PROVIDERS) == "1 task: 1 failed."
    assert spent(TASKS[0], failed) == "spent 55 credits (0.275 USD)."
    assert spent(evolve(failed, provider="acme")) == "the cost of 1 is not known."


def test_a_cost_is_awaited_only_where_it_may_still_be_told() -> None:
    late = task("stored", provider="runcomfy")

    assert spent(late, comet("submitted", None)) == "the cost of 2 is not known yet."
    assert spent(late, comet(usd=None)) == "the cost of 2 is not known."
    assert spent(task("stored", provider="acme")) == "the cost of 1 is not known."


def test_the_column_has_the_estimate_of_what_is_paid() -> None:
    def column(row: Task) -> str:
        return task_list([row], REGISTRY).splitlines()[1].partition(row.state)[2].strip()

    assert column(comet()) == "about 0.21 USD"
    assert column(comet("failed")) == column(comet(usd=None)) == ""
    assert column(evolve(comet(), realm="sandbox")) == ""
    assert column(evolve(comet(), cost=0.2, cost_unit="USD")) == "0.20 USD"


def test_a_cost_that_nobody_told_is_about_the_price() -> None:
    comet, provider = made(cost=None, cost_unit=None, provider="cometapi"), PROVIDERS["cometapi"]
    known = made(cost=0.2, cost_unit="USD", provider="cometapi")

    def said(video: Video) -> str:
        return made_text(video, provider, 72.4, likely=0.21)

    assert said(comet) == "Made by CometAPI in 1:12 for about 0.21 USD (k26-1)."
    assert said(known) == "Made by CometAPI in 1:12 for 0.20 USD (k26-1)."
    assert said(evolve(comet, sandbox=True)) == (
        "Rehearsed with CometAPI's emulator in 1:12 (k26-1)."
    )


def test_what_was_spent_is_summed_in_usd_where_that_is_known() -> None:
    credits = task("stored", cost=110.0, cost_unit="credits", provider="apikley")
    assert spent(TASKS[0], TASKS[1]) == "spent 165 credits (0.825 USD)."
    assert spent(TASKS[0], TASKS[3]) == "spent 55 credits and 0.10 USD (0.375 USD)."
    assert spent(TASKS[3], TASKS[4]) == "spent 0.30 USD."
    assert spent(credits) == "spent 110 credits."
    assert spent(TASKS[0], credits) == "spent 165 credits (at least 0.275 USD)."


def test_tasks_are_chosen_by_provider_and_age() -> None:
    def chosen(**wanted: Any) -> list[str]:
        found = Wanted(**wanted).among(TASKS, load_providers())
        return [each.id for each in found]

    assert chosen(provider="cometapi") == ["k26-c"]
    assert chosen(provider="acme") == ["k26-e"]  # Though its plug-in is gone.
    assert chosen(youngest=600.0) == ["k26-f", "k26-g", "k26-h"]
    assert chosen(provider="runcomfy") == []


@pytest.fixture
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    return user_of(tmp_path_factory.mktemp("user"))


def test_the_filters_of_the_command(user: Any) -> None:
    line = ("--sandbox", "--timeout", "0.1", "--json")
    fox = user.call("generate", "A fox", *line).object["task"]
    owl = user.call("generate", "An owl", "--provider", "runcomfy", *line).object["task"]

    def listed(*filters: str) -> list[str]:
        return [each["task"] for each in user.call("tasks", *filters, "--json").objects]

    assert listed() == [fox, owl]
    assert listed("--provider", "kie") == listed(fox[:9]) == [fox]
    assert listed("--limit", "1") == [owl]
    assert listed("--since", "1h", "--open") == [fox, owl]
    assert listed("--since", "0s") == []
    assert user.call("tasks", "--since", "0s").said == "No task matches."
    last = user.call("tasks", "--limit", "1").out.splitlines()[-1]
    assert last == "Only the latest of 2 is listed. 2 rehearsals, at no cost: 2 submitted."


# -- on a terminal -------------------------------------------------------------------------------


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A terminal of some width."""

    def resize(columns: int) -> None:
        monkeypatch.setattr(console, "width", lambda: columns)

    return resize


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_ids_and_commands_are_whole_on_a_terminal(screen: Any, columns: int) -> None:
    name = "k26-0123456789abcdef"
    video = f"/home/me/.local/share/kling26/videos/{name}.mp4"
    screen(columns)
    rows = [
        task("submitted", id=name, ticket=Ticket("4" * 32), created=time.time(), realm="loopback"),
        task("unknown", id=name, error="No answer came.", cost=55.0),
        task("stored", id=name, file=video),
    ]
    lines = task_list(rows, REGISTRY).splitlines()

    assert all(len(line) <= columns for line in lines)
    assert sum(line.count(name) for line in lines) >= 6
    assert sum(line.count("k26-") for line in lines) == sum(line.count(name) for line in lines)


def test_letters_that_take_two_columns_fit_on_a_terminal(screen: Any) -> None:
    screen(40)
    lines = task_list([task("stored", prompt="狐" * 40, file="/狐/" + "狸" * 12)], REGISTRY)

    assert "…" in lines
    assert all(cell_len(line) <= 40 for line in lines.splitlines())


def test_a_narrow_terminal_gets_no_table(screen: Any) -> None:
    screen(34)
    lines = task_list([task("stored", cost=55.0, created=time.time())], REGISTRY).splitlines()

    assert lines[:3] == ["TASK", "k26-1", "    0 s, kie, stored, 0.275 USD"]


def test_another_program_gets_a_line_for_each_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", lambda: None)
    text = "word " * 100

    assert paragraph(text, "    ") == ["    " + text]
