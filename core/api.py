"""The shortest way from Python: one call, one video."""

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .progress import Listener, ignore_progress
from .request import VideoRequest
from .runner import background
from .settings import Settings

if TYPE_CHECKING:
    from .runner.results import Video
    from .runner.runner import Runner

_runners: "dict[tuple[object, ...], Runner]" = {}


def generate(
    request: VideoRequest,
    provider: str | None = None,
    options: Mapping[str, object] | object | None = None,
    *,
    output: str | Path | None = None,
    sandbox: bool | None = None,
    timeout: float = 3600.0,
    progress: Listener = ignore_progress,
) -> "Video":
    """
    The video of a request: made, joined while it is being made, or given from the store.

    `options` are the provider's own, by name or as an instance of its options class; `output` is
    where the video is written besides the store; `timeout` is in seconds; `progress` is called
    from another thread. Raises `Kling26Error`; a task that was paid for and is not here yet goes
    on, and the same call finds it.
    """
    work = _generate(request, provider, options, output, sandbox, timeout, progress)
    return background.start(work).result()


async def agenerate(
    request: VideoRequest,
    provider: str | None = None,
    options: Mapping[str, object] | object | None = None,
    *,
    output: str | Path | None = None,
    sandbox: bool | None = None,
    timeout: float = 3600.0,
    progress: Listener = ignore_progress,
) -> "Video":
    """`generate` for an event loop; cancelling it leaves the paid task alone."""
    work = _generate(request, provider, options, output, sandbox, timeout, progress)
    return await asyncio.wrap_future(background.start(work))


def _generate(
    request: VideoRequest,
    provider: str | None,
    options: Mapping[str, object] | object | None,
    output: str | Path | None,
    sandbox: bool | None,
    timeout: float,
    progress: Listener,
) -> Coroutine[Any, Any, "Video"]:
    async def work() -> "Video":
        return await shared_runner().generate(
            request,
            provider,
            options,
            output=output,
            sandbox=sandbox,
            timeout=timeout,
            progress=progress,
        )

    return work()


def shared_runner() -> "Runner":
    """The process's runner for the settings of now; to be used on the background loop only."""
    from .runner.runner import Runner  # SQLAlchemy and the rest come with the first video.

    settings = Settings()
    # Everything else is read anew each time; these decide which journal it is.
    known_by = (settings.home, settings.journal, settings.load_plugins)
    if known_by not in _runners:
        _runners[known_by] = Runner(settings)
    return _runners[known_by]
