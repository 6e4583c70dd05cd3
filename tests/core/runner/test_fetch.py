"""From the finished task to the store: whole videos only, and nothing of others is touched."""

import gzip
import os
import shutil
from collections.abc import Callable

import httpx
import pytest
from kling26.cli.exits import exit_status
from kling26.core.errors import ResultUnavailable
from kling26.core.plugins import load_providers
from kling26.core.request import VideoRequest
from kling26.core.runner.results import Video
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings
from kling26.sandbox.video import Clip, make_video

from ..conftest import Stage

MP4 = make_video(Clip("A heron", sound=True))
LINK = "https://93.184.215.14/x.mp4"

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def stage(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def kie(downloads: Handler) -> tuple[Handler, list[httpx.Request]]:
    """A kie.ai whose video is wherever `downloads` says; and the requests it has seen."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host != "api.kie.ai":
            return downloads(request)
        if request.url.path.endswith("createTask"):
            return httpx.Response(200, json={"code": 200, "data": {"taskId": "1"}})
        data = {"state": "success", "resultJson": f'{{"resultUrls": ["{LINK}"]}}'}
        return httpx.Response(200, json={"code": 200, "msg": "success", "data": data})

    return answer, seen


def fetch(stage: Stage, handler: Handler) -> Video:
    async def work() -> Video:
        settings = Settings({"KLING26_HOME": str(stage.home), "KIE_API_KEY": "a-key"})
        transport = httpx.MockTransport(handler)
        async with Runner(settings, load_providers(), transport) as runner:
            return await runner.generate(VideoRequest("A heron"), "kie")

    return stage.run(work())


def send(content: bytes, **headers: str) -> Handler:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    names["content-length"] = str(len(content))
    return lambda _: httpx.Response(200, headers=names, stream=httpx.ByteStream(content))


@pytest.mark.parametrize("percent", [50, 85, 90, 97, 99])
def test_a_video_cut_with_an_honest_length_is_never_stored(stage: Stage, percent: int) -> None:
    handler, _ = kie(send(MP4[: len(MP4) * percent // 100]))

    with pytest.raises(ResultUnavailable) as error:
        fetch(stage, handler)

    assert str(error.value) == (
        "The video is finished at kie.ai and paid for, but could not be fetched: "
        "the link did not lead to a playable video: its end is missing."
    )
    assert exit_status(error.value) == 5
    assert list(stage.home.glob("videos/*")) == []
    assert stage.task().state == "succeeded"


def test_a_video_that_is_whole_the_second_time_is_stored(stage: Stage) -> None:
    bodies = [MP4[:-100], MP4]
    handler, _ = kie(lambda request: send(bodies.pop(0))(request))

    assert fetch(stage, handler).file.read_bytes() == MP4


def test_a_video_that_was_packed_unasked_is_stored_unpacked(stage: Stage) -> None:
    handler, _ = kie(send(gzip.compress(MP4), content_encoding="gzip"))

    assert fetch(stage, handler).file.read_bytes() == MP4


def test_a_packed_video_that_nobody_announced_is_no_video(stage: Stage) -> None:
    handler, _ = kie(send(gzip.compress(MP4)))

    with pytest.raises(ResultUnavailable, match="it is not a video file"):
        fetch(stage, handler)


def test_a_part_that_another_worker_is_writing_is_left_alone(stage: Stage) -> None:
    handler, _ = kie(send(b"nothing"))
    with pytest.raises(ResultUnavailable):
        fetch(stage, handler)
    videos, task = stage.home / "videos", stage.task().id
    living, dead = videos / f"{task}.mp4.w-other.part", videos / f"{task}.mp4.w-dead.part"
    dead_too, foreign = videos / "k26-another.mp4.w-dead.part", videos / "holiday.mp4.part"
    for part in (living, dead, dead_too, foreign):
        part.write_bytes(MP4[:1000])
    for part in (dead, dead_too, foreign):
        os.utime(part, (0, 0))
    good, _ = kie(send(MP4))

    made = fetch(stage, good)

    assert set(videos.iterdir()) == {made.file, living, foreign}


def test_a_home_that_is_gone_is_not_made_again(stage: Stage) -> None:
    def vanish(_: httpx.Request) -> httpx.Response:
        shutil.rmtree(stage.home)
        return httpx.Response(403)

    handler, seen = kie(vanish)

    with pytest.raises(ResultUnavailable, match=r"paid for.*moved or deleted"):
        fetch(stage, handler)
    assert not stage.home.exists()
    assert sum(request.url.host != "api.kie.ai" for request in seen) == 1
