"""
API keys: in the environment, or in ``keys.toml`` in the home folder, which only its owner can read.

Keys are read each time they are needed, so a new one takes effect at once.
"""

from pathlib import Path
from typing import Literal

from attrs import field, frozen

from .atomic import read_file, replacing
from .errors import MissingKey, Remedy, SettingsError
from .provider import Provider
from .settings import Settings
from .text import reason, sanitize


@frozen
class Key:
    """A provider's key, which the repr leaves out, and where it came from."""

    value: str = field(repr=False)
    source: Literal["environment", "keys.toml", "sandbox"]


@frozen
class Keys:
    """The user's keys."""

    settings: Settings

    @property
    def path(self) -> Path:
        return self.settings.home / "keys.toml"

    def find(self, provider: Provider) -> Key | None:
        """The provider's key, or None."""
        value = self.settings.environ.get(provider.key_variable, "").strip()
        if value:
            return Key(_usable(value, provider.key_variable), "environment")
        value = self._stored().get(provider.name, "").strip()
        return Key(_usable(value, str(self.path)), "keys.toml") if value else None

    def need(self, provider: Provider) -> Key:
        """The provider's key; raises `MissingKey` if there is none."""
        key = self.find(provider)
        if key is None:
            raise MissingKey(
                f"{provider.title} needs an API key.",
                provider=provider.name,
                remedy=Remedy("set_key", variable=provider.key_variable, page=provider.key_page),
            )
        return key

    def set(self, provider: Provider, value: str) -> None:
        """Store a key, so that only the file's owner can read it."""
        self._write({**self._stored(), provider.name: _usable(value.strip(), "The key")})

    def unset(self, provider: Provider) -> bool:
        """Delete a stored key; returns whether there was one."""
        stored = self._stored()
        known = stored.pop(provider.name, None) is not None
        if known:
            self._write(stored)
        return known

    def _stored(self) -> dict[str, str]:
        try:
            text = read_file(self.path).decode()
            import tomllib  # Slow to import; see `Settings`.

            values = tomllib.loads(text)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be read: {reason(error)}.") from error
        except ValueError:
            # The parser's own message may quote the line, and with it the key.
            raise SettingsError(f"{self.path} is not valid TOML; fix or delete it.") from None
        return {name: value for name, value in values.items() if isinstance(value, str)}

    def _write(self, keys: dict[str, str]) -> None:
        import tomli_w

        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self.path) as stored, stored.open("wb") as file:
                tomli_w.dump(keys, file)
        except OSError as error:
            raise SettingsError(
                f"{sanitize(self.path)} cannot be written: {reason(error)}."
            ) from error


def _usable(value: str, source: str) -> str:
    """The key, if it can be sent in a header; the error never quotes it."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise SettingsError(
            f"{source} does not contain a usable API key: it is empty, or has spaces, line breaks "
            "or non-ASCII characters."
        )
    return value
