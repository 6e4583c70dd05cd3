"""Where a journal is: a file, or a database at an SQLAlchemy URL, whose secrets are never shown."""

import re
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import sqlalchemy as sa
from attrs import field, frozen

from ..text import sanitize

#: What may be shown of the options in a URL; any other one may be a secret.
_SHOWN = ("host", "port", "mode", "uri", "sslmode", "connect_timeout", "timeout", "vfs")
#: SQLite's options that SQLAlchemy passes on; with ``uri=true``, SQLite has many more.
_SQLITE = ("cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout")
#: Whether a text has no sign that ends a part of a URL, or begins an option.
_PLAIN = re.compile(r"[\w.:-]*").fullmatch


class BadAddress(ValueError):
    """A journal cannot be at this place; the message is worded to follow "the journal …"."""


@frozen
class Address:
    """
    A journal's place: the path of its file, or an SQLAlchemy URL.

    `source` is what sets it, to be named in messages.
    """

    place: str | Path = field(repr=False)
    source: str = "KLING26_JOURNAL"

    def url(self) -> sa.URL:
        """The place as a URL; raises `BadAddress`."""
        if isinstance(self.place, Path):
            return sa.URL.create("sqlite", database=str(self.place))
        try:
            url = sa.make_url(self.place)
        except (sa.exc.ArgumentError, ValueError):
            # Without a cause: its message may quote the URL, and the password in it.
            raise BadAddress("is not a valid database URL") from None
        if url.get_backend_name() == "sqlite":
            _check_sqlite(url)
        elif self.place.partition("?")[0].count("@") > 1:
            raise BadAddress("has an @ in its user name or password, which has to be written %40")
        elif url.get_backend_name() == "postgres":
            raise BadAddress("has to begin with postgresql+psycopg:// instead of postgres://")
        return url

    def is_default(self) -> bool:
        """Whether nobody has set another place than the home folder."""
        return isinstance(self.place, Path)

    def file(self) -> Path | None:
        """The file of an SQLite database; None if it is on a server."""
        url = self.url()
        return Path(_name(url)) if url.get_backend_name() == "sqlite" else None

    def __str__(self) -> str:
        if isinstance(self.place, Path):
            return sanitize(self.place)
        try:
            url = self.url()
        except BadAddress:
            return _without_secrets(self.place)
        if url.get_backend_name() == "sqlite":
            return sanitize(url.difference_update_query(self.hidden()))
        if not _is_plain(url):
            return _without_secrets(self.place)
        return sanitize(sa.URL.create(url.drivername, host=url.host, database=url.database))

    def hidden(self) -> dict[str, str | tuple[str, ...]]:
        """The options in the URL that may be secrets, or repeat the password."""
        url = self.url()
        password = str(url.password) if url.password else None
        return {
            name: value
            for name, value in url.query.items()
            if name not in _SHOWN or (password is not None and password in value)
        }

    def secrets(self) -> list[str]:
        """The password and whatever else is never to be shown, as a driver may quote them."""
        try:
            url, hidden = self.url(), self.hidden().values()
        except BadAddress:
            return []
        password = url.password
        texts = [
            part for value in hidden for part in ([value] if isinstance(value, str) else value)
        ]
        texts += [str(password)] if password else []
        texts += [] if _is_plain(url) else [part for part in _place(url) if not _PLAIN(part)]
        spelt = {spell(text) for text in texts for spell in (str, quote, quote_plus, _fully_quoted)}
        return sorted(filter(None, spelt), key=len, reverse=True)


def address_of(place: Address | str | Path) -> Address:
    """The address at a place, unless it is one."""
    return place if isinstance(place, Address) else Address(place)


def is_sqlites_own(url: sa.URL) -> bool:
    """Whether the name of the database is a URL in SQLite's sense; it may have many options."""
    return url.get_backend_name() == "sqlite" and "uri" in url.query


def _fully_quoted(text: str) -> str:
    return quote(text, safe="")


def _name(url: sa.URL) -> str:
    """The path of SQLite's file."""
    name = url.database or ""
    return unquote(name.removeprefix("file:")) if is_sqlites_own(url) else name


def _check_sqlite(url: sa.URL) -> None:
    if url.username or url.host or url.port:
        raise BadAddress("needs three slashes after sqlite:, and a fourth before a full path")
    unknown = [name for name in url.query if name not in _SQLITE]
    if unknown and not is_sqlites_own(url):
        raise BadAddress(f'has an option that SQLite does not know: "{sanitize(unknown[0], 40)}"')
    name = _name(url)
    if name in ("", ":memory:") or url.query.get("mode") == "memory":
        raise BadAddress("would be forgotten with what was paid for: it has to be a file")
    if not Path(name).is_absolute():
        # From another folder it would be another journal, which knows nothing of what was paid.
        raise BadAddress("has to be a full path, which is the same from every folder")


def _is_plain(url: sa.URL) -> bool:
    """Whether host and database are surely that: a password may stand in either's place."""
    return url.get_backend_name() == "sqlite" or all(map(_PLAIN, _place(url)))


def _place(url: sa.URL) -> tuple[str, str]:
    return url.host or "", url.database or ""


def _without_secrets(text: str) -> str:
    """What can be shown of a text that is no URL: its scheme, or what is plainly a path."""
    scheme = re.search(r"(?:^|[\s\"'])([A-Za-z][\w+]*)://", text)
    if scheme is not None:
        return f"{scheme[1]}://…"
    return sanitize(text, 100) if re.fullmatch(r"([A-Za-z]:)?[\w./\\~-]+", text) else "…"
