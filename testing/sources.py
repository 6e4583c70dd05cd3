"""Where a cassette comes from, and how old it is: what its `metadata.source` says."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from attrs import frozen

from ..core.hosts import is_loopback
from ..core.provider import Provider

#: Recorded from the live service, written from its documents, or played by its emulator.
How = Literal["recorded", "written", "played"]

_DATE = r"(?P<date>\d{4}-\d\d-\d\d)"
_URL = r"https?://\S+"
_WRITTEN = rf"(, written from {_URL})?"
_FORMS = (
    rf"(?P<how>recorded|written) from (?P<whence>{_URL}) on {_DATE}",
    rf"(?P<how>played) by the emulator of (?P<whence>\S+)( \S+)? on {_DATE}{_WRITTEN}",
)
#: A source in the text of a cassette, which need not be valid otherwise.
_LINE = re.compile(r"^[ {\"']*source[\"']?: *[\"']?(.*? on \d{4}-.*?)[\"'}]*$", re.MULTILINE)


@frozen
class Source:
    """What a source says: how, whence (a URL or the name of an emulator), and the date."""

    text: str
    how: How
    date: date
    whence: str

    @classmethod
    def read(cls, text: object) -> "Source | None":
        """A source that says from where and when; None for any other."""
        for form in _FORMS:
            if isinstance(text, str) and (found := re.fullmatch(form, text)):
                (how,) = (known for known in get_args(How) if known == found["how"])
                try:
                    return cls(text, how, date.fromisoformat(found["date"]), found["whence"])
                except ValueError:  # There is no such day.
                    return None
        return None

    @property
    def days(self) -> int:
        """Its age in days."""
        return (today() - self.date).days

    def stranger(self, provider: Provider) -> str | None:
        """What of it is not the provider's, in words: the host, or the emulator."""
        if self.how == "played" and self.whence != provider.name:
            return f"played by the emulator of {self.whence}, not by that of {provider.name}"
        if self.how == "recorded" and not is_host_of(provider, self.whence):
            return f"recorded from {self.whence}, which is no host of {provider.name}"
        return None

    @property
    def is_to_come(self) -> bool:
        """Whether its date lies ahead, wherever on earth that was written."""
        return self.date > today() + timedelta(days=1)


def today() -> date:
    """The day it is; for tests to replace."""
    return datetime.now(UTC).date()


def is_host_of(provider: Provider, url: str) -> bool:
    """Whether a URL is on a host of the provider, or on this machine, where one can stand in."""
    urls = (provider.base_url, provider.upload_url, provider.balance_url)
    hosts = {urlsplit(each).hostname for each in urls if each}
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # It only looked like one.
        return False
    return host in hosts or is_loopback(host)


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
