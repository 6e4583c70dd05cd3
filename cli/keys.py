"""`kling26 keys`: what is known of the providers' API keys, and never the keys themselves."""

import logging
import sys
from getpass import getpass
from typing import Annotated

from cyclopts import App, Parameter

from ..core.errors import SettingsError, UnknownProvider
from ..core.keys import Keys
from ..core.plugins import Registry, discover, load_providers
from ..core.provider import Provider
from ..core.settings import Settings
from ..core.text import join_words
from .console import result, say

keys: App = App(name="keys", help="Store, forget or look up the API key of a provider.")

ProviderName = Annotated[str, Parameter(help="The provider, as `kling26 providers` lists it.")]


def installed(told: bool = False) -> Registry:
    """The installed providers; with `told`, what was left out is not logged as well."""
    logger = logging.getLogger("kling26")
    before, found = logger.level, discover(Settings().load_plugins)
    logger.setLevel(logging.ERROR if told else before)
    try:
        return load_providers(found)
    finally:
        logger.setLevel(before)


@keys.command(name="set")
def set_key(name: ProviderName, /) -> int:
    """
    Store a provider's API key, for yourself alone.

    It is asked for and typed without echo, or read as one line from stdin.
    """
    provider, stored = _named(name), Keys(Settings())
    stored.set(provider, _typed(provider) if sys.stdin.isatty() else sys.stdin.readline())
    result(f"The key for {provider.title} is stored in {stored.path}, for yourself alone.")
    if stored.settings.environ.get(provider.key_variable):
        say(f"{provider.key_variable} is set as well, and counts before the stored key.")
    return 0


@keys.command(name="unset")
def unset_key(name: ProviderName, /) -> int:
    """Forget the stored API key of a provider."""
    provider, stored = _named(name), Keys(Settings())
    known = stored.unset(provider)
    result(f"The stored key for {provider.title} is {'forgotten' if known else 'not there'}.")
    if stored.settings.environ.get(provider.key_variable):
        say(f"{provider.key_variable} is still set, and goes on giving one.")
    return 0


@keys.command(name="show")
def show_key(name: ProviderName, /) -> int:
    """Say where the API key of a provider comes from; the key itself is never shown."""
    from . import words

    provider = _named(name)
    source = words.of_key(provider, Settings())
    if source.startswith("not set") and provider.key_page:
        source += f" (keys: {provider.key_page})"
    result(f"{provider.title}: {source}")
    return 0


def _named(name: str) -> Provider:
    """The provider of that name; a wrong name is not repeated, for it might be a key."""
    registry = installed()
    if name not in registry.providers:
        names = join_words(registry.providers, "and")
        raise UnknownProvider(f"There is no such provider. Installed: {names}.")
    return registry[name]


def _typed(provider: Provider) -> str:
    where = f" ({provider.key_page})" if provider.key_page else ""
    try:
        return getpass(f"API key of {provider.title}{where}: ")
    except EOFError:
        raise SettingsError("No key was typed; nothing is stored.") from None
