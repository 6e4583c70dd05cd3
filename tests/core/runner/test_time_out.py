"""When the time is up: what is said depends on what had left by then."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from kling26.cli.exits import exit_status
from kling26.core.errors import Kling26Error, OutcomeUnknown, StillRunning, Unavailable
from kling26.core.plugins import load_providers
from kling26.core.request import VideoRequest
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings

from ..conftest import Stage

PICTURE = str(Path(__file__).parents[2] / "grey.png")
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Service(httpx.AsyncBaseTransport):
    """A kie.ai of which one part never answers, and the requests that came."""

    def __init__(self, silent: str) -> None:
        self.silent = silent
        self.seen: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        self.seen.append(name)
        if name == self.silent:
            await asyncio.sleep(3600.0)
            raise httpx.ReadTimeout("", request=request)
        data: dict[str, dict[str, object]] = {
            "file-base64-upload": {"downloadUrl": "https://files.example/a.png"},
            "createTask": {"taskId": "task-1"},
            "recordInfo": {
                "state": "success", "resultJson": '{"resultUrls": ["https://93.184.215.14/x.mp4"]}'
            },
        }  # fmt: skip
        return httpx.Response(200, json={"code": 200, "data": data[name]})


def ended(stage: Stage, silent: str, timeout: float) -> tuple[Kling26Error, Service]:
    service = Service(silent)

    async def work() -> None:
        settings = Settings({"KLING26_HOME": str(stage.home), "KIE_API_KEY": "key"})
        async with Runner(settings, load_providers(), service) as runner:
            request = VideoRequest("A heron", image=PICTURE)
            await runner.generate(request, "kie", timeout=timeout)

    with pytest.raises(Kling26Error) as error:
        stage.run(work())
    return error.value, service


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def test_during_an_upload_nothing_was_paid(kie: Stage) -> None:
    error, service = ended(kie, "file-base64-upload", timeout=6)

    assert isinstance(error, Unavailable)
    assert exit_status(error) == 3
    assert str(error) == "kie.ai did not answer in time. Nothing was paid."
    assert set(service.seen) == {"file-base64-upload"}
    assert kie.task().state == "refused"


def test_during_the_paid_request_it_may_have_been_taken(kie: Stage) -> None:
    error, _ = ended(kie, "createTask", timeout=6)

    assert isinstance(error, OutcomeUnknown)
    assert str(error).endswith("charged for it: no answer came (it took too long).")


def test_while_it_is_made_the_provider_was_not_done(kie: Stage) -> None:
    error, _ = ended(kie, "recordInfo", timeout=6)

    assert isinstance(error, StillRunning)
    assert str(error).startswith("Time ran out while kie.ai was still making the video.")


def test_during_the_download_the_video_is_done(kie: Stage) -> None:
    error, _ = ended(kie, "x.mp4", timeout=6)

    assert isinstance(error, StillRunning)
    assert str(error).startswith("Time ran out before the finished video was fetched from kie.ai.")


def test_at_the_providers_pace_nothing_was_sent(kie: Stage) -> None:
    """More tasks than kie.ai takes at a time, and no time to wait for a turn."""

    async def work() -> list[object]:
        async with kie.runner() as runner:
            many = [kie.make(runner, f"Heron {number}", timeout=4.0) for number in range(40)]
            return await asyncio.gather(*many, return_exceptions=True)

    errors = [each for each in kie.run(work()) if isinstance(each, Kling26Error)]
    late = [error for error in errors if exit_status(error) == 3]

    assert late
    assert all("Nothing was paid." in str(error) for error in late)
    assert len(late) + kie.paid == 40


def test_of_a_status_that_cannot_be_read_nobody_says_that_it_was_not_done(stage: Stage) -> None:
    stage.fault("poll_wrong_types", times=10_000)

    with pytest.raises(StillRunning) as caught:
        stage.generate(timeout=120.0)

    title = stage.provider.title
    assert str(caught.value).startswith(f"{title} sent an unexpected reply")
    assert "whether the video is finished. It is paid for." in str(caught.value)
    assert "still making" not in str(caught.value)
