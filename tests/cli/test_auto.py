"""Whoever can: who makes the video, who was passed over, and what is said if nobody does."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

NOBODY: Mapping[str, None] = dict.fromkeys(
    ("KIE_API_KEY", "APIKLEY_API_KEY", "COMETAPI_KEY", "RUNCOMFY_TOKEN")
)
REASONS = [
    "The account at CometAPI's emulator has too little credit",
    "The account at kie.ai's emulator has too little credit",
    "The account at RunComfy's emulator has too little credit",
    "The account at Apikley's emulator has too little credit",
]


def auto(user: Any, *line: str, **environ: str | None) -> Any:
    return user.call("generate", *line, "--provider", "auto", **environ)


def test_the_cheapest_makes_it_and_the_last_line_names_it(user: Any) -> None:
    ran = auto(user, "A fox", "--sandbox")

    assert ran.status == 0
    assert "CometAPI's emulator makes the video" in ran.err.splitlines()[0]
    assert ran.err.splitlines()[-1].startswith("Rehearsed with CometAPI's emulator in ")


def test_whom_one_prefers_is_asked_first_and_the_next_one_makes_it(user: Any) -> None:
    prefer = {"KLING26_PREFER": "kie,cometapi", "KLING26_SANDBOX_FAULTS": "no_credit"}
    first = auto(user, "A fox", "--sandbox", "--json", **prefer | {"KLING26_PREFER": "kie"})
    both = auto(user, "An owl", "--sandbox", "--json", **prefer)

    assert (first.status, both.status) == (3, 3)
    assert re.search(r"Not enough credits \(code 402\)\. Going on to CometAPI's", both.err)
    assert first.object["provider"] == "kie"
    assert both.object["error"] in " ".join(both.err.split())


def test_if_all_refuse_each_reason_has_a_line(user: Any) -> None:
    ran = auto(user, "A fox", "--sandbox", KLING26_SANDBOX_FAULTS="no_credit")
    lines = ran.err.splitlines()
    listed = lines[lines.index("No provider took this request.") + 1 :]

    assert ran.status == 3
    assert [line.partition(":")[0] for line in listed] == [f"    {reason}" for reason in REASONS]
    assert user.call("tasks", "--json").object["state"] == "refused"


def test_without_any_key_it_is_said_how_to_set_one(user: Any) -> None:
    ran = auto(user, "A fox", **NOBODY)

    assert ran.status == 2
    assert all(variable in ran.said for variable in NOBODY)
    assert ran.said.endswith(" Or store one with: kling26 keys set NAME")
    assert user.rows() == 0


def test_a_dry_run_says_who_would_be_passed_over(user: Any) -> None:
    ran = auto(user, "A fox", "--sandbox", "--option", "mode=pro", "--dry-run")

    assert ran.out.splitlines()[0].startswith("CometAPI's emulator would rehearse this video")
    assert 'Passed over: kie.ai has no option "mode"; it has none of its own.' in ran.out
    assert ran.out.count("Passed over: ") == 3


def test_the_same_again_is_whoever_made_it(user: Any) -> None:
    task = auto(user, "A fox", "--sandbox", "--json").object["task"]
    again = auto(user, "A fox", "--sandbox", "--json", KLING26_PREFER="kie,cometapi")
    named = user.call("generate", "A fox", "--sandbox", "--provider", "cometapi", "--json")

    assert again.object["task"] == named.object["task"] == task
    assert (again.object["reused"], named.object["reused"]) == (True, True)


@pytest.mark.parametrize(
    ("fault", "status", "state"),
    [("failed_task", 4, "failed"), ("reset_after_accept", 5, "unknown")],
)
def test_what_may_have_been_taken_ends_it(user: Any, fault: str, status: int, state: str) -> None:
    prefer = {"KLING26_PREFER": "kie,cometapi", "KLING26_SANDBOX_FAULTS": fault}
    ran = auto(user, "A fox", "--sandbox", "--json", **prefer)

    assert (ran.status, ran.object["provider"], ran.object["state"]) == (status, "kie", state)
    assert "Going on" not in ran.err


def test_it_is_completed_and_explained(user: Any) -> None:
    assert 'compgen -W "auto kie apikley' in user.call("completion", "bash").out
    assert "NAME|auto" in user.call("generate", "--help").out
