"""The pace of submissions, in one process and over all that share a home."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from attrs import define
from kling26.core.errors import JournalBusy, TryLater
from kling26.core.http.concurrency import ConcurrencyLimiter
from kling26.core.journal.journal import Journal
from kling26.core.limits import Limits
from kling26.core.runner.limiter import RateLimiter, Turn, TurnPassed
from kling26.core.runner.runner import Runner
from kling26.testing.clock import VirtualLoop

from ..conftest import Stage

KIE = Limits(submissions=(20, 10.0))


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


def arrivals(stage: Stage) -> list[float]:
    return sorted(task.created for task in stage.emulator.accepted)


def keeps_pace(times: list[float]) -> bool:
    """Whether there are at most 20 in any 10 seconds."""
    return all(later - earlier > 10 for earlier, later in zip(times, times[20:], strict=False))


def all_at_once(stage: Stage, count: int, processes: int = 1) -> None:
    async def work() -> None:
        runners = [stage.runner(alive=True) for _ in range(processes)]
        await asyncio.gather(*(
            stage.make(runners[seed % processes], seed=seed) for seed in range(count)
        ))  # fmt: skip
        for runner in runners:
            await runner.aclose()

    stage.run(work())


@pytest.fixture
def limiters(kie: Stage) -> Iterator[Callable[[Limits], RateLimiter]]:
    """Rate limiters of as many processes, for one pace."""
    journals: list[Journal] = []

    def build(limits: Limits = KIE) -> RateLimiter:
        path = kie.home / "journal.sqlite3"
        journals.append(Journal(path, kie.home, kie.clock))
        return RateLimiter(limits, journals[-1].departures("live:kie"))

    yield build
    for journal in journals:
        kie.run(journal.close())


def test_many_tasks_at_once_keep_to_the_rate_that_kie_publishes(kie: Stage) -> None:
    all_at_once(kie, 50)

    times = arrivals(kie)
    assert len(times) == 50
    assert kie.submits() == 50  # Not one was turned away.
    assert keeps_pace(times)
    assert times[19] - times[0] < 0.1  # The whole window is used,
    assert times[-1] - times[0] < 23  # and none is left out.


def test_20_tasks_of_12_seconds_are_here_after_14(kie: Stage) -> None:
    kie.conditions.queued, kie.conditions.running = 2.0, 10.0
    began = kie.clock()

    all_at_once(kie, 20)

    assert kie.clock() - began <= 14


def test_processes_that_share_a_home_share_the_rate(kie: Stage) -> None:
    all_at_once(kie, 45, processes=9)

    times = arrivals(kie)
    assert len(times) == kie.submits() == 45
    assert keeps_pace(times)
    assert times[-1] - times[0] < 23


def test_without_a_published_rate_all_leave_at_once(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("runcomfy")

    all_at_once(stage, 20)

    times = arrivals(stage)
    assert times[-1] - times[0] < 0.1


@pytest.mark.parametrize("name", ["kie", "runcomfy"])
def test_one_rate_limit_slows_the_submissions_of_all_processes(
    stage_of: Callable[[str], Stage], name: str
) -> None:
    stage = stage_of(name)
    stage.fault("rate_limit", retry_after=50)

    async def work() -> None:
        one, other = stage.runner(alive=True), stage.runner(alive=True)
        first = asyncio.create_task(stage.make(one, seed=1))
        await asyncio.sleep(5)
        await asyncio.gather(first, stage.make(one, seed=2), stage.make(other, seed=3))
        await one.aclose()
        await other.aclose()

    began = stage.clock()
    stage.run(work())

    assert min(arrivals(stage)) - began >= 50
    assert stage.submits() == 4


def test_what_one_process_has_no_time_to_wait_for_the_others_wait_for(kie: Stage) -> None:
    kie.fault("rate_limit", retry_after=40)
    began = kie.clock()
    with pytest.raises(TryLater):
        kie.generate(timeout=10, seed=1)

    kie.generate(seed=2)

    assert arrivals(kie)[0] - began >= 40


def test_no_provider_holds_up_the_others_for_more_than_a_minute(kie: Stage) -> None:
    kie.fault("rate_limit", retry_after=86_400)
    began = kie.clock()
    with pytest.raises(TryLater):
        kie.generate(timeout=10, seed=1)

    kie.generate(seed=2)

    assert 60 <= arrivals(kie)[0] - began < 65


def test_after_a_pause_few_leave_at_first(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("runcomfy")
    stage.fault("rate_limit", times=40, retry_after=20)

    all_at_once(stage, 40)

    times = arrivals(stage)
    assert sum(each < times[0] + 0.45 for each in times) <= 2
    assert times[-1] - times[0] < 15


# -- in line -----------------------------------------------------------------------------------


def test_first_come_first_served(kie: Stage, limiters: Callable[..., RateLimiter]) -> None:
    served: list[int] = []

    async def work() -> None:
        limiter = limiters(Limits(submissions=(3, 10.0)))

        async def wait(number: int) -> None:
            await limiter.acquire()
            served.append(number)

        await asyncio.gather(*(wait(number) for number in range(10)))

    kie.run(work())

    assert served == list(range(10))


def test_whoever_leaves_the_line_gives_the_place_to_the_next(
    kie: Stage, limiters: Callable[..., RateLimiter]
) -> None:
    async def work() -> list[float]:
        limiter, loop = limiters(Limits(submissions=(1, 10.0))), asyncio.get_running_loop()
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(4)]
        began, times = loop.time(), []
        await waiting[0]
        await asyncio.sleep(1)
        waiting[1].cancel()  # It is the first in line.
        waiting[2].cancel()
        await asyncio.gather(*waiting[1:3], return_exceptions=True)
        await waiting[3]
        times.append(loop.time() - began)
        return times

    (waited,) = kie.run(work())

    assert 10.5 <= waited < 11.5


def test_a_turn_that_its_task_did_not_live_to_use_is_the_next_ones(
    kie: Stage, limiters: Callable[..., RateLimiter]
) -> None:
    async def work() -> float:
        limiter, loop = limiters(Limits(submissions=(1, 10.0))), asyncio.get_running_loop()
        first = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # The journal is being asked.
        first.cancel()
        began = loop.time()
        await limiter.acquire()
        return loop.time() - began

    assert kie.run(work()) < 0.1


def test_1000_in_line_ask_the_journal_once_a_window(
    kie: Stage, limiters: Callable[..., RateLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> int:
        limiter = limiters()
        take, asked = limiter.departures.take, list[int]()

        async def counted(window: Any, wanted: int, ahead: float = 0.0) -> Any:
            asked.append(wanted)
            return await take(window, wanted, ahead)

        monkeypatch.setattr(type(limiter.departures), "take", lambda _, *more: counted(*more))
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(1000)]
        await asyncio.sleep(35)
        for each in waiting:
            each.cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(each, Turn) for each in done) == 80
        assert asked[0] == 1000
        return len(asked)

    assert kie.run(work()) <= 12


def test_who_waits_is_told_so_once(kie: Stage, limiters: Callable[..., RateLimiter]) -> None:
    told: list[int] = []

    async def work() -> None:
        limiter = limiters(Limits(submissions=(2, 10.0)))
        waiting = [limiter.acquire(lambda n=n: told.append(n)) for n in range(4)]  # type: ignore[misc]
        running = [asyncio.ensure_future(each) for each in waiting]
        await asyncio.sleep(3)
        running.append(asyncio.ensure_future(limiter.acquire(lambda: told.append(9))))
        await asyncio.gather(*running)

    kie.run(work())

    assert sorted(told) == [2, 3, 9]


def test_a_window_of_one_in_a_long_time_lets_one_through(
    kie: Stage, limiters: Callable[..., RateLimiter]
) -> None:
    async def work() -> float:
        limiter, loop = limiters(Limits(submissions=(1, 60.0))), asyncio.get_running_loop()
        await limiter.acquire()
        began = loop.time()
        await limiter.acquire()
        return loop.time() - began

    assert kie.run(work()) >= 60


# -- until the request leaves ------------------------------------------------------------------


def later(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.advance(seconds)


def test_a_turn_that_was_not_used_at_once_counts_from_when_it_is(
    kie: Stage, limiters: Callable[..., RateLimiter]
) -> None:
    async def work() -> float:
        limiter, loop = limiters(), asyncio.get_running_loop()
        turns = [await limiter.acquire() for _ in range(20)]
        later(5.0)
        await asyncio.gather(*(turn.leave() for turn in turns))
        began = loop.time()
        await limiters().acquire()
        return loop.time() - began

    assert kie.run(work()) >= 10.5


def test_a_process_that_was_stopped_for_longer_than_the_window_waits_again(
    kie: Stage, limiters: Callable[..., RateLimiter]
) -> None:
    async def work() -> None:
        turn = await limiters().acquire()
        later(11.0)
        with pytest.raises(TurnPassed):
            await turn.leave()

    kie.run(work())


@define
class Slow(httpx.AsyncBaseTransport):
    """Connections take some seconds; then it says that the request leaves, as httpcore does."""

    inner: httpx.AsyncBaseTransport
    delays: list[float]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            await asyncio.sleep(self.delays.pop(0) if self.delays else 0.0)
            tell: Callable[[str, object], Awaitable[None]] = request.extensions["trace"]
            await tell("http11.send_request_headers.started", {"request": _Core()})
        return await self.inner.handle_async_request(request)


@define
class _Core:
    method: bytes = b"POST"


def through(stage: Stage, delays: list[float]) -> Runner:
    return stage.runner(sandbox=lambda _: Slow(stage.transport(), delays))


@pytest.mark.parametrize("delays", [[4.0] * 20, [0.3 * number for number in range(20)]])
def test_it_is_when_requests_leave_that_keeps_the_pace(kie: Stage, delays: list[float]) -> None:
    async def work() -> None:
        async with through(kie, list(delays)) as runner:
            await asyncio.gather(*(kie.make(runner, seed=seed) for seed in range(40)))

    kie.run(work())

    times = arrivals(kie)
    assert len(times) == kie.submits() == 40
    assert keeps_pace(times)


def test_a_request_whose_turn_has_passed_waits_for_another_and_is_paid_once(kie: Stage) -> None:
    async def work() -> None:
        async with through(kie, [12.0]) as runner:
            await kie.make(runner)

    kie.run(work())

    assert (kie.paid, kie.submits()) == (1, 1)
    assert kie.task().state == "stored"


def test_what_cannot_be_counted_is_not_sent(kie: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: object) -> None:
        raise JournalBusy("The journal is busy.")

    async def work() -> None:
        async with through(kie, [3.0]) as runner:
            monkeypatch.setattr(RateLimiter, "renew", busy)
            await kie.make(runner)

    with pytest.raises(JournalBusy):
        kie.run(work())

    assert (kie.submits(), kie.task().standing) == (0, "unsent")


def test_who_has_no_time_left_holds_nobody_else_up(
    kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what the provider says is a reason to pause, and not that a command's time is up."""

    @asynccontextmanager
    async def slot(_: ConcurrencyLimiter) -> AsyncIterator[None]:
        await asyncio.sleep(10.5)
        yield

    monkeypatch.setattr(ConcurrencyLimiter, "slot", slot)
    with pytest.raises(TryLater, match="Time ran out"):
        kie.generate(timeout=10)

    async def paused() -> float:
        async with kie.runner() as runner:
            return await runner.journal.departures(f"{kie.task().realm}:kie").paused()

    assert kie.run(paused()) == 0.0
    assert kie.paid == 0
