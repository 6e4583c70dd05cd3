"""Several videos of one node: one for each seed, all at once, and each its own paid task."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from ..core.request import VideoRequest
from . import comfyui
from .board import once
from .given import Given
from .progress import Watch
from .running import NodeError, run

if TYPE_CHECKING:
    from ..core.runner.results import Video

#: How often some of a node's videos were missing, by its id. ComfyUI takes it for an input, so that
#: the node runs again for the missing ones, and keeps the outputs where none was.
missed: dict[str, int] = {}


async def videos(request: VideoRequest, given: Given, first: Watch) -> "list[Video]":
    """
    The videos of a request and of the seeds after it, in the order of the seeds.

    Where some cannot be made, the others; the node says what became of the missing ones. Raises an
    error for the person at the screen if there is none, or an interruption.
    """
    requests = _requests(request, given.shared["count"])
    watches = [first, *(evolve(first) for _ in requests[1:])]
    if len(requests) > 1:
        for watch, each in zip(watches, requests, strict=True):
            watch.label = first.words("node.seed", seed=each.seed)
    # Off leaves it to the settings, which can turn the sandbox on for everything.
    sandbox = True if given.shared["sandbox"] else None
    runs = [
        run(each, given.name, given.options, sandbox=sandbox, watch=watch)
        for each, watch in zip(requests, watches, strict=True)
    ]
    return _made(await asyncio.gather(*runs, return_exceptions=True), first)


def _requests(request: VideoRequest, count: int) -> list[VideoRequest]:
    if not isinstance(request.seed, int):
        return [request]  # Core refuses it.
    return [evolve(request, seed=request.seed + step) for step in range(count)]


def _made(ends: "Sequence[Video | BaseException]", watch: Watch) -> "list[Video]":
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
        node = watch.board.node or ""
        missed[node] = missed.get(node, 0) + 1
        return made
    sentences = once(map(str, errors))
    if sentences == str(errors[0]):
        raise errors[0]
    raise NodeError(sentences) from errors[0]
