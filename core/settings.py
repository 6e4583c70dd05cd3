"""
Settings: defaults, then ``config.toml`` in the home folder, then the environment.

``config.toml`` takes the names of the variables in lower case, without the ``kling26_``::

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

from .errors import SettingsError
from .provider import Provider
from .text import reason, sanitize

#: How long a call waits for its video unless it is given another time, in seconds.
TIMEOUT = 3600.0

_PREFIX = "KLING26_"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


@define(frozen=True, slots=False, eq=False)
class Settings:
    """
    What is set, and where: an environment over the ``config.toml`` of the home folder.

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
                    f'KLING26_HOME is "{sanitize(chosen, 100)}", and there is no such user.'
                ) from error
        import platformdirs  # Only where nothing is set.

        return Path(platformdirs.user_data_dir("kling26", appauthor=False))

    @cached_property
    def _file(self) -> dict[str, str]:
        path = self.home / "config.toml"
        try:
            text = path.read_text("utf-8")
            import tomllib  # Its patterns take a while to compile, and few have such a file.

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
            value = self._file.get(variable.removeprefix(_PREFIX).lower())
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
        """The provider where none is named (``KLING26_PROVIDER``)."""
        return self.get("KLING26_PROVIDER") or "kie"

    @property
    def load_plugins(self) -> tuple[str, ...] | None:
        """The distributions whose plug-ins are loaded; None: all (``KLING26_LOAD_PLUGINS``)."""
        names = self.get("KLING26_LOAD_PLUGINS")
        if names is None:
            return None
        return tuple(name.strip() for name in names.split(",") if name.strip())

    def _flag(self, variable: str) -> bool:
        value = (self.get(variable) or "").strip().lower()
        if value not in _TRUE + _FALSE:
            raise SettingsError(f'{variable} is "{sanitize(value, 60)}"; set it to 1 or 0.')
        return value in _TRUE

    def configure(self, provider: Provider) -> Provider:
        """The provider at the addresses that are set for it."""
        found = {
            attribute: address
            for attribute, variable in url_variables(provider).items()
            if (address := self._address(variable))
        }
        return provider.at(found) if found else provider

    def _address(self, variable: str) -> str | None:
        address = self.get(variable)
        if not address:
            return None
        if is_safe_url(address):
            return address
        raise SettingsError(
            f'{variable} is "{sanitize(address, 100)}"; it takes an https:// address, or an '
            "http:// address on this machine."
        )


def url_variables(provider: Provider) -> dict[str, str]:
    """The variables that move a provider: ``{"base_url": "KIE_BASE_URL", …}``."""
    stem = provider.name.upper().replace("-", "_")
    variables = {"base_url": f"{stem}_BASE_URL"}
    if provider.upload_url is not None:
        variables["upload_url"] = f"{stem}_UPLOAD_URL"
    return variables


def is_safe_url(address: str) -> bool:
    """Whether a key may be sent to an address: https, or plain http on this machine."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port  # Either may be nonsense.
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or ""))
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine, as far as its text tells."""
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
        f'{path}: "{sanitize(name, 60)}" must be a text, a number, or true or false.'
    )
