"""The journal from the command line: listing, resuming, submitting again, cancelling."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

#: A journal with a stored task of kie.ai, one of a plug-in that is gone, and one under way.
SCHEMA_1 = (Path(__file__).parents[1] / "core" / "journal" / "schema_1.sql").read_text("utf-8")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    return user_of(tmp_path_factory.mktemp("user"))


@pytest.fixture(scope="module")
def tasks(user: Any) -> dict[str, str]:
    """Open tasks of every kind, by their prompt; in the order in which they were made."""
    kinds = {
        "An owl": ("runcomfy", None),
        "A fox": ("kie", None),
        "A bill": ("kie", "no_credit"),
        "A riddle": ("kie", "reset_after_accept"),
    }
    made = {}
    for prompt, (provider, fault) in kinds.items():
        line = ("generate", prompt, "--sandbox", "--provider", provider, "--timeout", "1.5")
        ran = user.call(*line, "--json", KLING26_SANDBOX_FAULTS=fault)
        made[prompt] = ran.object["task"]
    return made


def states(user: Any, *more: str) -> dict[str, str]:
    return {each["task"]: each["state"] for each in user.call("tasks", "--json", *more).objects}


def test_an_empty_journal_says_so(user: Any) -> None:
    ran = user.call("tasks")

    assert (ran.status, ran.out) == (0, "")
    assert ran.said == "No tasks yet."
    assert user.call("tasks", "--json").out == ""


def test_nothing_to_resume_is_a_success_that_says_so(user: Any) -> None:
    ran = user.call("resume")

    assert (ran.status, ran.out) == (0, "")
    assert ran.said == "No open tasks."


def test_tasks_are_listed_with_what_is_known_and_what_to_do(user: Any, tasks: Any) -> None:
    listed = user.call("tasks").out
    lines = re.sub(r"\d+ (s|min)", "AGE", listed).splitlines()

    assert lines[0].split() == ["TASK", "AGE", "PROVIDER", "STATE", "COST"]
    assert lines[1].split() == [tasks["An owl"], "AGE", "runcomfy", "(sandbox)", "submitted"]
    assert lines[2] == "    An owl"
    assert lines[3].startswith("    The video is being made by RunComfy's emulator as ")
    assert lines[3].endswith(f". Fetch it with: kling26 resume {tasks['An owl']}")
    assert "too little credit" in listed
    assert f"kling26 resubmit {tasks['A riddle']}" in listed


def test_open_tasks_are_those_with_something_left_to_do(user: Any, tasks: Any) -> None:
    assert states(user)[tasks["A bill"]] == "refused"
    assert states(user, "--open") == {
        tasks["An owl"]: "submitted",
        tasks["A fox"]: "submitted",
        tasks["A riddle"]: "unknown",
    }


def test_a_task_that_cannot_be_cancelled_goes_on_and_exits_5(user: Any, tasks: Any) -> None:
    ran = user.call("cancel", tasks["A fox"])

    assert (ran.status, ran.err) == (5, "")
    assert ran.out.startswith("kie.ai's emulator cannot cancel tasks: the video is being made.")
    assert ran.out.endswith(f". Fetch it with: kling26 resume {tasks['A fox']}\n")


def test_the_exit_of_a_resume_is_the_worst_of_its_outcomes(user: Any, tasks: Any) -> None:
    ran = user.call("resume", *tasks.values(), "--json")
    ended = {each["task"]: each for each in ran.objects}

    assert ran.status == 5
    assert {ended[task]["state"] for task in (tasks["An owl"], tasks["A fox"])} == {"stored"}
    assert ended[tasks["A bill"]]["state"] == "refused"
    assert ended[tasks["A riddle"]]["state"] == "unknown"
    assert ended[tasks["An owl"]]["error"] is None
    riddle = tasks["A riddle"]
    assert f"{riddle}: {ended[riddle]['error']}" in ran.err.splitlines()

    without = [task for prompt, task in tasks.items() if prompt != "A riddle"]
    assert user.call("resume", *without).status == 3


def test_an_unknown_task_is_submitted_again_when_the_user_says_so(user: Any, tasks: Any) -> None:
    ran = user.call("resubmit", tasks["A riddle"], "--json")

    assert (ran.status, ran.object["state"]) == (0, "stored")
    assert user.call("resume").said == "No open tasks."

    again = user.call("resubmit", tasks["A riddle"])
    assert again.said.startswith(f"Task {tasks['A riddle']} is stored")
    assert again.status == 2


def test_a_task_that_is_over_cannot_be_cancelled(user: Any, tasks: Any) -> None:
    ran = user.call("cancel", tasks["A riddle"])

    assert tasks["A riddle"] in ran.said
    assert ran.status == 2


@pytest.fixture(scope="module")
def old_user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    """Somebody whose journal is of an older version."""
    user = user_of(tmp_path_factory.mktemp("old"))
    user.home.mkdir()
    with closing(sqlite3.connect(user.home / "journal.sqlite3")) as journal:
        journal.executescript(SCHEMA_1)
        journal.execute("UPDATE tasks SET realm = 'live'")
        journal.commit()
    return user


def costs(user: Any) -> dict[str, list[str]]:
    """The last column of `kling26 tasks`, by task."""
    lines = [line for line in user.call("tasks").out.splitlines() if line.startswith("k26-")]
    return {line.split()[0]: re.split(r"  +", line)[4:] for line in lines}


def test_a_journal_of_an_older_version_counts_as_the_providers_that_are_there(
    old_user: Any,
) -> None:
    assert costs(old_user) == {"k26-owl": ["0.275 USD"], "k26-fox": ["0.35"], "k26-crow": []}


def test_a_cost_is_listed_in_the_unit_that_came_with_it(old_user: Any) -> None:
    """Though it is not the provider's usual one, and though the provider's plug-in is gone."""
    old_user.call("tasks")
    with closing(sqlite3.connect(old_user.home / "journal.sqlite3")) as journal, journal:
        journal.execute("UPDATE tasks SET cost_unit = 'CNY', cost_usd = NULL WHERE cost > 0")

    assert costs(old_user) == {"k26-owl": ["55 CNY"], "k26-fox": ["0.35 CNY"], "k26-crow": []}
    owl = old_user.call("tasks", "--json").objects[0]
    assert (owl["task"], owl["cost"]) == ("k26-owl", 55.0)
