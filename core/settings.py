"""
Settings: defaults, then ``config.toml`` in the home folder, then the environment.

``config.toml`` has the names of the variables in lower case, without ``kling26_``::

    journal = "postgresql+psycopg://me@db/kling26"
    provider = "runcomfy"
    kie_base_url = "https://proxy.example/kie"
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from attrs import define, field

from .config import check_names, read_config
from .errors import SettingsError
from .home import find_home
from .hosts import is_loopback
from .pasted import plain
from .provider import Provider
from .spending import Budget
from .text import sanitize

N = TypeVar("N", int, float)

#: The default time-out for a video, in seconds.
TIMEOUT = 3600.0

#: What the variables of our own settings begin with.
PREFIX = "KLING26_"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


@define(frozen=True, slots=False, eq=False)
class Settings:
    """
    The settings from an environment, which overrides the home folder's ``config.toml``.

    >>> Settings({"KLING26_SANDBOX": "1"}).sandbox
    True
    """

    environ: Mapping[str, str] = field(factory=lambda: os.environ, repr=False)
    #: What counts where neither the environment nor ``config.toml`` says anything.
    defaults: Mapping[str, str] = field(factory=dict, repr=False, kw_only=True)

    @cached_property
    def home(self) -> Path:
        """Where the journal, the keys and the videos are (``KLING26_HOME``)."""
        return find_home(self.environ)

    @property
    def config_path(self) -> Path:
        """Where ``config.toml`` is, or would be."""
        return self.home / "config.toml"

    @property
    def _file(self) -> Mapping[str, str]:
        """What the file says now: a program that runs for days notices that it was changed."""
        return _read_config(self.config_path, _stamp(self.config_path))

    def get(self, variable: str) -> str | None:
        """A variable's value: from the environment, else from ``config.toml``."""
        value = self.environ.get(variable)
        if value is None:
            value = self._file.get(_name(variable), self.defaults.get(variable))
        return None if value is None else plain(value)

    def where(self, variable: str) -> str:
        """What sets a variable, for a message: the variable itself, or its name in the file."""
        if variable in self.environ or _name(variable) not in self._file:
            return variable
        return f"{sanitize(self.config_path)}: {_name(variable)}"

    def check(self, providers: Iterable[Provider], problems: Collection[object] = ()) -> None:
        """
        Raise `SettingsError` if ``config.toml`` has a name that is neither ours nor a provider's,
        or if the plug-ins could not be loaded because of a setting.

        `problems` are those of plug-ins that were skipped: what is set for them does no harm.
        """
        _ = self.trace_plugins  # In ComfyUI, plug-ins are loaded before this can be said.
        names = [_name(each) for known in providers for each in url_variables(known).values()]
        check_names(self.config_path, self._file, names, not problems and self.load_plugins is None)

    def check_real(self) -> None:
        """Raise `SettingsError` if a setting says that no video was meant to be paid for."""
        for variable in ("KLING26_SANDBOX_FAULTS", "KLING26_SANDBOX_QUEUED"):
            if self.get(variable):
                raise SettingsError(
                    f"{self.where(variable)} is set, but this video is not rehearsed: it would be "
                    "paid for. Rehearse it, or unset that."
                )

    @property
    def journal(self) -> str | Path:
        """The journal as an SQLAlchemy URL (``KLING26_JOURNAL``), or the file of it in the home."""
        return self.get("KLING26_JOURNAL") or self.home / "journal.sqlite3"

    @property
    def journal_source(self) -> str:
        """What sets the journal, to be named in the middle of a sentence."""
        if self.where("KLING26_JOURNAL") == "KLING26_JOURNAL":
            return "KLING26_JOURNAL"
        return f'"journal" in {sanitize(self.config_path)}'

    @property
    def sandbox(self) -> bool:
        """Whether everything is a rehearsal (``KLING26_SANDBOX``)."""
        return self._flag("KLING26_SANDBOX")

    @property
    def provider(self) -> str:
        """The default provider (``KLING26_PROVIDER``)."""
        return self.get("KLING26_PROVIDER") or "kie"

    @property
    def preferred(self) -> tuple[str, ...]:
        """The providers that "auto" may choose, in order; empty for any (``KLING26_PREFER``)."""
        return _names(self.get("KLING26_PREFER"))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which ComfyUI's page is reached, beside its own (``KLING26_HOSTS``)."""
        return _names(self.get("KLING26_HOSTS"))

    @property
    def load_plugins(self) -> tuple[str, ...] | None:
        """The distributions to load plug-ins from; None for all (``KLING26_LOAD_PLUGINS``)."""
        names = self.get("KLING26_LOAD_PLUGINS")
        return None if names is None else _names(names)

    @property
    def trace_plugins(self) -> bool:
        """Whether each call of a plug-in's hook is shown (``KLING26_TRACE_PLUGINS``)."""
        return self._flag("KLING26_TRACE_PLUGINS")

    @property
    def budget(self) -> Budget:
        """What may be spent (``KLING26_MAX_COST_PER_DAY``, in USD, and the like)."""
        cost, of_cost = self._limit("KLING26_MAX_COST_PER_DAY", float)
        in_day, of_day = self._limit("KLING26_MAX_TASKS_PER_DAY", int)
        in_hour, of_hour = self._limit("KLING26_MAX_TASKS_PER_HOUR", int)
        return Budget(cost, in_day, in_hour, {**of_cost, **of_day, **of_hour})

    def _limit(self, variable: str, kind: type[N]) -> tuple[N | None, Mapping[str, str]]:
        """A number from 0 up, or None if there is none; and what sets it, by its name."""
        text, source = self._nearest(variable)
        if text.lower() in ("", "none"):
            return None, {}
        with suppress(ValueError):
            value = kind(text)
            if 0 <= value < inf:
                return value, {_name(variable): source}
        what = "a whole number" if kind is int else "an amount in USD"
        raise SettingsError(
            f'{source} must be {what} from 0 up, or "none"; got "{sanitize(text, 60)}".'
        )

    def _nearest(self, variable: str) -> tuple[str, str]:
        """
        A limit's value, and what says so, to be named in a sentence.

        One that is empty, such as a variable that a container passes on without a value, says
        nothing: it must not lift the limit in the file.
        """
        name = _name(variable)
        said = (
            (self.environ.get(variable), variable),
            (self._file.get(name), f'"{name}" in {sanitize(self.config_path)}'),
            (self.defaults.get(variable), f"the default of {variable}"),
        )
        found = ((plain(text), source) for text, source in said if text is not None)
        return next(((text, source) for text, source in found if text), ("", variable))

    def _flag(self, variable: str) -> bool:
        value = (self.get(variable) or "").strip().lower()
        if value not in _TRUE + _FALSE:
            raise SettingsError(
                f'{self.where(variable)} must be 1 or 0; got "{sanitize(value, 60)}".'
            )
        return value in _TRUE

    def configure(self, provider: Provider) -> Provider:
        """The provider at the URLs that are set for it."""
        found = {
            attribute: url
            for attribute, variable in url_variables(provider).items()
            if (url := self._url(variable))
        }
        return provider.at(found) if found else provider

    def _url(self, variable: str) -> str | None:
        url = self.get(variable)
        if not url:
            return None
        problem = _problem(url)
        if problem is None:
            return url
        raise SettingsError(f'{self.where(variable)} {problem}; got "{_without_secrets(url)}".')


@lru_cache(maxsize=8)
def _read_config(path: Path, _: object) -> Mapping[str, str]:
    return MappingProxyType(read_config(path))


def _stamp(path: Path) -> object:
    """What differs once a file has been changed, if that can be told."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _names(text: str | None) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _name(variable: str) -> str:
    """What a variable is called in ``config.toml``."""
    return variable.removeprefix(PREFIX).lower()


def variable_of(name: str) -> str:
    """The variable that goes before what ``config.toml`` calls so."""
    return f"{PREFIX}{name.upper()}"


def _problem(url: str) -> str | None:
    """What is wrong with the URL of an API, if anything; worded to follow its name."""
    if re.search(r"\s", url) or not url.isprintable():
        return "must not contain blanks or control characters"
    if not _has_port(url):
        return "has a wrong port, which must be a number from 1 to 65535"
    if not is_safe_url(url):
        return "must be an https:// URL, or an http:// URL on this machine"
    if any(sign in url for sign in "?#"):
        return "must end before any ? or #, because paths are appended to it"
    if "@" in urlsplit(url).netloc:
        return "must not contain a user name or a password"
    import httpx  # Only for a base URL that is set; slow to import.

    try:
        # What the system does before it looks a name up: it refuses empty and very long labels.
        sent = httpx.URL(url)
        sent.raw_host.decode("ascii").encode("idna")
        # httpx reads international names back when it sends; not every one can be.
        named = "%" not in sent.host or ":" in sent.host
    except (httpx.InvalidURL, UnicodeError):
        named = False
    return None if named else "must be a valid URL"


def _has_port(url: str) -> bool:
    """Whether the port, if there is one, is a number that a port can have."""
    try:
        netloc = urlsplit(url).netloc
    except ValueError:  # Wrong in another way.
        return True
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return "@" in netloc  # Which is told of instead.


def _without_secrets(url: str) -> str:
    """The URL as it may be shown: what is in front of an @, or behind a ?, may be a password."""
    shown = re.sub(r"(?<=//)[^/]*@|^[^/]*@", "***@", url)
    return sanitize(re.sub(r"([?#]).+", r"\1…", shown, flags=re.DOTALL), 100)


def variable_stem(name: str) -> str:
    """What the variables of a provider begin with: names that share it cannot be told apart."""
    return name.upper().replace("-", "_")


def url_variables(provider: Provider) -> dict[str, str]:
    """The variables that override a provider's URLs: ``{"base_url": "KIE_BASE_URL", …}``."""
    stem = variable_stem(provider.name)
    endings = {"base_url": "BASE_URL", "upload_url": "UPLOAD_URL", "balance_url": "BALANCE_URL"}
    return {
        attribute: f"{stem}_{ending}"
        for attribute, ending in endings.items()
        if getattr(provider, attribute) is not None
    }


def is_safe_url(url: str) -> bool:
    """Whether a key may be sent to a URL: https, or plain http on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # Either may be invalid, which raises.
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or ""))
    )


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL: what a key is for."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
