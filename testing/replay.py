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

plays ``cassettes/acme/text_to_video.yaml`` in no time and without a network. The n-th request has
to be that of the n-th exchange, with the same type of content, and the runner has to ask for all of
them. Bodies are compared as JSON, in which 1, 5.0 or "on" do not pass for true or 5, and forms part
by part, whatever the boundary. The tasks have the ids k26-0000000000000000, k26-0000000000000001
and so on.

The folder ``cassettes`` is the nearest one upwards from the test's file, so that each of several
plug-ins in one repository has its own: the search ends at a pyproject.toml, or at pytest's rootdir.
The ini option ``cassettes`` names another folder, relative to the rootdir.

``pytest --record test_acme.py``, with the provider's key in the environment, records the cassettes
again from the live API, which charges for the videos. ``key="…"`` in the marker is sent instead of
that key; a case that cannot be produced at will says ``written="needs an empty account"`` there,
and is left as it is.

``pytest --record-emulator test_acme.py`` has them played by the provider's emulator, for nothing
and in no time, and leaves alone what was recorded or written otherwise. ``fault="no_credit"`` in
the marker is what goes wrong there, and a key in the marker is refused.

A cassette has to say from where and when it is, and must have no secret; neither is it saved
otherwise. ``max_age=180`` in the marker, or the ini option ``cassettes_max_age``, is how many days
old it may become.

Videos are not kept: every download gets the same short one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import NoReturn, TypeVar

import httpx
import pytest
from attrs import define, field

from ..core.errors import MissingKey
from ..core.journal.journal import Journal
from ..core.provider import AUTO
from ..core.request import VideoRequest
from ..core.runner.results import Video
from ..core.runner.runner import Runner
from ..core.settings import Settings
from .clock import VirtualLoop
from .emulated import Emulated
from .stage import EPOCH
from .tape import NotOnTape, Recording, Tape

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
    #: The emulator that it is recorded from, if that is what takes the service's place.
    emulated: Emulated | None = field(default=None, repr=False, kw_only=True)
    #: Whose cassette it is, if that is known.
    provider: str | None = field(default=None, kw_only=True)
    #: Why nothing can be run, if nothing can: what is wrong with the cassette.
    problem: str | None = field(default=None, repr=False, kw_only=True)

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
        if self.provider not in (None, provider) and provider != AUTO and self.problem is None:
            self._refuse(provider)

        def work(runner: Runner) -> Coroutine[object, None, Video]:
            return runner.generate(request, provider, options, output=output, timeout=timeout)

        return self.run(work)

    def run(self, work: Callable[[Runner], Coroutine[object, None, T]]) -> T:
        """Run anything that a runner does; what does not fit the cassette fails the test."""
        if self.problem is not None:
            pytest.fail(self.problem, pytrace=False)
        made: list[T] = []
        try:
            made.append(self._run(work))
        except MissingKey as error:
            if self.provider not in (None, error.provider) and error.provider is not None:
                self._refuse(error.provider)
            raise
        except Exception:
            if self.cassette.mismatch is None:
                raise
        # Outside of the block above, so that nothing else is told: it only follows from this.
        if self.cassette.mismatch is not None:
            pytest.fail(self.cassette.mismatch, pytrace=False)
        return made[0]

    def _refuse(self, other: str) -> NoReturn:
        pytest.fail(
            f"This test plays a cassette of {self.provider}, but asks {other} for a video: name a "
            f"cassette of {other} in the marker.",
            pytrace=False,
        )

    def _cut_off(self, host: str) -> None:
        """End a recording: whatever the runner would try next, somebody is waiting for it."""
        if self.recording and self.emulated is None and isinstance(self.cassette, Recording):
            self.cassette.mismatch = (
                f"{host} cannot be reached, so nothing is recorded: check the network."
            )

    def _run(self, work: Callable[[Runner], Coroutine[object, None, T]]) -> T:
        async def whole(clock: Callable[[], float] | None) -> T:
            # The journal goes by the clock of whoever waits for what it says.
            journal = Journal(self.settings.journal, self.settings.home, clock)
            emulator = None if self.emulated is None else self.emulated.transport()
            transport = _Network(self._cut_off, emulator)
            async with Runner(self.settings, transport=transport, journal=journal) as runner:
                return await work(runner)

        if self.recording and self.emulated is None:
            return asyncio.run(whole(None))
        loop = VirtualLoop()
        if self.emulated is not None:
            self.emulated.begin(loop)
        with asyncio.Runner(loop_factory=lambda: loop) as virtual:
            return virtual.run(whole(lambda: EPOCH + loop.time()))


#: How long a connection may take while a cassette is recorded, in seconds.
_CONNECT = 10.0


class _Network(httpx.AsyncBaseTransport):
    """The way to the API, which vcrpy watches; every download gets the same short video."""

    def __init__(
        self, cut_off: Callable[[str], None], api: httpx.AsyncBaseTransport | None
    ) -> None:
        self._cut_off, self._reached = cut_off, False
        self._api = httpx.AsyncHTTPTransport() if api is None else api

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # The runner asks an API for JSON; only a download accepts anything.
        if request.headers["accept"] == "*/*":
            headers = {"content-length": str(len(clip()))}
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(clip()))
        request.headers["accept-encoding"] = "identity"
        request.extensions["timeout"] = {**request.extensions["timeout"], "connect": _CONNECT}
        try:
            reply = await self._api.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if self._reached:  # Something may have been paid for: the runner tries again.
                raise
            self._cut_off(request.headers["host"])
            raise NotOnTape(str(error)) from error
        self._reached = True
        return reply

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
