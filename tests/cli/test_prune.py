"""`kling26 prune`."""

from typing import Any

import pytest


@pytest.mark.parametrize("age", ["30", "d", "thirty days", "1.5.5h", "²d", "-1d", "30d!", "1M"])
def test_an_age_that_is_none_is_refused(user: Any, age: str) -> None:
    ran = user.call("prune", "--older-than", age)

    assert ran.status == 2
    assert ran.said == (
        "--older-than must be a length of time such as 30d, 12h or 1h30m, in w, d, h, m and s, "
        f'each once and in this order; got "{age}".'
    )


def test_an_empty_journal_has_nothing_to_forget(user: Any) -> None:
    ran = user.call("prune", "--older-than", "30d")

    assert (ran.status, ran.out) == (0, "No tasks ended that long ago.\n")
