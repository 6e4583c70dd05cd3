"""How many requests are under way at once, and on which connections."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from kling26.core.http.concurrency import ConcurrencyLimiter
from kling26.core.http.connections import ConnectionPool
from kling26.core.http.outbound import Network, Outbound
from kling26.testing.clock import run


def test_no_more_than_so_many_work_at_once_and_all_do() -> None:
    at_once: list[int] = []

    async def work() -> None:
        limiter, busy = ConcurrencyLimiter(3, 10, 60.0), 0

        async def one() -> None:
            nonlocal busy
            async with limiter.slot():
                busy += 1
                at_once.append(busy)
                await asyncio.sleep(1)
                busy -= 1

        await asyncio.gather(*(one() for _ in range(12)))

    run(work())
    assert max(at_once) == 3
    assert len(at_once) == 12


def test_who_comes_first_is_served_first() -> None:
    served: list[int] = []

    async def work() -> None:
        limiter = ConcurrencyLimiter(1, 1, 60.0)

        async def one(number: int) -> None:
            async with limiter.slot():
                served.append(number)
                await asyncio.sleep(1)

        await asyncio.gather(*(one(number) for number in range(5)))

    run(work())
    assert served == [0, 1, 2, 3, 4]


def test_those_that_hang_do_not_keep_others_waiting() -> None:
    async def work() -> float:
        limiter, loop = ConcurrencyLimiter(20, 200, 1.0), asyncio.get_running_loop()

        async def hang() -> None:
            async with limiter.slot():
                await asyncio.sleep(30)

        hanging = [asyncio.create_task(hang()) for _ in range(40)]
        await asyncio.sleep(0)
        began = loop.time()
        async with limiter.slot():
            waited = loop.time() - began
        await asyncio.gather(*hanging)
        return waited

    assert 1.9 <= run(work()) < 3


def test_those_that_hang_are_no_more_than_there_may_be_connections() -> None:
    async def work() -> int:
        limiter, busy = ConcurrencyLimiter(2, 5, 1.0), 0

        async def hang() -> None:
            nonlocal busy
            async with limiter.slot():
                busy += 1
                await asyncio.sleep(30)

        hanging = [asyncio.create_task(hang()) for _ in range(20)]
        await asyncio.sleep(20)
        for each in hanging:
            each.cancel()
        return busy

    assert run(work()) == 5


@pytest.mark.parametrize("seconds", [0.5, 5.0])
def test_a_place_is_free_again_exactly_once(seconds: float) -> None:
    """Also if it was given up before, and if whoever had it, or waited for it, was cancelled."""

    async def work() -> int:
        limiter, busy, most = ConcurrencyLimiter(2, 4, 1.0), 0, 0

        async def one() -> None:
            nonlocal busy, most
            async with limiter.slot():
                busy += 1
                most = max(most, busy)
                try:
                    await asyncio.sleep(seconds)
                finally:
                    busy -= 1

        cancelled = [asyncio.create_task(one()) for _ in range(10)]
        await asyncio.sleep(0.2)
        for each in cancelled:
            each.cancel()
        await asyncio.gather(*cancelled, return_exceptions=True)
        most = 0
        await asyncio.gather(*(one() for _ in range(10)))
        return most

    assert run(work()) == (2 if seconds < 1 else 4)


# -- connections -------------------------------------------------------------------------------


class Connection(httpx.AsyncHTTPTransport):
    """A connection that answers with its number."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.number, self.closed = self.made, False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/broken":
            raise httpx.ReadError("broken")
        return httpx.Response(200, stream=Numbered(self.number))

    async def aclose(self) -> None:
        self.closed = True


class Numbered(httpx.AsyncByteStream):
    def __init__(self, number: int) -> None:
        self.number = number

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield str(self.number).encode()


class Made:
    """The connections that pool have made."""

    def __init__(self) -> None:
        Connection.made = 0
        self.all: list[Connection] = []

    def __call__(self, proxy: httpx.URL | None) -> Connection:
        self.all.append(Connection())
        return self.all[-1]


async def ask(pool: ConnectionPool, url: str, proxy: str | None = None) -> int:
    """The number of the connection that answered, which is given back."""
    request = httpx.Request("GET", url)
    reply = await pool.send(request, None if proxy is None else httpx.URL(proxy))
    number = int(await reply.aread())
    await reply.aclose()
    return number


def test_a_connection_is_used_again_for_the_same_server_only() -> None:
    async def work() -> list[int]:
        pool = ConnectionPool(Made(), reuse=True)
        return [
            await ask(pool, "https://a.example/1"),
            await ask(pool, "https://a.example/2"),
            await ask(pool, "https://b.example/1"),
            await ask(pool, "http://a.example/1"),
            await ask(pool, "https://a.example:444/1"),
            await ask(pool, "https://a.example/3", "http://proxy.example"),
            await ask(pool, "https://a.example/4"),
        ]

    assert asyncio.run(work()) == [1, 1, 2, 3, 4, 5, 1]


def test_a_paid_request_never_gets_a_connection_that_was_used_before() -> None:
    made = Made()

    async def work() -> list[int]:
        pool = ConnectionPool(made, reuse=False)
        return [await ask(pool, "https://a.example/") for _ in range(3)]

    assert asyncio.run(work()) == [1, 2, 3]
    assert all(each.closed for each in made.all)


def test_a_connection_whose_answer_is_still_read_is_not_used() -> None:
    async def work() -> tuple[int, int]:
        pool = ConnectionPool(Made(), reuse=True)
        reply = await pool.send(httpx.Request("GET", "https://a.example/"), None)
        second = await ask(pool, "https://a.example/")
        await reply.aclose()
        await reply.aclose()  # Twice gives it back once.
        first = await pool.send(httpx.Request("GET", "https://a.example/"), None)
        other = await pool.send(httpx.Request("GET", "https://a.example/"), None)
        return second, len({int(await first.aread()), int(await other.aread())})

    assert asyncio.run(work()) == (2, 2)


def test_a_connection_that_broke_is_closed_and_not_used_again() -> None:
    made = Made()

    async def work() -> int:
        pool = ConnectionPool(made, reuse=True)
        with pytest.raises(httpx.ReadError):
            await ask(pool, "https://a.example/broken")
        return await ask(pool, "https://a.example/")

    assert asyncio.run(work()) == 2
    assert [each.closed for each in made.all] == [True, False]


def test_only_some_connections_stay_open_and_all_are_closed_at_the_end() -> None:
    made = Made()

    async def work() -> int:
        pool = ConnectionPool(made, reuse=True)
        for number in range(30):
            await ask(pool, f"https://{number}.example/")
        stay = sum(not each.closed for each in made.all)
        await pool.aclose()
        return stay

    assert asyncio.run(work()) == 20
    assert all(each.closed for each in made.all)


def test_the_way_out_lets_go_of_every_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made()
    monkeypatch.setattr(Outbound, "_make_connection", lambda self, proxy: made(proxy))

    async def work() -> None:
        async with httpx.AsyncClient(transport=Outbound(Network(), keep_alive=True)) as client:
            await client.get("http://127.0.0.1:9/")

    asyncio.run(work())
    assert [each.closed for each in made.all] == [True]
