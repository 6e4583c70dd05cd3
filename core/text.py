"""Other people's text, made safe to show."""

import re
from collections.abc import Iterable

# Control characters (C0, DEL, C1), which carry terminal escape codes, and the Unicode marks
# that reorder what is shown around them.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


def plain(text: object, limit: int = 300) -> str:
    """`text` on one line, without control characters, at most `limit` characters long."""
    line = " ".join(_UNSAFE.sub(" ", str(text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def sentence(text: object, limit: int = 300) -> str:
    """`plain(text)` with a full stop, to be followed by another sentence."""
    line = plain(text, limit)
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."


def listing(values: Iterable[object], last: str = "or") -> str:
    """
    Values as a person lists them.

    >>> listing([5, 10])
    '5 or 10'
    >>> listing(["16:9", "9:16", "1:1"])
    '16:9, 9:16 or 1:1'
    """
    *others, final = [str(value) for value in values] or ["nothing"]
    return f"{', '.join(others)} {last} {final}" if others else final
