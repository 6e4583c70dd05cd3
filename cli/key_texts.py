"""What the command line says of API keys."""

from collections.abc import Sequence
from pathlib import Path

from ..core.provider import Provider
from ..core.settings import Settings
from ..core.text import did_you_mean, join_words

NO_KEY_ENTERED = "No key was entered, so none was stored."
NO_KEY_STORED = "Interrupted. No key was stored."
#: How to set any provider's key, after a sentence that names the variables.
SET_ANY_KEY = "Or store one with: kling26 keys set NAME"


def set_key(name: str, variables: Sequence[str], page: str | None) -> str:
    """How to set a provider's key; one in the environment takes precedence over a stored one."""
    keys = f" (keys: {page})" if page else ""
    in_use = in_environment(variables)
    if in_use is not None:
        return f"Set {in_use} to another key{keys}"
    command = f"kling26 keys set {name}{keys}"
    return f"Set {join_words(variables)}, or run: {command}" if variables else f"Run: {command}"


def in_environment(variables: Sequence[str]) -> str | None:
    """Which of the variables that may contain a key does, or None."""
    environ = Settings().environ
    return next((name for name in variables if environ.get(name, "").strip()), None)


def key_prompt(provider: Provider) -> str:
    page = f" ({provider.key_page})" if provider.key_page else ""
    return f"API key for {provider.title}{page}: "


def key_stored(provider: Provider, path: Path) -> str:
    return f"The key for {provider.title} is stored in {path}, which only you can read."


def key_unset(provider: Provider, there_was_one: bool) -> str:
    if there_was_one:
        return f"Deleted the stored key for {provider.title}."
    return f"No key is stored for {provider.title}."


def counts_first(variable: str) -> str:
    return f"{variable} is set as well, and takes precedence over the stored key."


def still_counts(variable: str) -> str:
    return f"{variable} is still set, so that key is used."


def no_such_provider(typed: str, names: Sequence[str]) -> str:
    """Without the name that was typed, which might be a key."""
    others = did_you_mean(typed, names) or f". Installed: {join_words(names, 'and')}."
    return f"There is no such provider{others}"
