"""Results are hostile until proven: addresses, redirects, sizes, names and words."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from kling26.cli.exits import exit_status
from kling26.core.errors import (
    NotDelivered,
    ProviderError,
    ResultUnavailable,
    SettingsError,
    StillRunning,
    TaskFailed,
)
from kling26.core.http import download
from kling26.core.images import ImageFile
from kling26.core.plugins import Registry, load_providers
from kling26.core.provider import Flow
from kling26.core.request import VideoRequest
from kling26.core.runner.results import Video
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings
from kling26.providers.kie import Kie
from kling26.sandbox.video import Clip, make_video

from ..conftest import Stage

KEY = "secret-key-of-a-user"
#: An address of the public internet, so that no name has to be resolved.
PUBLIC = "https://93.184.215.14"
MP4 = make_video(Clip(prompt="A heron", seconds=5, sound=False))

Handler = Callable[[httpx.Request], httpx.Response]


def kie(
    result: str, downloads: Handler, say: str = "success"
) -> tuple[Handler, list[httpx.Request]]:
    """A kie.ai that gives `result` as the link, beside whatever `downloads` answers elsewhere."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host != "api.kie.ai":
            return downloads(request)
        if request.url.path.endswith("createTask"):
            return httpx.Response(200, json={"code": 200, "data": {"taskId": "../../../etc/1"}})
        if request.url.path.endswith("recordInfo"):
            data = {"state": "success", "resultJson": f'{{"resultUrls": ["{result}"]}}'}
            return httpx.Response(200, json={"code": 200, "msg": say, "data": data})
        return httpx.Response(200, json={"code": 422, "msg": "not one of ours"})

    return answer, seen


def fetch(stage: Stage, handler: Handler, **more: object) -> Video:
    async def work() -> Video:
        settings = Settings({"KLING26_HOME": str(stage.home), "KIE_API_KEY": KEY})
        transport = httpx.MockTransport(handler)
        async with Runner(settings, load_providers(), transport) as runner:
            return await runner.generate(VideoRequest("A heron"), "kie", **more)

    return stage.run(work())


@pytest.fixture
def stage(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def video(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(MP4))


def test_a_public_link_is_fetched_without_the_key_and_under_our_own_name(stage: Stage) -> None:
    handler, seen = kie(f"{PUBLIC}/../../evil.sh%00.mp4", video)

    made = fetch(stage, handler)

    assert made.file == stage.home / "videos" / f"{made.task}.mp4"
    assert made.file.read_bytes() == MP4
    download = next(request for request in seen if request.url.host != "api.kie.ai")
    assert "authorization" not in download.headers
    assert KEY not in str(download.headers) + str(download.url)
    assert all(KEY in request.headers["authorization"] for request in seen if request != download)


@pytest.mark.parametrize(
    "link",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/x.mp4",
        "https://[::ffff:169.254.169.254]/x.mp4",
        "https://127.0.0.1/x.mp4",
        "https://[::1]/x.mp4",
        "https://10.1.2.3/x.mp4",
        "https://192.168.0.1/x.mp4",
        "https://0.0.0.0/x.mp4",
        "https://[fd00::1]/x.mp4",
        "http://127.0.0.1/x.mp4",
        "http://10.1.2.3/x.mp4",
        "file:///etc/passwd",
        "ftp://93.184.215.14/x.mp4",
        "javascript:alert(1)",
        "x.mp4",
    ],
)
def test_a_link_that_is_not_public_is_not_followed(stage: Stage, link: str) -> None:
    handler, seen = kie(link, video)

    with pytest.raises(ResultUnavailable) as error:
        fetch(stage, handler)

    assert exit_status(error.value) == 5
    assert {request.url.host for request in seen} == {"api.kie.ai"}
    assert stage.task().state == "succeeded"


def test_a_paid_video_is_taken_from_a_public_link_without_encryption_too(stage: Stage) -> None:
    handler, seen = kie("http://93.184.215.14/x.mp4", video)

    assert fetch(stage, handler).file.read_bytes() == MP4
    assert "authorization" not in seen[-1].headers


@pytest.mark.parametrize("link", ["x.mp4", "pending", " ", "https://127.0.0.1/x.mp4"])
def test_a_link_that_came_too_early_is_asked_for_again(stage: Stage, link: str) -> None:
    early, _ = kie(link, video)
    good, _ = kie(f"{PUBLIC}/x.mp4", video)
    polled = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal polled
        polled += request.url.path.endswith("recordInfo")
        return (early if polled < 3 else good)(request)

    made = fetch(stage, answer)

    assert made.file.read_bytes() == MP4
    assert (made.url, stage.task().url) == (f"{PUBLIC}/x.mp4", f"{PUBLIC}/x.mp4")


def test_a_link_that_stays_unusable_is_asked_for_again_by_the_next_run(stage: Stage) -> None:
    useless, _ = kie("https://10.0.0.1/x.mp4", video)
    good, _ = kie(f"{PUBLIC}/x.mp4", video)
    with pytest.raises(ResultUnavailable, match="leads into a private network"):
        fetch(stage, useless)

    assert fetch(stage, good).file.read_bytes() == MP4


@pytest.mark.parametrize(
    "target", ["https://169.254.169.254/", "http://10.0.0.1/", "https://10.0.0.1/", "//[::1]/"]
)
def test_a_redirect_is_checked_by_the_same_rules(stage: Stage, target: str) -> None:
    handler, seen = kie(
        f"{PUBLIC}/x.mp4", lambda _: httpx.Response(302, headers={"location": target})
    )

    with pytest.raises(ResultUnavailable):
        fetch(stage, handler)

    assert {request.url.host for request in seen} == {"api.kie.ai", "93.184.215.14"}


NO_URLS = [
    "https://[bad",
    "//[bad",
    "data:video/mp4,x",
    "javascript:x",
    "mailto:x",
    "http:///x",
    "https://a..b/v.mp4",
    "https://xn--/v.mp4",
    f"https://{'a' * 300}/v.mp4",
    f"https://cdn.example/{'a' * 70_000}",
    "https://999.1.1.1/v.mp4",
    "https://cdn.example:99999/v.mp4",
    "https://93.184.215.14:99999/v.mp4",
    "https://93.184.215.14:-1/v.mp4",
    "https://cdn.example:x/v.mp4",
    "https://cdn.example\u2100/v.mp4",
]


@pytest.mark.parametrize("target", NO_URLS)
def test_a_redirect_to_what_is_no_url_is_a_dead_link(stage: Stage, target: str) -> None:
    handler, seen = kie(
        f"{PUBLIC}/x.mp4", lambda _: httpx.Response(302, headers={"location": target.encode()})
    )

    with pytest.raises(ResultUnavailable, match="could not be fetched: the link "):
        fetch(stage, handler)

    assert {request.url.host for request in seen} == {"api.kie.ai", "93.184.215.14"}
    assert sum(request.url.host != "api.kie.ai" for request in seen) == 5


@pytest.mark.parametrize("link", NO_URLS)
def test_a_result_that_is_no_url_is_a_dead_link(stage: Stage, link: str) -> None:
    handler, seen = kie(link, video)

    with pytest.raises(ResultUnavailable):
        fetch(stage, handler)

    assert {request.url.host for request in seen} == {"api.kie.ai"}


def test_a_blank_in_a_link_is_encoded(stage: Stage) -> None:
    handler, seen = kie(f" {PUBLIC}/a video.mp4?of=a heron ", video)

    assert fetch(stage, handler).file.read_bytes() == MP4
    assert seen[-1].url.raw_path == b"/a%20video.mp4?of=a%20heron"


@pytest.mark.parametrize(
    "around", ["\\n{}\\r\\n", "\\t<{}> ", "'{}'", "\u201c{}\u201d", "\ufeff{}"]
)
def test_what_surrounds_a_link_does_not_keep_a_paid_video(stage: Stage, around: str) -> None:
    handler, seen = kie(around.format(f"{PUBLIC}/x.mp4"), video)

    made = fetch(stage, handler)

    assert (made.url, seen[-1].url) == (f"{PUBLIC}/x.mp4", f"{PUBLIC}/x.mp4")


def redirects(times: int) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.path.strip("/") or 0)
        if number == times:
            return video(request)
        return httpx.Response(302, headers={"location": f"/{number + 1}"})

    return answer


def test_five_redirects_are_followed(stage: Stage) -> None:
    handler, _ = kie(f"{PUBLIC}/0", redirects(5))

    assert fetch(stage, handler).file.read_bytes() == MP4


def test_six_redirects_are_too_many(stage: Stage) -> None:
    handler, _ = kie(f"{PUBLIC}/0", redirects(6))

    with pytest.raises(ResultUnavailable, match="more than 5 times"):
        fetch(stage, handler)


def test_a_result_of_more_than_two_gib_is_not_fetched(stage: Stage) -> None:
    def huge(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-length": str(2 * 1024**3 + 1)})

    handler, _ = kie(f"{PUBLIC}/x.mp4", huge)

    with pytest.raises(ResultUnavailable, match="larger than 2 GiB"):
        fetch(stage, handler)


def test_a_result_that_grows_beyond_the_limit_is_cut_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_VIDEO", 1000)

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            while True:
                yield b"x" * 100

    handler, _ = kie(f"{PUBLIC}/x.mp4", lambda _: httpx.Response(200, stream=Endless()))

    with pytest.raises(ResultUnavailable):
        fetch(stage, handler)
    assert sum(part.stat().st_size for part in stage.home.glob("videos/*")) <= 300_000


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name resolve to these addresses."""

    async def getaddrinfo(self: object, host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.delenv(name, raising=False)


def test_a_name_that_leads_into_a_private_network_is_not_followed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "93.184.215.14", "10.0.0.1")
    handler, seen = kie("https://cdn.example/x.mp4", video)

    with pytest.raises(ResultUnavailable, match=r"private network \(10\.0\.0\.1\)"):
        fetch(stage, handler)
    assert {request.url.host for request in seen} == {"api.kie.ai"}


def test_a_name_is_connected_to_by_the_address_that_was_checked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "93.184.215.14")
    handler, seen = kie("https://cdn.example/x.mp4", video)

    fetch(stage, handler)

    download = next(request for request in seen if request.url.host != "api.kie.ai")
    assert download.url.host == "93.184.215.14"
    assert download.headers["host"] == "cdn.example"
    assert download.extensions["sni_hostname"] == "cdn.example"


def test_behind_a_proxy_names_are_left_to_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    handler, seen = kie("https://cdn.example/x.mp4", video)

    fetch(stage, handler)

    assert seen[-1].url.host == "cdn.example"


def test_a_name_that_no_proxy_is_asked_for_is_connected_to_by_its_checked_address(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "93.184.215.14")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "cdn.example")
    handler, seen = kie("https://cdn.example/x.mp4", video)

    fetch(stage, handler)

    assert seen[-1].url.host == "93.184.215.14"
    assert seen[-1].extensions["sni_hostname"] == "cdn.example"


def test_behind_a_proxy_a_redirect_to_this_machine_is_not_followed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    away = {"location": "http://localhost:8188/view"}
    handler, seen = kie("https://cdn.example/x.mp4", lambda _: httpx.Response(302, headers=away))

    with pytest.raises(ResultUnavailable, match="the link leads to this machine"):
        fetch(stage, handler)
    assert {request.url.host for request in seen} == {"api.kie.ai", "cdn.example"}


def test_an_answer_of_megabytes_is_not_read_to_its_end(stage: Stage) -> None:
    handler, _ = kie(f"{PUBLIC}/x.mp4", video, say="x" * 2_000_000)

    with pytest.raises(StillRunning):
        fetch(stage, handler, timeout=300)
    assert stage.task().state == "submitted"


def test_escape_codes_of_a_provider_never_reach_the_terminal(stage: Stage) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("createTask"):
            return httpx.Response(200, json={"code": 200, "data": {"taskId": "1\x1b[2J"}})
        data = {
            "state": "fail",
            "failMsg": "\x1b]0;owned\x07 \u202edeppolf\n\r",
            "failCode": "\x9b1m",
        }
        return httpx.Response(200, json={"code": 200, "data": data})

    with pytest.raises(TaskFailed) as error:
        fetch(stage, answer)

    assert str(error.value).isprintable()
    assert str(error.value.code).isprintable()


def test_a_key_that_a_provider_quotes_is_not_repeated(stage: Stage) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": 422, "msg": f"bad key {KEY} in request"})

    with pytest.raises(Exception, match=r"bad key \[key\] in request"):
        fetch(stage, answer)

    kept = b"".join(path.read_bytes() for path in stage.home.rglob("*") if path.is_file())
    assert KEY.encode() not in kept


def test_an_output_that_vanished_meanwhile_does_not_lose_the_video(
    stage: Stage, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def vanish(request: httpx.Request) -> httpx.Response:
        folder.rmdir()
        return video(request)

    handler, _ = kie(f"{PUBLIC}/x.mp4", vanish)

    with pytest.raises(NotDelivered, match="is stored as") as error:
        fetch(stage, handler, output=folder / "heron.mp4")
    assert exit_status(error.value) == 5
    assert stage.task().state == "stored"


@pytest.mark.parametrize("link", ["http://169.254.169.254/up", "https://10.0.0.7/up", "file:///up"])
def test_a_url_that_a_provider_gives_for_an_upload_is_checked_by_the_rules(
    stage: Stage, link: str
) -> None:
    """fal.ai, for one, answers where a picture is to be put."""

    class Presigned(Kie):
        def upload(self, image: ImageFile) -> Flow[str]:
            yield httpx.Request("PUT", link, content=image.data)
            return "https://files.example/1.png"

    provider = Presigned()
    handler, seen = kie(f"{PUBLIC}/x.mp4", video)

    async def work() -> None:
        settings = Settings({"KLING26_HOME": str(stage.home), "KIE_API_KEY": KEY})
        registry = Registry({"kie": provider}, {"kie": "test"})
        async with Runner(settings, registry, httpx.MockTransport(handler)) as runner:
            picture = (Path(__file__).parents[2] / "grey.png").read_bytes()
            request = VideoRequest("A heron", image=picture)
            await runner.generate(request, "kie", timeout=100)

    with pytest.raises(ProviderError, match=r"not followed|Nothing was paid"):
        stage.run(work())
    assert seen == []


def test_a_provider_without_an_emulator_cannot_be_rehearsed(stage: Stage) -> None:
    class Lonely(Kie):
        name = "lonely"
        title = "Lonely"

    async def work() -> None:
        settings = Settings({"KLING26_HOME": str(stage.home)})
        async with Runner(settings, Registry({"lonely": Lonely()}, {"lonely": "test"})) as runner:
            await runner.generate(VideoRequest("A heron"), "lonely", sandbox=True)

    with pytest.raises(SettingsError, match="has no emulator"):
        stage.run(work())
    assert stage.tasks() == []
