"""`kling26 keys`: sets, deletes and looks up API keys, and never shows one."""

import logging
import sys
from functools import partial
from getpass import getpass
from typing import Annotated

from cyclopts import App, Parameter

from ..core.errors import SettingsError, UnknownProvider
from ..core.keys import Keys
from ..core.plugins import Registry, load_installed
from ..core.provider import Provider
from ..core.settings import Settings
from . import key_texts, provider_pages
from .console import answer, say
from .parameters import ObjectPerProvider, OneObject
from .provider_objects import key_object
from .work import Interrupted

keys: App = App(
    name="keys",
    help="Store, delete or look up API keys.",
    help_epilogue="Example: `kling26 keys set kie`",
    group_commands="Commands",
)

ProviderName = Annotated[str, Parameter(help="The provider, as `kling26 providers` lists it.")]


def installed(shown: bool = False, emulators: bool = False) -> Registry:
    """
    The installed providers, and if asked for, their `emulators`.

    What is wrong with plug-ins is logged, unless it is `shown` anyway.
    """
    logger = logging.getLogger("kling26")
    before = logger.level
    if shown and before != logging.DEBUG:
        logger.setLevel(logging.ERROR)
    try:
        registry = load_installed(Settings())
        if emulators:
            registry.emulators.found()
    finally:
        logger.setLevel(before)
    Settings().check(registry.providers.values(), registry.problems)
    return registry


@keys.command(name="set")
def set_key(name: ProviderName, /, *, as_json: OneObject = False) -> int:
    """
    Store a provider's API key, readable only by you.

    It is not shown while you type. If stdin is not a terminal, one line is read from it.
    """
    provider, stored = _named(name), Keys(Settings())
    note = stored.set(provider, _read(provider))
    text = key_texts.key_stored(provider, stored.path)
    answer(text, as_json, lambda: key_object(provider, Settings()))
    if note is not None:
        say(note)
    if (variable := key_texts.in_environment(provider.key_variables)) is not None:
        say(key_texts.counts_first(variable))
    return 0


@keys.command(name="unset", help_epilogue="Example: `kling26 keys unset kie`")
def unset_key(name: ProviderName, /, *, as_json: OneObject = False) -> int:
    """Delete a provider's stored API key."""
    provider, stored = _named(name), Keys(Settings())
    text = key_texts.key_unset(provider, stored.unset(provider))
    answer(text, as_json, lambda: key_object(provider, Settings()))
    if (variable := key_texts.in_environment(provider.key_variables)) is not None:
        say(key_texts.still_counts(variable))
    return 0


@keys.command(
    name="show",
    usage="Usage: kling26 keys show [OPTIONS] [NAME]",
    help_epilogue="Example: `kling26 keys show`",
)
def show_key(
    name: Annotated[str | None, Parameter(help="Show the key of this one only.")] = None,
    /,
    *,
    as_json: ObjectPerProvider = False,
) -> int:
    """Show where the API key of each provider comes from, never the key itself."""
    chosen = installed().providers.values() if name is None else [_named(name)]
    for provider in chosen:
        source = provider_pages.key_source(provider, Settings(), provider.key_page)
        text = f"{provider.title}: {source}"
        answer(text, as_json, partial(key_object, provider, Settings()))
    return 0


def _named(name: str) -> Provider:
    """The provider of that name; a wrong name is not repeated, for it might be a key."""
    registry = installed()
    if name not in registry.providers:
        raise UnknownProvider(key_texts.no_such_provider(name, list(registry.providers)))
    return registry[name]


def _read(provider: Provider) -> str:
    try:
        return _typed(provider) if sys.stdin.isatty() else sys.stdin.readline()
    except KeyboardInterrupt:
        raise Interrupted(key_texts.NO_KEY_STORED) from None


def _typed(provider: Provider) -> str:
    try:
        return getpass(key_texts.key_prompt(provider))
    except KeyboardInterrupt:
        say("")  # The prompt's line ends here.
        raise
    except EOFError:
        raise SettingsError(key_texts.NO_KEY_ENTERED) from None
