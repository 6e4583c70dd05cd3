"""One request and what arrives of its answer, from real sockets and from stubs."""

import asyncio
import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import closing

import httpx
import pytest
from kling26.core.http.exchange import Answer, NotSent, exchange
from kling26.core.http.outbound import Network, Outbound
from kling26.core.http.patience import Patience
from kling26.core.http.pool import make_client
from kling26.core.wire import MAX_REPLY
from kling26.testing.clock import run

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"id": 1}'


class SleepyLoop(asyncio.SelectorEventLoop):
    """A loop whose process can be put to sleep."""

    slept = 0.0

    def time(self) -> float:
        return super().time() + self.slept


class Host:
    """A server that answers one request, when it is told to."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: Callable[[], None] = lambda: None
        self.may_answer, self.answered = threading.Event(), threading.Event()
        self.request = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with closing(self._listening), closing(self._listening.accept()[0]) as connection:
            self.request = connection.recv(65_536)
            self.asked()
            self.may_answer.wait(30)
            connection.sendall(self.answer)
            self.answered.set()


def fetched(url: str, timeout: float = 30.0, **headers: str) -> Answer:
    async def work() -> Answer:
        async with make_client(Outbound(Network(), keep_alive=False)) as client:
            return await exchange(client, httpx.Request("POST", url, headers=headers), timeout)

    return asyncio.run(work())


def sleeping(host: Host, timeout: float) -> Answer:
    """The exchange of a process that falls asleep for 66 seconds when its request has arrived."""

    async def work() -> Answer:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SleepyLoop)

        def sleep() -> None:
            host.may_answer.set()
            assert host.answered.wait(30)
            loop.slept += 66.0

        host.asked = lambda: loop.call_soon_threadsafe(sleep)
        async with make_client(Outbound(Network(), keep_alive=False)) as client:
            return await exchange(client, httpx.Request("POST", host.url), timeout)

    with asyncio.Runner(loop_factory=SleepyLoop) as runner:
        return runner.run(work())


@pytest.mark.parametrize("timeout", [1.0, 30.0, 60.0, 66.0])
def test_an_answer_that_came_while_the_process_slept_is_read(timeout: float) -> None:
    answer = sleeping(Host(OK), timeout)

    assert (answer.problem, answer.reply.json()) == (None, {"id": 1})


def test_a_long_answer_that_came_while_the_process_slept_is_read_whole() -> None:
    body = b'{"id": "' + b"x" * 300_000 + b'"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    host = Host(head + body)
    host.answered.set()  # It does not fit into the socket's buffers, so nobody waits for its end.

    answer = sleeping(host, 30.0)

    assert (answer.problem, answer.reply.content) == (None, body)


class Dripping(httpx.AsyncByteStream):
    """Some bytes, and then a blank a second, for ever."""

    def __init__(self, first: bytes) -> None:
        self.first = first

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.first
        while True:
            await asyncio.sleep(1.0)
            yield b" "


def dripped(first: bytes, timeout: float) -> tuple[Answer, float]:
    """The answer of a server that never ends, and how long it was waited for."""

    async def work() -> tuple[Answer, float]:
        stub = httpx.MockTransport(lambda _: httpx.Response(200, stream=Dripping(first)))
        began = asyncio.get_running_loop().time()
        async with make_client(stub) as client:
            request = httpx.Request("POST", "https://api.acme.example")
            answer = await exchange(client, request, timeout)
        return answer, asyncio.get_running_loop().time() - began

    return run(work())


@pytest.mark.parametrize("timeout", [5.0, 60.0])
def test_a_server_that_sends_a_byte_a_second_is_not_waited_for(timeout: float) -> None:
    answer, took = dripped(b'{"id": ', timeout)

    assert answer.problem == "it took too long"
    assert timeout <= took <= timeout + 2


def test_an_answer_that_is_complete_is_read_although_its_server_never_ends() -> None:
    answer, _ = dripped(b'{"id": 1}', 5.0)

    assert (answer.problem, answer.reply.json()) == (None, {"id": 1})


def test_time_that_runs_out_awake_ends_the_wait() -> None:
    async def work() -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            async with Patience(10.0):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time() - began

    assert 10 <= run(work()) <= 12


def test_a_process_that_keeps_falling_asleep_still_gives_up() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()

        async def drowsy() -> None:
            while True:
                await asyncio.sleep(0.1)
                loop.advance(66.0)  # type: ignore[attr-defined]

        sleeper = asyncio.create_task(drowsy())
        with pytest.raises(TimeoutError):
            async with Patience(10.0):
                await asyncio.sleep(1e6)
        sleeper.cancel()

    run(work())


# -- whether anything has left -----------------------------------------------------------------


def test_nothing_has_left_where_nobody_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

    with pytest.raises(NotSent):
        fetched(url)


def test_nothing_has_left_with_a_header_that_is_not_allowed() -> None:
    with pytest.raises(NotSent):
        fetched(Host(OK).url, Authorization="Bearer a\nb")


def test_a_connection_that_breaks_without_an_answer_may_have_had_an_effect() -> None:
    host = Host(b"")
    host.may_answer.set()

    answer = fetched(host.url)

    assert (answer.began, answer.problem) == (False, "the connection broke")


# -- what is read ------------------------------------------------------------------------------


def answered(body: bytes, *headers: tuple[str, str], length: int | None = None) -> Answer:
    """What is read of an answer with that body, and perhaps another length."""
    lines = [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    host = Host("\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body)
    host.may_answer.set()
    return fetched(host.url)


def test_an_answer_is_asked_for_unpacked() -> None:
    host = Host(OK)
    host.may_answer.set()
    fetched(host.url)

    assert b"accept-encoding: identity\r\n" in host.request.lower()


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "deflate", "gzip, identity"])
def test_an_answer_that_is_packed_anyway_is_unpacked(coding: str) -> None:
    plain = b'{"id": 1}'
    packed = zlib.compress(plain) if coding == "deflate" else gzip.compress(plain)

    answer = answered(packed, ("Content-Encoding", coding))

    assert (answer.problem, answer.reply.content) == (None, plain)


def test_deflate_without_its_header_is_unpacked() -> None:
    answer = answered(zlib.compress(b'{"id": 1}')[2:-4], ("Content-Encoding", "deflate"))

    assert (answer.problem, answer.reply.json()) == (None, {"id": 1})


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
def test_a_header_that_lies_about_the_coding_does_not_matter(coding: str) -> None:
    answer = answered(b'{"id": 1}', ("Content-Encoding", coding))

    assert (answer.problem, answer.reply.json()) == (None, {"id": 1})


def test_a_packed_answer_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    packed = gzip.compress(b'{"id": "12345", "more": "' + bytes(range(32, 33)) * 50)[:-6]

    answer = answered(packed, ("Content-Encoding", "gzip"))

    assert answer.problem == "the end of the compressed data is missing"
    assert answer.reply.content.startswith(b'{"id": "12345"')


def bomb(megabytes: int) -> bytes:
    """A JSON text of many megabytes that begins with an id, packed twice."""
    pack = zlib.compressobj(wbits=31)
    inner = pack.compress(b'{"id": "12345", "more": "')
    for _ in range(megabytes):
        inner += pack.compress(bytes(1_000_000))
    return gzip.compress(inner + pack.flush())


def test_an_answer_that_unpacks_to_hundreds_of_megabytes_takes_few() -> None:
    packed = bomb(400)
    tracemalloc.start()

    answer = answered(packed, ("Content-Encoding", "gzip, gzip"))

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(packed) < 20_000
    assert most < 6_000_000
    assert answer.problem == f"it is longer than {MAX_REPLY} bytes"
    assert answer.reply.content.startswith(b'{"id": "12345"')


def test_json_that_arrived_completely_is_whole_whatever_the_length_said() -> None:
    answer = answered(b'{"code": 402, "msg": "no credit"} ', length=400)

    assert (answer.problem, answer.reply.json()["code"]) == (None, 402)


@pytest.mark.parametrize("body", [b'{"code": 402, "msg": "no cre', b"[1, 2]", b"402", b""])
def test_anything_else_that_is_shorter_than_announced_was_cut_off(body: bytes) -> None:
    answer = answered(body, length=400)

    assert answer.problem is not None
    assert answer.reply.content == body


@pytest.mark.parametrize("target", ["https://[bad", "data:x,y", "https://h:x/", "https://xn--/"])
def test_a_redirect_to_no_url_leaves_it_open_what_the_request_did(target: str) -> None:
    host = Host(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\n\r\n".encode())
    host.may_answer.set()

    answer = fetched(host.url)

    assert answer.began or answer.problem
