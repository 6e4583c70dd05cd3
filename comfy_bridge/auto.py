"""Who may make a video of the choice "auto", as far as that is known before a run."""

from ..core.errors import Kling26Error
from ..core.keys import Keys
from ..core.plugins import Registry
from ..core.provider import Provider
from ..core.settings import Settings
from .prices import Row, cheapest


def candidates(registry: Registry) -> list[Provider]:
    """
    The providers that may make it, in the order in which they are preferred, or in menu order.

    Raises `SettingsError`. A name that nobody has is left to core, which refuses it.
    """
    names = Settings().preferred or registry.providers
    return [registry.providers[name] for name in names if name in registry.providers]


def prices(registry: Registry) -> list[Row]:
    """The price table of "auto": that of the providers with a key, as far as they can be read."""
    try:
        with_keys = [each for each in candidates(registry) if _has_key(each)]
        return cheapest(with_keys, in_order=bool(Settings().preferred))
    except Kling26Error:
        return []


def _has_key(provider: Provider) -> bool:
    try:
        return Keys(Settings()).find(provider) is not None
    except Kling26Error:  # A key that cannot be one; "auto" passes it over.
        return False
