"""
The routes behind the settings page in ComfyUI: which keys are set, and setting one.

A key goes in and never comes out. It is kept in ``keys.toml`` of the home folder, where the
command line finds it too, and in none of ComfyUI's own settings.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from ..core.errors import Kling26Error
from ..core.keys import Keys
from ..core.options import options_of
from ..core.plugins import Registry
from ..core.provider import Provider
from ..core.settings import Settings
from . import auto, comfyui, texts
from .prices import price_table
from .words import words

#: More than any key, and little enough to read without harm.
_LONGEST_BODY = 4096


@frozen
class Answer:
    """An HTTP status and the body that goes with it."""

    status: int
    content: object


def providers(registry: Registry) -> Answer:
    """
    Every provider: its names, whether its key is set and from where, and its list prices.

    `auto` has the prices of the choice of any of them. `texts` are the labels and tooltips that a
    plug-in gives its widgets: our locales have none.
    """
    known = [
        {**_about(each), "texts": {} if _built_in(registry, name) else _texts(each)}
        for name, each in registry.providers.items()
    ]
    return Answer(200, {"providers": known, "auto": {"prices": auto.prices(registry)}})


def set_key(registry: Registry, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Store the key in ``{"key": "…"}``; `note` says what of it did not belong to the key."""
    problem = _foreign(headers) or _unreadable(body)
    if problem is not None:
        return problem
    try:
        provider = registry[name]
        note = Keys(Settings()).set(provider, json.loads(body)["key"])
    except Kling26Error as error:
        return Answer(400, {"error": str(error)})
    return Answer(200, {**_about(provider), "note": note})


def unset_key(registry: Registry, name: str, headers: Mapping[str, str]) -> Answer:
    """Delete a stored key; one in the environment stays."""
    problem = _foreign(headers)
    if problem is not None:
        return problem
    try:
        provider = registry[name]
        Keys(Settings()).unset(provider)
    except Kling26Error as error:
        return Answer(400, {"error": str(error)})
    return Answer(200, _about(provider))


def add_routes(registry: Registry) -> None:
    """Serve the above."""

    async def get(_: Any) -> Any:
        return _send(providers(registry))

    async def post(request: Any) -> Any:
        body = await request.content.read(_LONGEST_BODY + 1)
        return _send(set_key(registry, request.match_info["provider"], request.headers, body))

    async def delete(request: Any) -> Any:
        return _send(unset_key(registry, request.match_info["provider"], request.headers))

    comfyui.add_route("GET", "/kling26/providers", get)
    comfyui.add_route("POST", "/kling26/keys/{provider}", post)
    comfyui.add_route("DELETE", "/kling26/keys/{provider}", delete)


def _send(answer: Answer) -> Any:
    return comfyui.answer(answer.status, answer.content)


def _built_in(registry: Registry, name: str) -> bool:
    return registry.origins[name].startswith("providers.")


def _texts(provider: Provider) -> dict[str, object]:
    return {
        f"provider.{info.name}": {"label": info.label, "tooltip": info.help}
        for info in options_of(provider.Options)
    }


def _about(provider: Provider) -> dict[str, object]:
    key, problem = None, None
    try:
        key = Keys(Settings()).find(provider)
    except Kling26Error as error:
        problem = str(error)
    return {
        "name": provider.name,
        "title": provider.title,
        "key_variable": (key and key.variable) or provider.key_variable,
        "key_page": provider.key_page,
        "key": {"set": key is not None, "source": key.source if key else None, "problem": problem},
        "prices": price_table(provider),
    }


def _foreign(headers: Mapping[str, str]) -> Answer | None:
    """
    The refusal of a request that does not come from ComfyUI's own page.

    Any page that a user has open can send one to this machine; only the browser says which it was.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        ours = site == "same-origin"
    else:
        origin = urlsplit(headers.get("Origin", "")).netloc.lower()
        ours = origin != "" and origin == headers.get("Host", "").lower()
    if ours:
        return None
    return Answer(403, {"error": texts.foreign_page(words())})


def _unreadable(body: bytes) -> Answer | None:
    """The refusal of a body that contains no key."""
    try:
        content = json.loads(body) if len(body) <= _LONGEST_BODY else None
    except ValueError:
        content = None
    if isinstance(content, dict) and isinstance(content.get("key"), str):
        return None
    return Answer(400, {"error": texts.no_key_in_body(words())})
