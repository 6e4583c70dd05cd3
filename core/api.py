"""The shortest way from Python: one call, one video."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from .progress import Listener
from .request import VideoRequest
from .runner import background
from .settings import Settings

if TYPE_CHECKING:
    from .runner.results import Video
    from .runner.runner import Runner

_runners: "dict[tuple[object, ...], Runner]" = {}


class GenerateKeywords(TypedDict, total=False):
    """
    What `generate` and `agenerate` take by keyword; `Runner.generate` has the defaults.

    `output` is where the video is written besides the store; `sandbox` says whether it is a
    rehearsal (None: as in the settings); `timeout` is in seconds (an hour, where it is left out);
    `progress` is called with each step.
    """

    output: str | Path | None
    sandbox: bool | None
    timeout: float
    progress: Listener


def generate(
    request: VideoRequest,
    provider: str | None = None,
    options: Mapping[str, object] | object | None = None,
    **how: Unpack[GenerateKeywords],
) -> "Video":
    """
    The video of a request: made, joined while it is being made, or given from the store.

    `options` are the provider's own, by name or as an instance of its options class. By keyword,
    all of it optional: `output`, where the video is written besides the store; `sandbox`, whether
    it is a rehearsal; `timeout`, in seconds (an hour); `progress`, a function that is called with
    each step, from another thread. Raises `Kling26Error`; a task that was paid for and is not
    here yet goes on, and the same call finds it.
    """
    return background.start(_generate(request, provider, options, **how)).result()


async def agenerate(
    request: VideoRequest,
    provider: str | None = None,
    options: Mapping[str, object] | object | None = None,
    **how: Unpack[GenerateKeywords],
) -> "Video":
    """`generate` for an event loop; cancelling it leaves the paid task alone."""
    work = _generate(request, provider, options, **how)
    return await asyncio.wrap_future(background.start(work))


async def _generate(
    request: VideoRequest,
    provider: str | None,
    options: Mapping[str, object] | object | None,
    **how: Unpack[GenerateKeywords],
) -> "Video":
    return await shared_runner().generate(request, provider, options, **how)


def shared_runner() -> "Runner":
    """The process's runner for the settings of now; to be used on the background loop only."""
    from .runner.runner import Runner  # SQLAlchemy and the rest come with the first video.

    settings = Settings()
    # Everything else is read anew each time; these decide which journal it is.
    known_by = (settings.home, settings.journal, settings.load_plugins)
    if known_by not in _runners:
        _runners[known_by] = Runner(settings)
    return _runners[known_by]
