"""Virtual time."""

import asyncio
import time

import pytest
from kling26.testing import VirtualLoop, run


def loop_time() -> float:
    return asyncio.get_running_loop().time()


def test_an_hour_of_sleep_takes_no_time() -> None:
    async def sleep() -> float:
        began = loop_time()
        await asyncio.sleep(3600)
        return loop_time() - began

    assert run(sleep()) == pytest.approx(3600)


def test_timers_fire_in_their_order_and_at_their_time() -> None:
    async def race() -> list[tuple[str, float]]:
        began, seen = loop_time(), list[tuple[str, float]]()

        async def runner(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, round(loop_time() - began, 3)))

        await asyncio.gather(runner("slow", 30), runner("quick", 0.5), runner("middle", 7))
        return seen

    assert run(race()) == [("quick", 0.5), ("middle", 7.0), ("slow", 30.0)]


def test_a_timeout_strikes_in_virtual_time() -> None:
    async def wait() -> None:
        async with asyncio.timeout(60):
            await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        run(wait())


def test_the_clock_stands_still_while_a_thread_works() -> None:
    """A timer of a second does not overtake a thread that is at work already."""

    async def work() -> tuple[float, list[str]]:
        began, order = loop_time(), list[str]()

        async def timer() -> None:
            await asyncio.sleep(1)
            order.append("timer")

        ticking = asyncio.create_task(timer())
        await asyncio.to_thread(time.sleep, 0.05)
        order.append("thread")
        took = round(loop_time() - began, 3)
        await ticking
        return took, order

    assert run(work()) == (0.0, ["thread", "timer"])


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    async def work() -> None:
        await asyncio.to_thread(int, "no number")

    with pytest.raises(ValueError, match="no number"):
        run(work())


def test_a_thread_may_wake_a_loop_that_has_nothing_else_to_do() -> None:
    async def work() -> str:
        done = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(loop.call_soon_threadsafe, done.set_result, "woken")
        return await done

    assert run(work()) == "woken"


def test_the_clock_goes_on_from_one_run_to_the_next() -> None:
    async def sleep() -> float:
        await asyncio.sleep(100)
        return loop_time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        first, second = runner.run(sleep()), runner.run(sleep())

    assert second - first == pytest.approx(100)
