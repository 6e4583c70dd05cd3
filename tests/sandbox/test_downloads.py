"""Result files over HTTP: ranges, and what can go wrong."""

import base64
from collections.abc import Callable

import httpx
import pytest
from kling26.sandbox import FaultName
from kling26.sandbox.files import PIECE

from .conftest import Clock, KieClient

AddFault = Callable[..., None]


@pytest.fixture
def url(kie: KieClient) -> str:
    return kie.link()


@pytest.fixture
def video(kie: KieClient, url: str) -> bytes:
    return kie.get(url).content


def test_a_file_announces_its_length_and_that_it_supports_ranges(kie: KieClient, url: str) -> None:
    answer = kie.get(url)

    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == kie.get(url).headers["etag"]


def test_a_head_request_has_the_headers_alone(kie: KieClient, url: str, video: bytes) -> None:
    answer = kie.request("HEAD", url)

    assert answer.headers["content-length"] == str(len(video))
    assert kie.arrived == []


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=100-", slice(100, None)),
        ("bytes=0-0", slice(0, 1)),
        ("bytes=10-19", slice(10, 20)),
        ("bytes=10-99999999", slice(10, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=-99999999", slice(None)),
    ],
)
def test_a_range_is_exactly_the_bytes_asked_for(
    kie: KieClient, url: str, video: bytes, asked: str, part: slice
) -> None:
    answer = kie.get(url, headers={"Range": asked})
    first, last, _ = part.indices(len(video))

    assert answer.status_code == 206
    assert answer.content == video[part]
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(video)}"


@pytest.mark.parametrize(
    "asked", ["bytes=-", "bytes=9-5", "bytes=0-1,5-6", "pieces=0-1", "bytes=x-"]
)
def test_an_invalid_range_returns_the_whole_file(
    kie: KieClient, url: str, video: bytes, asked: str
) -> None:
    answer = kie.get(url, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, video)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_outside_of_the_file_is_a_416(
    kie: KieClient, url: str, video: bytes, asked: str
) -> None:
    answer = kie.get(url, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(video)}"


def test_a_range_of_another_version_returns_the_whole_file(kie: KieClient, url: str) -> None:
    etag = kie.get(url).headers["etag"]
    asked = {"Range": "bytes=1-"}

    assert kie.get(url, headers=asked | {"If-Range": etag}).status_code == 206
    assert kie.get(url, headers=asked | {"If-Range": '"old"'}).status_code == 200


def test_a_large_file_comes_in_pieces(kie: KieClient) -> None:
    large = base64.b64encode(bytes(2 * PIECE + 1)).decode()
    body = {"base64Data": large, "uploadPath": "images", "fileName": "large.png"}
    url = kie.post("/api/file-base64-upload", body).json()["data"]["downloadUrl"]
    kie.get(url)

    assert [len(piece) for piece in kie.arrived] == [PIECE, PIECE, 1]


@pytest.mark.parametrize(("name", "status"), [("download_403", 403), ("download_500", 500)])
def test_a_download_is_refused_once(
    kie: KieClient, url: str, fault: AddFault, name: FaultName, status: int
) -> None:
    fault(name)

    assert [kie.get(url).status_code for _ in range(2)] == [status, 200]


def test_a_cut_download_can_be_resumed(
    kie: KieClient, url: str, video: bytes, fault: AddFault
) -> None:
    fault("cut_download")
    with pytest.raises(httpx.ReadError):
        kie.get(url)
    start = b"".join(kie.arrived)

    assert start == video[: len(video) // 2]
    rest = kie.get(url, headers={"Range": f"bytes={len(start)}-"})
    assert rest.status_code == 206
    assert start + rest.content == video


def test_a_cut_download_without_ranges_starts_again(
    kie: KieClient, url: str, video: bytes, fault: AddFault
) -> None:
    fault("cut_download_no_range")
    with pytest.raises(httpx.ReadError):
        kie.get(url)
    again = kie.get(url, headers={"Range": "bytes=10-"})

    assert (again.status_code, again.content) == (200, video)
    assert "accept-ranges" not in again.headers


def test_a_download_ends_before_its_announced_length(
    kie: KieClient, url: str, video: bytes, fault: AddFault
) -> None:
    fault("wrong_length")
    with pytest.raises(httpx.RemoteProtocolError):
        kie.get(url)

    assert b"".join(kie.arrived) == video[: len(video) // 2]


def test_a_short_video_is_as_long_as_announced(
    kie: KieClient, url: str, video: bytes, fault: AddFault
) -> None:
    fault("short_video")

    assert kie.get(url).content == video[: len(video) // 2]


def test_a_web_page_arrives_instead_of_a_video(kie: KieClient, url: str, fault: AddFault) -> None:
    fault("html_instead_of_video")
    answer = kie.get(url)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_junk_arrives_instead_of_a_video(
    kie: KieClient, url: str, video: bytes, fault: AddFault
) -> None:
    fault("junk_video")
    answer = kie.get(url)

    assert answer.headers["content-type"] == "video/mp4"
    assert len(answer.content) == len(video)
    assert answer.content[4:8] != b"ftyp"


def test_a_download_is_redirected_forever(kie: KieClient, url: str, fault: AddFault) -> None:
    kie.options = {"follow_redirects": True}
    fault("redirect_loop")
    with pytest.raises(httpx.TooManyRedirects):
        kie.get(url)

    assert kie.get(url).status_code == 200


@pytest.mark.parametrize(("given", "pause"), [({}, 1), ({"seconds": 5}, 5)])
def test_a_slow_download_pauses_between_its_pieces(
    kie: KieClient,
    url: str,
    video: bytes,
    fault: AddFault,
    clock: Clock,
    given: dict[str, float],
    pause: float,
) -> None:
    fault("slow_download", **given)

    assert kie.get(url).content == video
    assert len(clock.slept) >= 8
    assert set(clock.slept) == {pause}
