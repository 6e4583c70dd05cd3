"""Providers and their keys as objects in JSON: what programs compute with instead of the pages."""

from collections.abc import Iterator, Mapping
from itertools import product

from ..core.errors import SettingsError
from ..core.keys import Keys
from ..core.money import list_price, pricing_options
from ..core.options import OptionInfo, options_of
from ..core.plugins import Registry
from ..core.provider import AUTO, Provider
from ..core.request import VideoRequest
from ..core.settings import Settings
from ..core.text import sentence

Object = dict[str, object]

#: What a program calls the types of options.
_TYPES: Mapping[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"
}  # fmt: skip


def provider_object(provider: Provider, origin: str, settings: Settings) -> Object:
    """
    All about a provider: its key's place, its limits, prices and own options.

    `origin` is where it comes from: a plug-in's name has a colon.
    """
    limits = provider.limits
    return {
        "provider": provider.name,
        "title": provider.title,
        "plugin": origin if ":" in origin else None,
        "key": key_object(provider, settings),
        "key_page": provider.key_page,
        "tasks_page": provider.tasks_page,
        "base_url": provider.base_url,
        "upload_url": provider.upload_url,
        "balance_url": provider.balance_url,
        "longest_prompt": limits.text_prompt,
        "longest_prompt_with_image": limits.image_prompt,
        "durations": list(limits.durations),
        "aspect_ratios": list(limits.aspect_ratios),
        "image_formats": list(limits.image_formats),
        "image_bytes": limits.image_bytes if limits.image_formats else None,
        "image_pixels": limits.image_pixels if limits.image_formats else None,
        "image_area": limits.image_area,
        "end_image": limits.end_image,
        "callback_url": provider.takes_callback_url,
        "submissions": _pace(provider),
        "cancel": provider.can("cancel"),
        "find": provider.can("find"),
        "balance": provider.can("balance"),
        "quote": provider.can("quote"),
        "cost_unit": provider.cost_unit,
        "usd_per_unit": provider.usd_per_unit,
        "prices": list(_prices(provider)),
        "charges": provider.charges or None,
        "options": [_option(info) for info in options_of(provider.Options)],
    }


def auto_object(registry: Registry, settings: Settings) -> Object:
    """Whom "auto" asks: in the order that is set, or else whoever has a key."""
    keys = {name: key_object(each, settings)["set"] for name, each in registry.providers.items()}
    return {
        "provider": AUTO,
        "preferred": list(settings.preferred) or None,
        "with_key": [name for name, is_set in keys.items() if is_set],
    }


def key_object(provider: Provider, settings: Settings) -> Object:
    """Where a provider's key comes from, never the key itself."""
    keys, key, error = Keys(settings), None, None
    try:
        key = keys.find(provider)
    except SettingsError as problem:
        error = sentence(problem, 1000)
    in_file = key is not None and key.variable is None
    return {
        "provider": provider.name,
        "set": key is not None,
        "variable": None if key is None else key.variable,
        "file": str(keys.path) if in_file else None,
        "error": error,
    }


def _pace(provider: Provider) -> Object | None:
    if provider.limits.submissions is None:
        return None
    number, seconds = provider.limits.submissions
    return {"tasks": number, "seconds": seconds}


def _prices(provider: Provider) -> Iterator[Object]:
    """The list price of each kind of video, where that is known."""
    own = [[(info.name, value) for value in values] for info, values in pricing_options(provider)]
    chosen = [dict(each) for each in product(*own)]
    for duration, sound, options in product(provider.limits.durations, (False, True), chosen):
        request = VideoRequest("A price", duration=duration, sound=sound)
        price = list_price(provider, request, options)
        if price is not None:
            yield {"duration": duration, "sound": sound, "options": options, "usd": price}


def _option(info: OptionInfo) -> Object:
    return {
        "name": info.name,
        "type": _TYPES.get(info.type, "string"),
        "choices": list(info.choices) or None,
        "minimum": info.bounds.minimum,
        "maximum": info.bounds.maximum,
        "max_length": info.bounds.max_length,
        "default": info.default,
        "help": info.help,
    }
