"""Where a cassette comes from, and how old it is: what its `metadata.source` says."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from attrs import frozen

#: Recorded from the live service, written from its documents, or played by its emulator.
How = Literal["recorded", "written", "played"]

_DATE = r"(?P<date>\d{4}-\d\d-\d\d)"
_FORMS = (
    rf"(?P<how>recorded|written) from https?://\S+ on {_DATE}",
    rf"(?P<how>played) by the emulator of \S+( \S+)? on {_DATE}(, written from https?://\S+)?",
)
#: A source in the text of a cassette, which need not be valid otherwise.
_LINE = re.compile(r"^[ {\"']*source[\"']?: *[\"']?(.*? on \d{4}-.*?)[\"'}]*$", re.MULTILINE)


@frozen
class Source:
    """What a source says, and the date that it names."""

    text: str
    how: How
    date: date

    @classmethod
    def read(cls, text: object) -> "Source | None":
        """A source that says from where and when; None for any other."""
        for form in _FORMS:
            if isinstance(text, str) and (found := re.fullmatch(form, text)):
                (how,) = (known for known in get_args(How) if known == found["how"])
                try:
                    return cls(text, how, date.fromisoformat(found["date"]))
                except ValueError:  # There is no such day.
                    return None
        return None

    @property
    def days(self) -> int:
        """Its age in days."""
        return (today() - self.date).days

    @property
    def is_to_come(self) -> bool:
        """Whether its date lies ahead, wherever on earth that was written."""
        return self.date > today() + timedelta(days=1)


def today() -> date:
    """The day it is; for tests to replace."""
    return datetime.now(UTC).date()


def recorded_from(url: str) -> str:
    """The source of a recording."""
    return f"recorded from {url} on {today().isoformat()}"


def played_by(emulator: str, documents: str | None) -> str:
    """The source of what an emulator played: its name and version, and what it follows."""
    source = f"played by the emulator of {emulator} on {today().isoformat()}"
    return f"{source}, written from {documents}" if documents else source


def told_age(folders: Iterable[Path], longest: int | None) -> str | None:
    """How many cassettes there are, and how old the oldest one is; None if there are none."""
    paths = [path for each in folders for path in each.rglob("*.yaml")]
    lines = [_LINE.search(path.read_text("utf-8", "replace")) for path in paths]
    dated = [source for line in lines if line and (source := Source.read(line[1]))]
    if not dated:
        return None
    oldest = min(dated, key=lambda source: source.date)
    text = f"cassettes: {len(paths)}, the oldest from {oldest.date}, {days_text(oldest.days)} ago"
    return text if longest is None else f"{text}; none may be older than {days_text(longest)}"


def days_text(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
