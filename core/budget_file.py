"""Setting the budget in ``config.toml``, where everything else stays as its user has written it."""

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from .atomic import look_at, replacing
from .config import read_config
from .errors import SettingsError
from .home import advise_of_file
from .locks import locked
from .pasted import plain
from .settings import Settings, variable_of
from .spending import LIMITS
from .text import sanitize

#: More than anybody means, and a number that every program reads as it is.
_MOST = 1_000_000_000
#: A value on one line, and what follows it there.
_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s"'#\[{][^\s#]*)(?P<rest>[ \t]*(?:\#[^\n]*)?\r?)$"""


def checked_limits(values: Mapping[str, object]) -> dict[str, int | float | None]:
    """Limits by their names, None for none; raises `SettingsError` for anything else."""
    return {name: _limit(name, value) for name, value in values.items()}


def _limit(name: str, value: object) -> int | float | None:
    if name not in LIMITS:
        raise SettingsError(f'There is no limit "{sanitize(name, 60)}".')
    kind, what = (int | float, "an amount in USD") if name == LIMITS[0] else (int, "a whole number")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kind) or not 0 <= value <= _MOST:
        raise SettingsError(f"{name} must be {what} from 0 to {_MOST}, or null for no limit.")
    return value


def set_limits(settings: Settings, limits: Mapping[str, int | float | None]) -> None:
    """
    Set these limits in the settings' file, whole or not at all.

    Raises `SettingsError`: if the environment decides, or the file cannot be changed.
    """
    for name in limits:
        if plain(settings.environ.get(variable_of(name), "")):
            raise SettingsError(
                f"{variable_of(name)} is set in the environment, which decides; change it there."
            )
    if not limits:
        return
    path = settings.config_path
    try:
        with locked(path):
            _change(path, {name: _toml(value) for name, value in limits.items()})
    except OSError as error:
        raise SettingsError(advise_of_file(path, "written", error)) from error


def _toml(value: int | float | None) -> str:
    return '"none"' if value is None else repr(value)


def _change(path: Path, values: Mapping[str, str]) -> None:
    read_config(path)  # What cannot be read is not written either.
    found = look_at(path)
    old = path.read_bytes() if found else b""
    mark = codecs.BOM_UTF8 if old.startswith(codecs.BOM_UTF8) else b""
    text = old.removeprefix(mark).decode("utf-8")
    for name, value in values.items():
        text = _changed(path, text, name, value)
    with replacing(path, found.st_mode & 0o777 if found else 0o600) as temporary:
        temporary.write_bytes(mark + text.encode("utf-8"))


def _changed(path: Path, text: str, name: str, value: str) -> str:
    """The text of the file with one value changed, or added; raises `SettingsError`."""
    meant = {**(_read(text) or {}), name: tomllib.loads(f"x = {value}")["x"]}
    for candidate in _candidates(text, name, value):
        if _read(candidate) == meant:
            return candidate
    raise SettingsError(
        f'"{name}" in {sanitize(path)} is written in a way that only you can change.'
    )


def _candidates(text: str, name: str, value: str) -> Iterator[str]:
    """The text with the value in place of what looks like the one of that name, or at the end."""
    pattern = re.compile(
        rf"""^(?P<start>[ \t]*(["']?){name}\2[ \t]*=[ \t]*){_VALUE}""", re.MULTILINE | re.IGNORECASE
    )
    for found in pattern.finditer(text):
        changed = f"{found['start']}{value}{found['rest']}"
        yield text[: found.start()] + changed + text[found.end() :]
    end = "\r\n" if "\r\n" in text else "\n"
    between = end if text and not text.endswith("\n") else ""
    yield f"{text}{between}{name} = {value}{end}"


def _read(text: str) -> dict[str, object] | None:
    """What the file would say, by name in lower case; None if it could not be read."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    named = {name.lower(): value for name, value in found.items()}
    return named if len(named) == len(found) else None
