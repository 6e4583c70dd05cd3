"""Several videos of one node: one for each item and seed, all at once, each its own paid task."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from . import comfyui
from .asked import Asked
from .board import Board
from .progress import Watch
from .running import NodeError, run
from .words import Words

if TYPE_CHECKING:
    from ..core.runner.results import Video

#: How often some of a node's videos were missing, by its id. ComfyUI takes it for an input, so that
#: the node runs again for the missing ones, and keeps the outputs where none was.
missed: dict[str, int] = {}


async def videos(asked: Sequence[Asked], first: Watch) -> "list[Video]":
    """
    The videos of all items, each with its seed and those after it, in this order.

    Where some cannot be made, the others; the node says what became of the missing ones. Raises an
    error for the person at the screen if there is none, or an interruption.
    """
    takes = [take for each in asked for take in _takes(each)]
    watches = [first, *(evolve(first) for _ in takes[1:])]
    for watch, take in zip(watches, takes, strict=True):
        watch.label = _label(take, first.words)
        watch.provider, watch.duration = take.given.provider, take.given.shared["duration"]
    runs = [run(take, watch) for take, watch in zip(takes, watches, strict=True)]
    return _made(await asyncio.gather(*runs, return_exceptions=True), first.board)


def _takes(asked: Asked) -> list[Asked]:
    request, count = asked.request, asked.given.shared["count"]
    if count == 1:
        return [asked]  # Core judges the seed.
    return [evolve(asked, request=evolve(request, seed=request.seed + n)) for n in range(count)]


def _label(take: Asked, words: Words) -> str | None:
    """What tells it apart; None if there is nothing to be told apart from."""
    several = take.given.shared["count"] > 1
    seed = words("node.seed", seed=take.request.seed) if several else None
    return " · ".join(filter(None, [take.item, seed])) or None


def _made(ends: "Sequence[Video | BaseException]", board: Board) -> "list[Video]":
    """The videos among how several runs have ended; see `videos` for what is raised."""
    quiet = (asyncio.CancelledError, type(comfyui.interruption()))
    errors = [each for each in ends if isinstance(each, BaseException)]
    for each in errors:
        if isinstance(each, quiet) or not isinstance(each, Exception):
            raise each
    made = [each for each in ends if not isinstance(each, BaseException)]
    if not errors:
        return made
    if made:
        node = board.node or ""
        missed[node] = missed.get(node, 0) + 1
        return made
    if len(errors) == 1 or board.error is None:
        raise errors[0]
    raise NodeError(board.error) from errors[0]
