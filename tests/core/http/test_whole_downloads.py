"""A download is every byte of one file, at a pace that ends, however the server sends it."""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from attrs import define, field
from kling26.core.http import download
from kling26.core.http.download import DeadLink, Download, DownloadInterrupted, TooLarge
from kling26.testing.clock import VirtualLoop

FILE = bytes(range(256)) * 40
OTHER = FILE[::-1]
STRONG = {"etag": '"1"'}
#: Ten minutes between the change of a file and its download.
DATES = {
    "last-modified": "Thu, 26 Nov 2026 10:00:00 GMT",
    "date": "Thu, 26 Nov 2026 10:10:00 GMT",
}


class Broken(httpx.AsyncByteStream):
    """A body that breaks off after some bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content
        raise httpx.ReadError("reset")


@define
class Server:
    """Gives one reply after the other, the last one again and again."""

    replies: list[httpx.Response | Callable[[httpx.Request], httpx.Response]]
    seen: list[httpx.Request] = field(factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            return reply(request)
        # A response can be read only once.
        return httpx.Response(reply.status_code, headers=reply.headers, stream=reply.stream)

    def asked(self) -> list[tuple[str | None, str | None]]:
        """Range and If-Range of each request."""
        return [(each.headers.get("range"), each.headers.get("if-range")) for each in self.seen]


def whole(content: bytes = FILE, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
    return httpx.Response(
        200, headers={"content-length": str(len(content)).encode(), **names}, stream=_bytes(content)
    )


def unmeasured(content: bytes = FILE) -> httpx.Response:
    return httpx.Response(200, stream=_bytes(content))


def _bytes(content: bytes) -> httpx.ByteStream:
    return httpx.ByteStream(content)


def broken(content: bytes = FILE, at: int = 100, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
    return httpx.Response(
        200,
        headers={"content-length": str(len(content)).encode(), **names},
        stream=Broken(content[:at]),
    )


def rest(
    content: bytes = FILE, start: int = 100, total: int | str | None = None, **headers: str
) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    total = len(content) if total is None else total
    return httpx.Response(
        206,
        headers={"content-range": f"bytes {start}-{len(content) - 1}/{total}", **names},
        stream=_bytes(content[start:]),
    )


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.close()


Get = Callable[..., bytes]


@pytest.fixture
def get(tmp_path: Path, loop: VirtualLoop) -> Get:
    """What a download leaves in its file."""

    def get(server: Server) -> bytes:
        part = tmp_path / "part"

        async def work() -> None:
            async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
                each = Download(
                    "https://cdn.example/1", part, client, "sandbox", lambda done, total: None
                )
                await each.run(_nothing)

        loop.run_until_complete(work())
        return part.read_bytes()

    return get


async def _nothing() -> None:
    """The file is good."""


def test_a_download_that_broke_off_is_resumed_where_the_same_bytes_are_sure(get: Get) -> None:
    server = Server([broken(**STRONG), rest(**STRONG)])

    assert get(server) == FILE
    assert server.asked() == [(None, None), ("bytes=100-", '"1"')]


def test_a_time_of_modification_is_as_good_once_the_file_has_settled(get: Get) -> None:
    server = Server([broken(**DATES), rest(**DATES)])

    assert get(server) == FILE
    assert server.asked()[1] == ("bytes=100-", DATES["last-modified"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"etag": 'W/"1"'},
        {"etag": "1"},
        {"etag": '""'},
        {"etag": '"1'},
        {"etag": '"\xe9"'},
        {"etag": 'W/"1"', **DATES},
        {"last-modified": DATES["last-modified"]},
        {**DATES, "date": DATES["last-modified"]},
        {**DATES, "last-modified": "yesterday"},
        {**DATES, "last-modified": DATES["last-modified"] + " (\xe9)"},
        {**DATES, "date": "Thu, 26 Nov 2026 10:10:00 +99999999999999"},
        {"accept-ranges": "bytes"},
    ],
)
def test_without_a_strong_validator_it_starts_again(get: Get, headers: dict[str, str]) -> None:
    server = Server([broken(**headers), whole(**headers)])

    assert get(server) == FILE
    assert server.asked() == [(None, None)] * 2


@pytest.mark.parametrize(
    "other",
    [
        rest(OTHER, total=len(OTHER) + 1, **STRONG),
        rest(OTHER, etag='"2"'),
        rest(OTHER),
        rest(OTHER, etag='""'),
        rest(OTHER, etag='W/"1"'),
        rest(OTHER, **DATES),
        rest(OTHER, start=99, **STRONG),
        rest(OTHER, content_encoding="gzip"),
        rest(OTHER, total=50, **STRONG),
        httpx.Response(206, headers=STRONG, content=OTHER),
        httpx.Response(206, headers={"content-range": "bytes 100-"}, content=OTHER),
        httpx.Response(206, headers={"content-range": "bytes 100-50/60"}, content=OTHER),
        rest(OTHER, content_length="7", **STRONG),
        httpx.Response(416, headers={"content-range": "bytes */50"}),
    ],
    ids=[
        "total",
        "etag",
        "silent",
        "empty",
        "weak",
        "dated",
        "start",
        "coding",
        "end",
        "none",
        "torn",
        "order",
        "length",
        "416",
    ],
)
def test_a_part_of_another_file_is_not_appended(get: Get, other: httpx.Response) -> None:
    server = Server([broken(**STRONG), other, whole(OTHER, etag='"2"')])

    assert get(server) == OTHER
    assert server.asked()[2] == (None, None)


def test_a_file_that_is_new_in_the_middle_replaces_what_was_there(get: Get) -> None:
    server = Server([broken(at=9000, **STRONG), whole(OTHER[:500], etag='"2"')])

    assert get(server) == OTHER[:500]


@pytest.mark.parametrize(
    "replies",
    [
        [whole(content_length=str(len(FILE) + 1))],
        [whole(content_length=str(len(FILE) - 1))],
        [broken(), unmeasured(FILE[:-1])],
        [broken(**STRONG), rest(total=len(FILE) + 1)],
        [httpx.Response(206, headers={"content-range": "bytes 0-99/200"}, content=FILE[:100])],
    ],
    ids=["short", "long", "without a length", "resumed", "only a part"],
)
def test_a_file_of_another_length_than_announced_is_never_taken(
    get: Get, replies: list[httpx.Response]
) -> None:
    with pytest.raises(DownloadInterrupted):
        get(Server(replies))


def test_a_server_that_sends_less_than_asked_for_is_asked_for_the_rest(get: Get) -> None:
    def piece(start: int, end: int) -> httpx.Response:
        span = {"content-range": f"bytes {start}-{end - 1}/{len(FILE)}", **STRONG}
        return httpx.Response(206, headers=span, stream=_bytes(FILE[start:end]))

    server = Server([piece(0, 100), piece(100, 5000), piece(5000, len(FILE))])

    assert get(server) == FILE
    assert [span for span, _ in server.asked()] == [None, "bytes=100-", "bytes=5000-"]


def capped(size: int, loop: VirtualLoop | None = None, seconds: float = 0) -> Server:
    """A server that sends at most so many bytes at a time, after so many seconds."""

    def part(request: httpx.Request) -> httpx.Response:
        if loop is not None:
            loop.advance(seconds)
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        end = min(start + size, len(FILE))
        span = {"content-range": f"bytes {start}-{end - 1}/{len(FILE)}", **STRONG}
        return httpx.Response(206, headers=span, stream=_bytes(FILE[start:end]))

    return Server([part])


def test_parts_that_get_further_are_never_too_many(get: Get, loop: VirtualLoop) -> None:
    server, began = capped(100), loop.time()

    assert get(server) == FILE
    assert len(server.seen) == -(-len(FILE) // 100)
    assert loop.time() - began < 0.1  # Nothing went wrong, so nothing is waited for.


def test_replies_that_break_off_further_on_are_never_too_many(get: Get) -> None:
    server = Server([broken(at=at) for at in range(1000, 9000, 1000)] + [whole()])

    assert get(server) == FILE


def test_replies_that_break_off_at_the_same_byte_are_given_up(get: Get) -> None:
    server = Server([broken(**STRONG), broken(**STRONG)])

    with pytest.raises(DownloadInterrupted):
        get(server)
    assert len(server.seen) == 5


def test_parts_that_come_too_slowly_are_given_up(get: Get, loop: VirtualLoop) -> None:
    began = loop.time()
    with pytest.raises(DownloadInterrupted):
        get(capped(100, loop, seconds=10))
    assert loop.time() - began < 60


def test_a_length_of_nonsense_is_none(get: Get) -> None:
    assert get(Server([whole(content_length="9" * 5000)])) == FILE


# -- codings ---------------------------------------------------------------------------------

#: The bytes of a video begin like this.
VIDEO = b"\x00\x00\x00\x20ftypisom" + FILE


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
    ],
)
def test_a_coding_that_nobody_asked_for_is_undone(
    get: Get, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    server = Server([whole(pack(VIDEO), content_encoding=coding)])

    assert get(server) == VIDEO
    assert server.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "nonsense"])
def test_a_coding_that_is_only_announced_does_no_harm(get: Get, coding: str) -> None:
    assert get(Server([whole(VIDEO, content_encoding=coding)])) == VIDEO


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_a_coding_that_cannot_be_undone_is_named(get: Get, coding: str) -> None:
    with pytest.raises(DownloadInterrupted, match=f'content coding "{coding}"'):
        get(Server([whole(gzip.compress(gzip.compress(VIDEO)), content_encoding=coding)]))


def members(content: bytes) -> bytes:
    """A gzip file of several members, one of them empty, and padding."""
    third = len(content) // 3
    parts = (content[:third], b"", content[third : 2 * third], content[2 * third :])
    return b"".join(map(gzip.compress, parts)) + bytes(100)


@pytest.mark.parametrize("pack", [gzip.compress, members])
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_a_packed_file_is_taken_in_pieces_of_any_size(
    get: Get, pack: Callable[[bytes], bytes], size: int
) -> None:
    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            content = pack(VIDEO)
            for start in range(0, len(content), size):
                yield content[start : start + size]

    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Trickle())

    assert get(Server([packed])) == VIDEO


@pytest.mark.parametrize("missing", [1, 9, len(gzip.compress(b"")) - 1])
def test_a_packed_file_that_lacks_the_end_of_a_member_is_never_taken(
    get: Get, missing: int
) -> None:
    packed = gzip.compress(VIDEO) + gzip.compress(b"")

    with pytest.raises(DownloadInterrupted, match="the end of the compressed data is missing"):
        get(Server([whole(packed[:-missing], content_encoding="gzip")]))


@pytest.mark.parametrize(
    "spoil", [lambda packed: packed[:-9], lambda packed: packed[:-99] + b"x" * 99]
)
def test_a_packed_file_that_is_not_whole_is_never_taken(
    get: Get, spoil: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(DownloadInterrupted, match="the compressed data"):
        get(Server([whole(spoil(gzip.compress(VIDEO)), content_encoding="gzip")]))


def test_a_packed_file_is_never_resumed(get: Get) -> None:
    packed = gzip.compress(VIDEO)
    server = Server([
        broken(packed, 50, content_encoding="gzip", **STRONG),
        whole(packed, content_encoding="gzip", **STRONG),
    ])  # fmt: skip

    assert get(server) == VIDEO
    assert server.asked() == [(None, None)] * 2


def test_a_packed_file_that_grows_too_large_is_cut_off(
    get: Get, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_VIDEO", 1_000_000)
    bomb = gzip.compress(VIDEO + bytes(50_000_000))

    with pytest.raises(TooLarge):
        get(Server([whole(bomb, content_encoding="gzip")]))
    assert (tmp_path / "part").stat().st_size <= 1_300_000


# -- pace ------------------------------------------------------------------------------------


class Slow(httpx.AsyncByteStream):
    """A body of which so many bytes come each second, for ever."""

    def __init__(self, loop: VirtualLoop, pace: int, content: bytes) -> None:
        self.loop, self.pace, self.content = loop, pace, content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), self.pace):
            self.loop.advance(1)
            yield self.content[start : start + self.pace]


@pytest.mark.parametrize("pace", [1, 1000])
def test_a_server_that_sends_almost_nothing_is_given_up(
    get: Get, loop: VirtualLoop, pace: int
) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Slow(loop, pace, bytes(1_000_000)))

    began = loop.time()
    with pytest.raises(DownloadInterrupted, match="arrived in 30 seconds"):
        get(Server([slow]))
    assert loop.time() - began < 180


def test_a_server_that_was_slow_for_a_while_is_asked_for_the_rest(
    get: Get, loop: VirtualLoop
) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        headers = {"content-length": str(len(FILE)), **STRONG}
        return httpx.Response(200, headers=headers, stream=Slow(loop, 10, FILE))

    server = Server([slow, rest(start=300, **STRONG)])

    assert get(server) == FILE
    assert server.asked()[1] == ("bytes=300-", '"1"')


def test_a_slow_connection_is_waited_for(get: Get, loop: VirtualLoop) -> None:
    content = bytes(5000 * 200)

    assert get(Server([httpx.Response(200, stream=Slow(loop, 5000, content))])) == content


def test_headers_that_never_end_are_not_waited_for(get: Get, loop: VirtualLoop) -> None:
    import asyncio

    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10_000)
        raise AssertionError

    began = loop.time()
    with pytest.raises(DownloadInterrupted, match="did not answer in time"):
        get(never)  # type: ignore[arg-type]
    assert loop.time() - began < 300


@pytest.mark.parametrize(
    ("asked", "least", "most"), [("20", 20, 23), ("86400", 60, 63), ("soon", 0, 3), ("-5", 0, 3)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_link_may_ask_to_wait_for_up_to_a_minute(
    get: Get, loop: VirtualLoop, status: int, asked: str, least: float, most: float
) -> None:
    busy = httpx.Response(status, headers={"retry-after": asked})
    began = loop.time()

    assert get(Server([busy, whole()])) == FILE
    assert least <= loop.time() - began <= most


def test_a_link_that_is_gone_is_not_tried_again(get: Get) -> None:
    server = Server([httpx.Response(404)])

    with pytest.raises(DeadLink, match="HTTP 404"):
        get(server)
    assert len(server.seen) == 1
