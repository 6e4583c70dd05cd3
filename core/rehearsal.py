"""How a provider is spoken of in a rehearsal, where its emulator takes its place."""

import copy

from .provider import Provider

_MARK = "_is_emulator"


def emulator(provider: Provider) -> Provider:
    """The provider as its emulator is spoken of, which has no pages to look at."""
    rehearsed = copy.copy(provider)
    names = {"title": f"{provider.title}'s emulator", "tasks_page": None, "key_page": None}
    for attribute, value in (names | {_MARK: True}).items():
        setattr(rehearsed, attribute, value)
    return rehearsed


def is_emulator(provider: Provider) -> bool:
    """Whether it is what `emulator` returns."""
    return getattr(provider, _MARK, False)


def of_money(provider: Provider, words: str) -> str:
    """`words` about what is paid; "" in a rehearsal, in which nothing is."""
    return "" if is_emulator(provider) else words
