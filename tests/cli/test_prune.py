"""`kling26 prune`."""

from typing import Any

import pytest


@pytest.mark.parametrize("age", ["30", "d", "thirty days", "1.5h", "²d"])
def test_an_age_that_is_none_is_refused(user: Any, age: str) -> None:
    ran = user.call("prune", "--older-than", age)

    assert ran.status == 2
    assert ran.said == f'--older-than must be an age such as 30d, 12h or 45m; got "{age}".'


def test_an_empty_journal_has_nothing_to_forget(user: Any) -> None:
    ran = user.call("prune", "--older-than", "30d")

    assert (ran.status, ran.out) == (0, "No tasks ended that long ago.\n")
