"""
Settings: defaults, then ``config.toml`` in the home folder, then the environment.

``config.toml`` has the names of the variables in lower case, without ``kling26_``::

    journal = "postgresql+psycopg://me@db/kling26"
    provider = "runcomfy"
    kie_base_url = "https://proxy.example/kie"
"""

import ipaddress
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from attrs import define, field

from .atomic import read_file
from .errors import SettingsError
from .provider import Provider
from .text import reason, sanitize

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

    @cached_property
    def home(self) -> Path:
        """Where the journal, the keys and the videos are (``KLING26_HOME``)."""
        chosen = self.environ.get("KLING26_HOME")
        if chosen:
            try:
                return Path(chosen).expanduser().absolute()
            except RuntimeError as error:
                raise SettingsError(
                    f'KLING26_HOME is "{sanitize(chosen, 100)}", but there is no such user.'
                ) from error
        import platformdirs  # Only needed for the default.

        return Path(platformdirs.user_data_dir("kling26", appauthor=False))

    @cached_property
    def _file(self) -> dict[str, str]:
        path = self.home / "config.toml"
        try:
            text = read_file(path).decode()
            import tomllib  # Slow to import, and few users have this file.

            values = tomllib.loads(text)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SettingsError(f"{path} cannot be read: {reason(error)}.") from error
        return {name.lower(): _text(path, name, value) for name, value in values.items()}

    def get(self, variable: str) -> str | None:
        """A variable's value: from the environment, else from ``config.toml``."""
        value = self.environ.get(variable)
        if value is None:
            value = self._file.get(variable.removeprefix(PREFIX).lower())
        return value

    @property
    def journal(self) -> str:
        """The journal as an SQLAlchemy URL (``KLING26_JOURNAL``)."""
        return self.get("KLING26_JOURNAL") or f"sqlite:///{self.home / 'journal.sqlite3'}"

    @property
    def sandbox(self) -> bool:
        """Whether everything is a rehearsal (``KLING26_SANDBOX``)."""
        return self._flag("KLING26_SANDBOX")

    @property
    def provider(self) -> str:
        """The default provider (``KLING26_PROVIDER``)."""
        return self.get("KLING26_PROVIDER") or "kie"

    @property
    def load_plugins(self) -> tuple[str, ...] | None:
        """The distributions to load plug-ins from; None for all (``KLING26_LOAD_PLUGINS``)."""
        names = self.get("KLING26_LOAD_PLUGINS")
        if names is None:
            return None
        return tuple(name.strip() for name in names.split(",") if name.strip())

    def _flag(self, variable: str) -> bool:
        value = (self.get(variable) or "").strip().lower()
        if value not in _TRUE + _FALSE:
            raise SettingsError(f'{variable} must be 1 or 0; got "{sanitize(value, 60)}".')
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
        if is_safe_url(url):
            return url
        raise SettingsError(
            f"{variable} must be an https:// URL, or an http:// URL on this machine; got "
            f'"{sanitize(url, 100)}".'
        )


def variable_stem(name: str) -> str:
    """What the variables of a provider begin with: names that share it cannot be told apart."""
    return name.upper().replace("-", "_")


def url_variables(provider: Provider) -> dict[str, str]:
    """The variables that override a provider's URLs: ``{"base_url": "KIE_BASE_URL", …}``."""
    stem = variable_stem(provider.name)
    variables = {"base_url": f"{stem}_BASE_URL"}
    if provider.upload_url is not None:
        variables["upload_url"] = f"{stem}_UPLOAD_URL"
    return variables


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


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address means this machine, judged without resolving it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    if isinstance(value, str | int | float):
        return str(value)
    raise SettingsError(
        f'{path}: "{sanitize(name, 60)}" must be a string, a number, true or false.'
    )
