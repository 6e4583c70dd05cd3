"""Rows of a table of cassettes, for `pytest.mark.parametrize`."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


def cassette(
    name: str,
    *values: object,
    key: str | None = None,
    written: str | None = None,
    fault: str | None = None,
    max_age: int | None = None,
) -> "ParameterSet":
    """
    The values of one row, for which the fixture `replay` plays this cassette::

        @pytest.mark.parametrize("error", [
            cassette("acme/refused_key", KeyRejected, key="not-a-key"),
            cassette("acme/no_credit", OutOfCredit, written="it needs an empty account"),
        ])
        def test_a_refusal(replay, error):
            with pytest.raises(error):
                replay.generate(VideoRequest("A red fox"), "acme")

    The other arguments are those of the marker ``cassette``.
    """
    given = {"key": key, "written": written, "fault": fault, "max_age": max_age}
    marker = {name: value for name, value in given.items() if value is not None}
    return pytest.param(*values, marks=pytest.mark.cassette(name, **marker), id=name)
