"""
The real runner against a cassette: what the fixture `replay` gives a test.

::

    # conftest.py
    pytest_plugins = ["kling26.testing.plugin"]

    # test_acme.py
    @pytest.mark.cassette("acme/text_to_video")
    def test_acme_makes_a_video(replay):
        video = replay.generate(VideoRequest("A red fox"), "acme")

        assert video.file.exists()

plays ``cassettes/acme/text_to_video.yaml`` in no time and without a network. The runner has to ask
for every exchange in it. Bodies are compared as JSON text: 1, 5.0 or "on" do not pass for true or
5. The tasks have the ids k26-0000000000000000, k26-0000000000000001 and so on.

The folder ``cassettes`` is the nearest one upwards from the test's file, so that each of several
plug-ins in one repository has its own: the search ends at a pyproject.toml, or at pytest's rootdir.
The ini option ``cassettes`` names another folder, relative to the rootdir.

``pytest --record test_acme.py``, with the provider's key in the environment, records the cassettes
again from the live API, which charges for the videos. ``key="…"`` in the marker is sent instead of
that key; a case that cannot be produced at will says ``written="needs an empty account"`` there,
and is left as it is.

Videos are not kept: every download gets the same short one. A multipart form can be played only if
the provider sets its boundary, since httpx makes up a random one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from attrs import define, field

from ..core.journal.journal import Journal
from ..core.request import VideoRequest
from ..core.runner.results import Video
from ..core.runner.runner import Runner
from ..core.settings import Settings
from .clock import VirtualLoop
from .stage import EPOCH
from .tape import NotOnTape, Tape, what_is_missing

T = TypeVar("T")


@define
class Replay:
    """
    The runner against a cassette: in virtual time or, while it is being recorded, in real time.

    `settings` have a home folder for the test alone, and the provider's key.
    """

    settings: Settings
    recording: bool
    #: The requests and responses of the cassette.
    cassette: Tape = field(repr=False)

    def generate(
        self,
        request: VideoRequest,
        provider: str,
        options: Mapping[str, object] | object | None = None,
        *,
        output: Path | None = None,
        timeout: float = 3600.0,
    ) -> Video:
        """`Runner.generate`, by a runner of its own."""

        def work(runner: Runner) -> Coroutine[object, None, Video]:
            return runner.generate(request, provider, options, output=output, timeout=timeout)

        return self.run(work)

    def run(self, work: Callable[[Runner], Coroutine[object, None, T]]) -> T:
        """Run anything that a runner does."""

        async def whole(journal: Journal) -> T:
            runner = Runner(self.settings, transport=_Network(), journal=journal)
            async with runner:
                return await work(runner)

        if self.recording:
            return asyncio.run(whole(self._journal(None)))
        try:
            with asyncio.Runner(loop_factory=VirtualLoop) as loop:
                return loop.run(whole(self._journal(lambda: EPOCH + loop.get_loop().time())))
        except Exception as error:
            missing = _what_is_missing(error)
            if missing is None:
                raise
            pytest.fail(missing, pytrace=False)

    def _journal(self, clock: Callable[[], float] | None) -> Journal:
        """The journal in the home folder, by the clock of whoever waits for what it says."""
        return Journal(self.settings.journal, self.settings.home, clock)


def _what_is_missing(error: BaseException | None) -> str | None:
    """What the cassette lacks, if that is what an error comes from: the runner wraps it."""
    while error is not None and not isinstance(error, NotOnTape):
        error = error.__cause__ or error.__context__
    return None if error is None else what_is_missing(error)


class _Network(httpx.AsyncBaseTransport):
    """The way to the API, which vcrpy watches; every download gets the same short video."""

    def __init__(self) -> None:
        self._api = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # The runner asks an API for JSON; only a download accepts anything.
        if request.headers["accept"] == "*/*":
            headers = {"content-length": str(len(clip()))}
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(clip()))
        request.headers["accept-encoding"] = "identity"
        return await self._api.handle_async_request(request)

    async def aclose(self) -> None:
        await self._api.aclose()


@lru_cache
def clip() -> bytes:
    """A second of a grey video, as MP4."""
    import av

    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    return file.getvalue()
