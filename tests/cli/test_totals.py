"""Which tasks are listed, what they come to, and how they look on a terminal."""

import time
from typing import Any

import pytest
from kling26.cli import console
from kling26.cli.listings import task_list
from kling26.cli.tables import paragraph
from kling26.cli.totals import Wanted, total_text
from kling26.core import Task, Ticket
from kling26.core.plugins import load_providers
from rich.cells import cell_len

from .test_texts import PROVIDERS, task

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
    made, failed = task("submitted"), task("failed", ticket=Ticket("task_1"))
    assert total_text([made, failed], 2, PROVIDERS) == (
        "2 tasks: 1 submitted and 1 failed; the cost of 2 is not known yet."
    )
    assert total_text([TASKS[0], failed, task("failed")], 3, PROVIDERS) == (
        "3 tasks: 1 stored and 2 failed; spent 55 credits and an unknown sum on 1 "
        "(at least 0.275 USD)."
    )


def test_what_was_spent_is_summed_in_usd_where_that_is_known() -> None:
    def spent(*tasks: Task) -> str:
        return total_text(tasks, len(tasks), PROVIDERS).partition("spent ")[2]

    credits = task("stored", cost=110.0, cost_unit="credits", provider="apikley")
    assert spent(TASKS[0], TASKS[1]) == "165 credits (0.825 USD)."
    assert spent(TASKS[0], TASKS[3]) == "55 credits and 0.10 USD (0.375 USD)."
    assert spent(TASKS[3], TASKS[4]) == "0.30 USD."
    assert spent(credits) == "110 credits."
    assert spent(TASKS[0], credits) == "165 credits (at least 0.275 USD)."


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
    lines = task_list(rows, PROVIDERS).splitlines()

    assert all(len(line) <= columns for line in lines)
    assert sum(line.count(name) for line in lines) >= 6
    assert sum(line.count("k26-") for line in lines) == sum(line.count(name) for line in lines)


def test_letters_that_take_two_columns_fit_on_a_terminal(screen: Any) -> None:
    screen(40)
    lines = task_list([task("stored", prompt="狐" * 40, file="/狐/" + "狸" * 12)], PROVIDERS)

    assert "…" in lines
    assert all(cell_len(line) <= 40 for line in lines.splitlines())


def test_a_narrow_terminal_gets_no_table(screen: Any) -> None:
    screen(34)
    lines = task_list([task("stored", cost=55.0, created=time.time())], PROVIDERS).splitlines()

    assert lines[:3] == ["TASK", "k26-1", "    0 s, kie, stored, 0.275 USD"]


def test_another_program_gets_a_line_for_each_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", lambda: None)
    text = "word " * 100

    assert paragraph(text, "    ") == ["    " + text]
