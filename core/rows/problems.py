"""What is wrong with rows, all at once: nobody wants to learn that one by one."""

from collections.abc import Mapping, Sequence

from ..errors import UsageError
from ..text import sanitize, sentence

#: How many problems are listed; the others are counted.
_MOST = 10
#: The labels that people call things by, the likeliest first.
_NAMES = ("name", "title", "id")


def refused(problems: Sequence[str], name: str) -> UsageError:
    """The error for rows that have to be changed before anything is sent; one problem for each."""
    listed = [sentence(each, 1000) for each in problems[:_MOST]]
    more = len(problems) - len(listed)
    listed += [f"And {more} more."] if more > 0 else []
    error = UsageError(f"{name} has to be changed first: {' '.join(listed)}")
    error.reasons = listed
    return error


def row_name(number: int, labels: Mapping[str, str]) -> str:
    """
    What a row is called.

    >>> row_name(5, {"name": "fox"}), row_name(6, {})
    ('row 5 fox', 'row 6')
    """
    return f"row {number} {_own_name(labels)}".rstrip()


def _own_name(labels: Mapping[str, str]) -> str:
    """What tells a row from others, of its labels; "" if it has none."""
    names = [labels[each] for each in _NAMES if labels.get(each)]
    return sanitize((names or [each for each in labels.values() if each] or [""])[0], 40)
