"""`kling26 prune`."""

from typing import Any

import pytest


@pytest.mark.parametrize("age", ["30", "d", "thirty days", "1.5h", "²d"])
def test_an_age_that_is_none_is_refused(user: Any, age: str) -> None:
    ran = user.run("prune", "--older-than", age)

    assert ran.status == 2
    assert "--older-than takes" in ran.said


def test_an_empty_journal_has_nothing_to_forget(user: Any) -> None:
    ran = user.run("prune", "--older-than", "30d")

    assert (ran.status, ran.out) == (0, "Forgot 0 tasks and removed 0 stored videos.\n")
