"""Submitting and leaving, and fetching what was left: by whatever name, and several at once."""

import re
from collections.abc import Sequence

import pytest

from .conftest import Ran, User

LEFT = ("generate", "A heron", "--sandbox", "--no-wait")


def left(user: User, number: int) -> list[str]:
    """The ids of so many tasks that the provider has."""
    rows = [user.call(*LEFT, "-q", "--seed", str(seed)) for seed in range(number)]
    return [ran.out.strip() for ran in rows]


def test_the_id_is_printed_once_the_provider_has_taken_it(user: User) -> None:
    ran = user.call(*LEFT, "--output", "heron.mp4")

    assert ran.status == 0
    task = ran.out.removesuffix("\n")
    assert re.fullmatch(r"k26-[0-9a-f]{16}", task)
    said = rf"kie.ai's emulator has taken the task as \S+. Fetch it with: kling26 resume {task}"
    assert re.fullmatch(said, ran.err.splitlines()[-1])
    assert not (user.folder / "heron.mp4").exists()

    resumed = user.call("resume", task)
    assert (resumed.status, resumed.file) == (0, user.folder / "heron.mp4")
    assert resumed.file.exists()


def test_quietly_the_id_is_all(user: User) -> None:
    ran = user.call(*LEFT, "-q")

    assert (ran.status, ran.err, ran.out.count("\n")) == (0, "", 1)


def test_what_is_stored_is_given_at_once(user: User) -> None:
    user.call("generate", "A heron", "--sandbox")
    ran = user.call(*LEFT, "--output", "~/heron.mp4", HOME=str(user.folder))

    assert (ran.status, ran.file) == (0, user.folder / "heron.mp4")
    assert ran.file.exists()
    assert ran.said.startswith("Rehearsed on ")


def test_a_lost_answer_is_told_as_ever(user: User) -> None:
    ran = user.call(*LEFT, KLING26_SANDBOX_FAULTS="reset_after_accept")

    assert (ran.status, ran.out) == (5, "")
    assert "kling26 resubmit k26-" in ran.err


def test_a_refusal_is_told_as_ever(user: User) -> None:
    ran = user.call(*LEFT, KLING26_SANDBOX_FAULTS="no_credit")

    assert (ran.status, ran.out) == (3, "")


def test_any_provider_may_take_it(user: User) -> None:
    ran = user.call(*LEFT, "--provider", "auto")

    assert (ran.status, ran.out.count("\n")) == (0, 1)


def test_a_dry_run_leaves_nothing_there(user: User) -> None:
    ran = user.call(*LEFT, "--dry-run")

    assert (ran.status, user.rows()) == (0, 0)
    assert ran.out.endswith("This was a dry run: nothing was paid.\n")


# -- resuming --------------------------------------------------------------------------------------


def test_a_task_is_resumed_once_by_whatever_names(user: User) -> None:
    task, other = left(user, 2)
    theirs = user.call("tasks", task, "--json").object["task_id"]
    ran = user.call("resume", f"  {task} ", task[:12], theirs, task)

    assert (ran.status, ran.out.count("\n")) == (0, 1)
    assert user.call("tasks", other, "--json").object["state"] == "submitted"


def test_with_an_unknown_name_among_them_nothing_is_done(user: User) -> None:
    (task,) = left(user, 1)
    ran = user.call("resume", task, "k26-none")

    assert (ran.status, ran.out) == (2, "")
    assert ran.said == 'The journal has no task "k26-none". kling26 tasks lists them.'
    assert user.call("tasks", task, "--json").object["state"] == "submitted"


def summary(ran: Ran) -> str:
    return ran.err.splitlines()[-1]


def test_several_end_with_a_summary(user: User) -> None:
    left(user, 3)
    ran = user.call("resume")

    assert (ran.status, ran.out.count("\n")) == (0, 3)
    lines = re.findall(r"^k26-\w+: here$", ran.err, re.MULTILINE)
    assert len(lines) == len(set(lines)) == 3
    assert summary(ran) == "3 of 3 here."


def test_the_summary_says_what_is_left_and_the_command_for_it(user: User) -> None:
    left(user, 2)
    user.call("generate", "A fox", "--sandbox", KLING26_SANDBOX_FAULTS="reset_after_accept")
    ran = user.call("resume", KLING26_SANDBOX_FAULTS="failed_task")

    assert ran.status == 5
    counted, unknown = ran.err.splitlines()[-2:]
    assert counted == "1 of 3 here, 1 unknown, 1 failed."
    said = r"The outcome of (k26-\w+) is unknown; what to do: kling26 tasks (k26-\w+)"
    assert (found := re.fullmatch(said, unknown)) is not None
    assert found[1] == found[2]


@pytest.mark.parametrize("line", [("resume", "-q"), ("resume", "--json", "-q")])
def test_quietly_there_is_no_summary(user: User, line: Sequence[str]) -> None:
    left(user, 2)
    ran = user.call(*line)

    assert (ran.err, ran.out.count("\n")) == ("", 2)


def test_one_task_needs_no_summary(user: User) -> None:
    left(user, 1)

    assert summary(user.call("resume")).startswith("Rehearsed with ")
