"""
API keys: in the environment, or in ``keys.toml`` in the home folder, which only its owner can read.

Keys are read each time they are needed, so a new one takes effect at once.
"""

import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from attrs import field, frozen

from .atomic import replacing
from .errors import MissingKey, Remedy, SettingsError
from .home import advise_of_file
from .locks import locked
from .pasted import plain_key
from .provider import Provider
from .settings import Settings
from .text import closest, join_words, reason, sanitize
from .toml import NotToml, line_of, read_toml

logger: logging.Logger = logging.getLogger("kling26")

#: The beginning of a line that sets a variable.
_ASSIGNED = re.compile(r"[A-Z][A-Z0-9_]*(?:KEY|TOKEN|SECRET)=")


@frozen
class Key:
    """A provider's key, which the repr leaves out, and where it came from."""

    value: str = field(repr=False)
    source: Literal["environment", "keys.toml", "sandbox"]
    #: Which variable of the environment has it, if one does.
    variable: str | None = None


@frozen
class Keys:
    """The user's keys."""

    settings: Settings

    @property
    def path(self) -> Path:
        return self.settings.home / "keys.toml"

    def find(self, provider: Provider) -> Key | None:
        """The provider's key, or None."""
        for variable in provider.key_variables:
            value, _ = _pasted(self.settings.environ.get(variable, ""), provider)
            if value:
                return Key(_usable(value, variable), "environment", variable)
        value, _ = _pasted(self._stored().get(provider.name, ""), provider)
        return Key(_usable(value, sanitize(self.path)), "keys.toml") if value else None

    def need(self, provider: Provider) -> Key:
        """The provider's key; raises `MissingKey` if there is none."""
        key = self.find(provider)
        if key is None:
            raise MissingKey(
                f"{provider.title} needs an API key.{self._misnamed(provider)}",
                provider=provider.name,
                remedy=Remedy("set_key", variable=provider.key_variable, page=provider.key_page),
            )
        return key

    def _misnamed(self, provider: Provider) -> str:
        """A sentence on a key that is stored empty, or under another name; or nothing."""
        names, path = list(self._stored()), sanitize(self.path)
        if provider.name in names:
            return f' In {path}, "{provider.name}" is empty.'
        others = (provider.name.lower(), *(name.lower() for name in provider.key_variables))
        for name in names:
            if name.lower() in others:
                return f' {path} has "{name}", which has to be "{provider.name}".'
        similar = closest(provider.name, names)
        if similar is None:
            return ""
        return f' {path} has "{sanitize(similar, 60)}"; did you mean "{provider.name}"?'

    def read(self, provider: Provider, text: str) -> tuple[Key, str | None]:
        """
        The key in what a user has pasted, and a sentence on what else was in it, if anything was.

        Raises `SettingsError` if there is no key in it.
        """
        key, left_out = _pasted(text, provider)
        found = Key(_usable(key, "The key"), "keys.toml")
        if not left_out:
            return found, None
        what = join_words(left_out, "and")
        several = len(left_out) > 1 or what.endswith("s")  # "the quotes", in the plural
        verbs = ("are", "were") if several else ("is", "was")
        return found, (
            f"{what[0].upper()}{what[1:]} {verbs[0]} not part of the key and {verbs[1]} left out."
        )

    def set(self, provider: Provider, text: str) -> str | None:
        """
        Store the key in what a user has pasted, so that only the file's owner can read it.

        Returns the sentence of `read`.
        """
        key, note = self.read(provider, text)
        with self._locked():
            self._write({**self._stored(), provider.name: key.value})
        return note

    def unset(self, provider: Provider) -> bool:
        """Delete a stored key; returns whether there was one."""
        if provider.name not in self._stored():
            return False
        with self._locked():
            stored = self._stored()
            known = stored.pop(provider.name, None) is not None
            self._write(stored)
        return known

    def _stored(self) -> dict[str, str]:
        try:
            _make_secret(self.path)
            values = read_toml(self.path)
        except OSError as error:
            raise _failed(self.path, "read", error) from error
        except NotToml as error:
            raise SettingsError(f"{sanitize(self.path)} cannot be read: {error}.") from error
        except ValueError as error:
            # The parser's own message may quote the line, and with it the key.
            line = line_of(error)
            where = "" if line is None else f" in line {line}"
            raise SettingsError(
                f"{sanitize(self.path)} is not valid TOML{where}; fix or delete it."
            ) from None
        return {name: _text(self.path, name, value) for name, value in values.items()}

    def _write(self, keys: dict[str, str]) -> None:
        import tomli_w

        try:
            with replacing(self.path) as stored:
                _make_secret(stored)
                with stored.open("wb") as file:
                    tomli_w.dump(keys, file)
        except OSError as error:
            raise _failed(self.path, "written", error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile: a key that is set at the same time is kept."""
        try:
            with locked(self.path):
                yield
        except OSError as error:
            raise _failed(self.path, "written", error) from error


def _failed(path: Path, what: Literal["read", "written"], error: OSError) -> SettingsError:
    return SettingsError(advise_of_file(path, what, error))


def _make_secret(path: Path) -> None:
    """
    Make a file with keys unreadable to others, if it is there, and say so.

    Raises `OSError` if it cannot be read, and `SettingsError` if its mode cannot be changed.
    """
    if os.name == "nt" or not path.is_file() or not _is_shared(path):
        return
    problem = "its file system has no modes"
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)
    except OSError as error:
        problem = reason(error)
    if _is_shared(path):
        raise SettingsError(
            f"Other users can read or change the keys in {sanitize(path)}, and its mode cannot be "
            f"changed to 0600: {problem}. Change it, or set the keys in the environment instead."
        )
    logger.warning("Other users could read or change %s; now only you can.", sanitize(path))


def _is_shared(path: Path) -> bool:
    """Whether anybody but a file's owner may read or change it."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise SettingsError(f'{sanitize(path)}: "{sanitize(name, 60)}" must be a key in quotes.')


def _pasted(text: str, provider: Provider) -> tuple[str, tuple[str, ...]]:
    return plain_key(text, (*provider.key_variables, provider.name))


def _usable(key: str, source: str) -> str:
    """The key, if it can be sent in a header; the error never quotes it."""
    if not key:
        raise SettingsError(f"{source} is empty.")
    problems = {
        "it has blanks or line breaks inside": any(letter.isspace() for letter in key),
        "it has letters or signs that no key has": not (key.isascii() and key.isprintable()),
    }
    problem = next((words for words, there in problems.items() if there), None)
    if problem is not None:
        raise SettingsError(f"{source} does not contain a usable API key: {problem}.")
    if (other := _ASSIGNED.match(key)) is not None:
        raise SettingsError(
            f"{source} does not contain a usable API key: it begins with "
            f'"{sanitize(other[0], 60)}", which is the name of another one.'
        )
    return key
