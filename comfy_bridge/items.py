"""
The items of the lists that a node is linked to.

ComfyUI would run a node once for each item, all at once, and drop what all of them have made if one
of them fails, paid as it is. So the node takes the lists as they are, and goes through them itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.errors import OptionRefused
from .words import Words


def items(lists: Mapping[str, Any], words: Words) -> list[dict[str, Any]]:
    """
    The inputs of each item; of a list that is shorter than others, the last item is repeated.

    What is no list is the same for all items: an option that is absent is None, and the options of
    a choice are in a mapping. Raises `OptionRefused` for an empty list.
    """
    longest = 1
    for name, each in _lists(lists):
        if not each:
            raise OptionRefused(words("inputs.empty_list", name=name), option=name)
        longest = max(longest, len(each))
    return [_item(lists, place) for place in range(longest)]


def _lists(values: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    for name, value in values.items():
        if isinstance(value, list | tuple):
            yield name, value
        elif isinstance(value, Mapping):
            yield from _lists(value)


def _item(values: Mapping[str, Any], place: int) -> dict[str, Any]:
    return {name: _of(value, place) for name, value in values.items()}


def _of(value: Any, place: int) -> Any:
    if isinstance(value, list | tuple):
        return value[min(place, len(value) - 1)]
    return _item(value, place) if isinstance(value, Mapping) else value
