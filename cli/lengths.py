"""Lengths of time as people type them: 90, 90s, 45m, 1h30m, 7d."""

import re

from . import usage

#: Seconds per unit, each spelled as `kling26 tasks` shows it or shorter.
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER}) ?(min|[smhdw]) ?")

#: The longest time-out, in seconds.
_LONGEST_TIMEOUT = 30 * 86400.0


def timeout(text: str) -> float:
    """A time-out in seconds, which is also what a plain number means; raises `OptionRefused`."""
    flag, plain = "--timeout", re.fullmatch(_NUMBER, text.strip())
    seconds = float(text) if plain else _length(text)
    if seconds is None:
        raise usage.bad_length(flag, text, "90 (seconds), 45m or 1h30m")
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
        raise usage.bad_length(flag, text, "30d, 12h or 1h30m, with its unit")
    return seconds


def _length(text: str) -> float | None:
    """The length in seconds; None if the text is none."""
    text = text.strip().lower()
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
