"""The file ``config.toml`` in the home folder."""

from collections.abc import Collection
from pathlib import Path

from .errors import SettingsError
from .home import advise_of_file
from .text import closest, join_words, reason, sanitize
from .toml import read_toml

#: The names that are no provider's.
NAMES = (
    "journal", "sandbox", "sandbox_faults", "sandbox_queued", "provider", "prefer",
    "load_plugins", "trace_plugins", "hosts", "max_cost_per_day", "max_tasks_per_day",
    "max_tasks_per_hour",
)  # fmt: skip
#: How the names for the URLs of providers end.
_URL_ENDINGS = ("_base_url", "_upload_url", "_balance_url")


def read_config(path: Path) -> dict[str, str]:
    """The values in the file as text, by name in lower case; raises `SettingsError`."""
    try:
        found = read_toml(path)
    except OSError as error:
        raise SettingsError(advise_of_file(path, "read", error)) from error
    except ValueError as error:
        raise SettingsError(f"{sanitize(path)} cannot be read: {reason(error)}.") from error
    values: dict[str, str] = {}
    for name, value in found.items():
        if name.lower() in values:
            raise SettingsError(f'{sanitize(path)} sets "{name.lower()}" twice.')
        values[name.lower()] = _text(path, name, value)
    return values


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    if isinstance(value, str | int | float):
        return str(value)
    what = "; it is a table" if isinstance(value, dict) else ""
    raise SettingsError(
        f'{sanitize(path)}: "{sanitize(name, 60)}" must be a string, a number, true or false{what}.'
    )


def check_names(
    path: Path, names: Collection[str], url_names: Collection[str], all_loaded: bool
) -> None:
    """
    Raise `SettingsError` if the file has a name that means nothing.

    `url_names` are the names for the URLs of providers. Without `all_loaded`, another one may
    belong to a plug-in that has been left out.
    """
    known = (*NAMES, *url_names)
    for name in names:
        if name in known:
            continue
        stem = next((name.removesuffix(e) for e in _URL_ENDINGS if name.endswith(e)), name)
        is_url = stem != name
        similar = _similar(name, known, url_names)
        if similar is None and is_url and not all_loaded:
            continue
        problem = f'{sanitize(path)}: there is no setting "{sanitize(name, 60)}"'
        if similar is not None:
            problem += f'; did you mean "{similar}"?'
        elif is_url:
            problem += f', because no provider "{sanitize(stem, 60)}" is installed.'
        elif name == "home":
            problem = f"{sanitize(path)} is in the home folder, so only KLING26_HOME can set that."
        elif name.endswith(("_key", "_token")):
            problem += "; API keys belong in keys.toml."
        else:
            problem += f". There are {join_words(known, 'and')}."
        raise SettingsError(problem)


def _similar(name: str, known: Collection[str], url_names: Collection[str]) -> str | None:
    """The name that is meant, if one is."""
    name = name.removeprefix("kling26_")
    if name in known:
        return name
    for ending in _URL_ENDINGS:
        if name.endswith(ending):
            # The ending alone would make any two such names alike.
            stems = {each.rsplit("_", 2)[0]: each for each in reversed([*url_names])}
            stems |= {e.removesuffix(ending): e for e in url_names if e.endswith(ending)}
            meant = closest(name.removesuffix(ending), stems)
            return None if meant is None else stems[meant]
    return closest(name, known)
