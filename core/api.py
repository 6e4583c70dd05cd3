"""The simplest way to use kling26 from Python: one call, one video, or many."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict, Unpack

from .errors import NotDelivered
from .progress import Listener, Progress
from .request import VideoRequest
from .runner import background, ending
from .settings import Settings

if TYPE_CHECKING:
    from .runner.many import Row, RowOutcome
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


class ManyKeywords(TypedDict, total=False):
    """
    The keyword arguments of `generate_many`; `Runner.generate_many` has the defaults.

    `jobs` is how many rows may be under way at once; `sandbox` says whether it is a rehearsal
    (None: as in the settings); `timeout` is in seconds, for all rows (default: an hour); `wait`
    says whether to wait for the videos, or only until the providers have the tasks; `max_cost` (in
    USD) and `max_tasks` limit what these rows may be paid for in all; `progress` is called with the
    number of a row and each of its steps.
    """

    jobs: int
    sandbox: bool | None
    timeout: float
    wait: bool
    max_cost: float | None
    max_tasks: int | None
    progress: Callable[[int, Progress], None]


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
        if _is_cancelled():
            raise
        raise _stopped() from None


async def generate_many(
    rows: "Iterable[Row | VideoRequest]",
    provider: str | None = None,
    options: Mapping[str, object] | object | None = None,
    **keywords: Unpack[ManyKeywords],
) -> "AsyncIterator[RowOutcome]":
    """
    Make many videos; yields how each row ended, as it does.

    `provider` and `options` count for the rows that have none of their own. The keyword arguments
    are optional: `jobs`, how many rows may be under way at once (200 by default); `sandbox`,
    whether it is a rehearsal; `timeout`, in seconds, for all rows (an hour by default); `wait`,
    whether to wait for the videos (True by default), or only until the providers have the tasks;
    `max_cost`, in USD, and `max_tasks`, what these rows may be paid for in all, also in earlier
    calls; `progress`, a function that is called with the number of a row and each of its steps,
    from another thread. An error ends its own row only. Closing the iterator does not affect what
    is paid for, and sends nothing more.
    """
    import asyncio

    ending.watch()
    work = await asyncio.wrap_future(background.start(_many(rows, provider, options, **keywords)))
    try:
        while True:
            try:
                outcome = await asyncio.wrap_future(background.start(_next(work)))
            except asyncio.CancelledError:
                if _is_cancelled():
                    raise
                raise _stopped() from None
            if outcome is None:
                return
            yield outcome
    finally:
        await asyncio.wrap_future(background.start(work.aclose()))


async def _many(
    rows: "Iterable[Row | VideoRequest]",
    provider: str | None,
    options: Mapping[str, object] | object | None,
    **keywords: Unpack[ManyKeywords],
) -> "AsyncGenerator[RowOutcome]":
    return shared_runner().generate_many(rows, provider, options, **keywords)


async def _next(work: "AsyncGenerator[RowOutcome]") -> "RowOutcome | None":
    return await anext(work, None)


async def _generate(
    request: VideoRequest,
    provider: str | None,
    options: Mapping[str, object] | object | None,
    **keywords: Unpack[GenerateKeywords],
) -> "Video":
    return await shared_runner().generate(request, provider, options, **keywords)


def _is_cancelled() -> bool:
    """Whether it is the caller's task of asyncio that was cancelled, and not the work."""
    import asyncio

    task = asyncio.current_task()
    return task is None or bool(task.cancelling())


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
