"""Copies for code of a plug-in, which may change them: nobody else has them."""

import copy
from typing import TypeVar

from .hookspecs import Sandbox
from .provider import Provider

T = TypeVar("T")


def lent(value: T) -> T:
    """A copy of a provider, with limits and tables of its own, or of an emulator; others as is."""
    if not isinstance(value, Provider | Sandbox):
        return value
    try:
        shown = copy.copy(value)
    except Exception:  # noqa: BLE001 - a plug-in may make copies in its own way.
        return value
    if isinstance(shown, Provider):
        for name in ("limits", "states", "errors"):
            _own(shown, name)
    return shown


def _own(provider: Provider, name: str) -> None:
    """Give a copy what its class, or the original, has shared with it."""
    try:
        vars(provider)[name] = copy.deepcopy(getattr(provider, name))
    except Exception:  # noqa: BLE001 - the same.
        return


def copied(value: T) -> T:
    """A deep copy, of what can be copied."""
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001
        return value
