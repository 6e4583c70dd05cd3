"""The simplest way to use kling26 from Python: one call, one video."""

import os
from collections.abc import Mapping
from concurrent.futures import CancelledError
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict, Unpack

from .errors import NotDelivered
from .progress import Listener
from .request import VideoRequest
from .runner import background, ending
from .settings import Settings

if TYPE_CHECKING:
    from .runner.results import Video
    from .runner.runner import Runner

_runners: "dict[tuple[object, ...], Runner]" = {}

# Here and not with the first request, which may come from a thread that cannot handle signals.
ending.watch()


class GenerateKeywords(TypedDict, total=False):
    """
    The keyword arguments of `generate` and `agenerate`; `Runner.generate` has the defaults.

    `output` is where the video is written, in addition to the store; `sandbox` says whether it is a
    rehearsal (None: as in the settings); `timeout` is in seconds (default: an hour); `progress` is
    called with each step.
    """

    output: str | Path | None
    sandbox: bool | None
    timeout: float
    progress: Listener


def generate(
    request: VideoRequest,
    provider: str | None = None,
    options: Mapping[str, object] | object | None = None,
    **keywords: Unpack[GenerateKeywords],
) -> "Video":
    """
    Return the video for a request: a new one, one that is already being made, or a stored one.

    `options` are the provider's own, by name or as an instance of its options class. The keyword
    arguments are optional: `output`, where the video is written, in addition to the store;
    `sandbox`, whether it is a rehearsal; `timeout`, in seconds (an hour by default); `progress`, a
    function that is called with each step, from another thread. Raises `Kling26Error`; if the task
    was paid for and the video is not here yet, call again with the same request to get it.
    """
    ending.watch()
    work = background.start(_generate(request, provider, options, **keywords))
    try:
        return work.result()
    except CancelledError:
        raise _stopped() from None


async def agenerate(
    request: VideoRequest,
    provider: str | None = None,
    options: Mapping[str, object] | object | None = None,
    **keywords: Unpack[GenerateKeywords],
) -> "Video":
    """`generate` as a coroutine; cancelling it does not affect the paid task."""
    import asyncio  # Slow to import, and loaded where there is a loop.

    ending.watch()
    work = background.start(_generate(request, provider, options, **keywords))
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise _stopped() from None


async def _generate(
    request: VideoRequest,
    provider: str | None,
    options: Mapping[str, object] | object | None,
    **keywords: Unpack[GenerateKeywords],
) -> "Video":
    return await shared_runner().generate(request, provider, options, **keywords)


def _stopped() -> NotDelivered:
    return NotDelivered("The program is about to end, so the task was left; it can be resumed.")


def shared_runner(defaults: Mapping[str, str] = MappingProxyType({})) -> "Runner":
    """
    The process's runner for the current settings; use it on the background loop only.

    `defaults` count where neither the environment nor ``config.toml`` says anything.
    """
    from .runner.runner import Runner  # Imports SQLAlchemy, which the first video needs.

    settings = Settings(defaults=defaults)
    # A runner reads all other settings each time; a change of these needs another runner.
    identity = (settings.home, settings.journal, settings.load_plugins, *sorted(defaults.items()))
    if identity not in _runners:
        _runners[identity] = Runner(settings)
    return _runners[identity]


def _forget_parent() -> None:
    """
    A forked child has runners of its own.

    The parent's are kept as they are: closing their connections here would end them there.
    """
    global _runners  # noqa: PLW0603 - the child's own.
    _inherited.append(_runners)
    _runners = {}


_inherited: "list[dict[tuple[object, ...], Runner]]" = []

if hasattr(os, "register_at_fork"):  # Not on Windows.
    os.register_at_fork(after_in_child=_forget_parent)
