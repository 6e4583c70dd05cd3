"""
The routes behind the settings page in ComfyUI: which keys are set, and setting one.

A key goes in and never comes out. It is kept in ``keys.toml`` of the home folder, where the
command line finds it too, and in none of ComfyUI's own settings.
"""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from ..core.errors import KeyRejected, Kling26Error
from ..core.keys import Keys
from ..core.options import options_of
from ..core.plugins import Registry
from ..core.provider import Provider
from ..core.settings import Settings
from . import auto, comfyui, routes
from .error_texts import what_happened
from .figures import join
from .money_page import check_object, checked, named
from .prices import price_table
from .public import public
from .routes import Answer, BadRequest, Call
from .told import in_words
from .words import Words

if TYPE_CHECKING:
    from ..core.runner.key_check import KeyCheck


#: How many keys have been entered for each provider: the last one counts, however long it takes to
#: check those before it.
_turns: Counter[str] = Counter()


def add_routes(registry: Registry) -> None:
    """Serve them; whether several people share the keys is told, too."""

    async def get(call: Call) -> Answer:
        known = await asyncio.to_thread(providers, registry, call.words)
        return Answer(200, {**known, "shared": comfyui.has_users()})

    async def post(call: Call) -> Answer:
        provider = named(registry, call)
        key = call.text("key")
        turn = _turns[provider.name] = _turns[provider.name] + 1
        check = await checked(provider.name, key)
        if isinstance(check.problem, KeyRejected):
            raise check.problem
        if turn != _turns[provider.name]:
            raise BadRequest(call.words("routes.later_key", provider=provider.title), 409)
        note = await asyncio.to_thread(Keys(Settings()).set, provider, key)
        about = await asyncio.to_thread(_about, provider, call.words)
        told = join(
            call.words, _left_out(note, call.words), _not_checked(provider, check, call.words)
        )
        return Answer(200, {**about, **check_object(check), "note": told or None})

    async def delete(call: Call) -> Answer:
        provider = named(registry, call)
        await asyncio.to_thread(Keys(Settings()).unset, provider)
        return Answer(200, await asyncio.to_thread(_about, provider, call.words))

    routes.add("GET", "/kling26/providers", get)
    routes.add("POST", "/kling26/keys/{provider}", post)
    routes.add("DELETE", "/kling26/keys/{provider}", delete)


def _left_out(note: str | None, words: Words) -> str:
    """Core's sentence on what did not belong to a key, in a language."""
    return "" if note is None else in_words(words, note) or note


def _not_checked(provider: Provider, check: "KeyCheck", words: Words) -> str:
    """A sentence if it is not known whether the provider takes the key."""
    if check.accepted is not None:
        return ""
    if check.problem is not None:
        return public(
            join(words, words("routes.kept_problem"), what_happened(words, check.problem))
        )
    if Settings().sandbox:
        return words("routes.kept_rehearsal")
    return words("routes.kept", provider=provider.title)


def providers(registry: Registry, words: Words) -> dict[str, object]:
    """
    Every provider: its names, whether its key is set and from where, and its list prices.

    `auto` has the prices of the choice of any of them. `texts` are the labels and tooltips that a
    plug-in gives its widgets: our locales have none.
    """
    known = [
        {**_about(each, words), "texts": {} if _built_in(registry, name) else _texts(each)}
        for name, each in registry.providers.items()
    ]
    return {"providers": known, "auto": {"prices": auto.prices(registry)}}


def _built_in(registry: Registry, name: str) -> bool:
    return registry.origins[name].startswith("providers.")


def _texts(provider: Provider) -> dict[str, object]:
    return {
        f"provider.{info.name}": {"label": info.label, "tooltip": info.help}
        for info in options_of(provider.Options)
    }


def _about(provider: Provider, words: Words) -> dict[str, object]:
    key, problem = None, None
    try:
        key = Keys(Settings()).find(provider)
    except Kling26Error as error:
        problem = public(what_happened(words, error, provider))
    return {
        "name": provider.name,
        "title": provider.title,
        "key_variable": (key and key.variable) or provider.key_variable,
        "key_page": provider.key_page,
        "tasks_page": provider.tasks_page,
        "can": {flow: provider.can(flow) for flow in ("balance", "cancel", "find")},
        "key": {"set": key is not None, "source": key.source if key else None, "problem": problem},
        "prices": price_table(provider),
    }
