"""Lengths of time as people type them: 90, 90s, 45m, 1h30m, 7d."""

import re

from . import usage

#: Seconds per unit, from large to small.
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
#: Each unit once at most, and lower case only: 1M is a month to some, and a minute to nobody.
_LENGTH = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")

_LONGEST_TIMEOUT = 30 * 86400
#: A century: nothing is older.
_OLDEST = 5200 * 604800


def timeout(text: str) -> float:
    """A time-out in seconds, which is also what a plain number means; raises `OptionRefused`."""
    plain = _PLAIN.fullmatch(text.strip())
    seconds = float(text) if plain else _length(text)
    if seconds is None:
        raise usage.bad_length("--timeout", text, "90 (seconds), 45m or 1h30m")
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise usage.bad_timeout(text)
    return seconds


def age(text: str, flag: str) -> float:
    """
    An age in seconds; raises `OptionRefused`.

    A plain number is refused: whoever means days must not forget the tasks of the last minute.
    """
    seconds = _length(text)
    if seconds is None:
        raise usage.bad_length(flag, text, "30d, 12h or 1h30m")
    if seconds > _OLDEST:
        raise usage.bad_age(flag, text)
    return seconds


def _length(text: str) -> float | None:
    """The length in seconds; None if the text is none."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    numbers = (float(number or 0) for number in found.groups())
    return sum(number * unit for number, unit in zip(numbers, _UNITS.values(), strict=True))
