"""`kling26 adopt`, and tasks by the id of their provider."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kling26.cli import texts
from kling26.core import Task
from kling26.core.errors import Remedy
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Emulator, Fault
from kling26.sandbox.server import Server, build_site, environment

from .test_texts import task


@pytest.fixture(scope="module")
def kie() -> Iterator[tuple[Emulator, dict[str, str]]]:
    """kie.ai over HTTP, and the variables that lead there."""
    offer = load_sandboxes()["kie"]
    site = build_site([offer], Conditions(queued=0.1, running=0.2))
    with Server(site) as server:
        yield site.apps["kie"], dict(environment(offer, server.url))


@pytest.fixture
def user(tmp_path: Path, kie: Any, user_of: Any) -> Any:
    return user_of(tmp_path, **kie[1])


def lose(user: Any, emulator: Emulator, prompt: str) -> tuple[str, str]:
    """A task whose answer is lost: our id, and the one that the provider's page shows."""
    emulator.conditions.faults.append(Fault("reset_after_accept"))
    ran = user.call("generate", prompt, "--output", f"{prompt}.mp4", "--json")
    assert (ran.status, ran.object["task_id"]) == (5, None)
    return ran.object["task"], emulator.accepted[-1].id


def test_an_adopted_task_ends_in_its_own_output(user: Any, kie: Any) -> None:
    task, task_id = lose(user, kie[0], "A lynx")

    ran = user.call("adopt", task, task_id)

    assert (ran.status, ran.file) == (0, user.folder / "A lynx.mp4")
    said = ran.err.splitlines()[-1]
    assert said.startswith("Made by kie.ai for 55 credits, worth 0.275 USD")
    assert ran.file.exists()


def test_an_adopted_task_is_one_json_object(user: Any, kie: Any) -> None:
    task, task_id = lose(user, kie[0], "A wolf")

    told = user.call("adopt", task, task_id, "--json").object

    assert (told["task"], told["task_id"], told["state"]) == (task, task_id, "stored")


def test_an_id_that_the_provider_does_not_know_exits_3_and_the_task_is_still_unknown(
    user: Any, kie: Any
) -> None:
    task, _ = lose(user, kie[0], "A hare")

    ran = user.call("adopt", task, "task_of_nobody")

    assert (ran.status, ran.out) == (3, "")
    last = ran.err.splitlines()[-1]
    assert last.startswith("kie.ai does not know")
    assert f". Task {task} is still unknown. " in last
    assert last.endswith(f"submit it again with: kling26 resubmit {task}")
    told = user.call("adopt", task, "task_of_nobody", "--json").object
    assert (told["task"], told["state"], told["error"]) == (task, "unknown", last)
    assert user.call("tasks", "--json").object["state"] == "unknown"


def test_a_task_that_is_not_unknown_and_an_id_that_is_taken_exit_2(user: Any, kie: Any) -> None:
    made = user.call("generate", "An otter", "--json").object
    task, _ = lose(user, kie[0], "A seal")

    done = user.call("adopt", made["task"], "task_1")
    taken = user.call("adopt", task, made["task_id"])

    assert (done.status, taken.status) == (2, 2)
    assert done.said == f"Task {made['task']} is stored; only an unknown task can be given an id."
    assert taken.said == (
        f'The id "{made["task_id"]}" at kie.ai is already that of task {made["task"]}.'
    )


def test_a_task_is_resumed_by_the_id_of_its_provider(user: Any) -> None:
    begun = user.call("generate", "A crane", "--timeout", "1", "--json").object

    named = (begun["task"], begun["task_id"])
    assert len(user.call("tasks", *named, "--json").objects) == 1
    ran = user.call("resume", *named)

    assert ran.status == 0
    assert ran.err.count(f"({begun['task']})") == 1  # Who made it, and when.
    assert ran.file.stem == begun["task"]


def test_a_resume_that_pays_says_so_before(user: Any, kie: Any) -> None:
    kie[0].conditions.faults.append(Fault("no_credit"))
    task = user.call("generate", "A stork", "--json").object["task"]
    with closing(sqlite3.connect(user.home / "journal.sqlite3")) as journal, journal:
        journal.execute("UPDATE tasks SET state = 'submitting', sending = NULL, attempts = 0")

    ran = user.call("resume")

    assert ran.status == 0
    first, *_, last = ran.err.splitlines()
    assert first == f"{task} is sent now, which is paid for."
    assert last.startswith("Made by kie.ai in 0:0")


@pytest.mark.parametrize(
    ("row", "again"),
    [
        (task("submitting"), ""),
        (task("submitting", attempts=1), ""),
        (task("submitting", attempts=1, remedy=Remedy("top_up")), ""),
        (task("submitting", attempts=1, remedy=Remedy("adopt")), "again "),
        (task("submitting", attempts=1, resubmits=1), "again "),
    ],
    ids=["first", "after a 429", "after a refusal", "of an older journal", "resubmitted"],
)
def test_what_is_sent_again_is_only_what_may_have_been_taken(row: Task, again: str) -> None:
    assert texts.sent_now(row) == f"k26-1 is sent {again}now, which is paid for."
