"""The price of a video before it is paid for, of a provider that tells it on request."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from kling26.core.errors import OutOfCredit, Unavailable
from kling26.core.money import Price
from kling26.core.options import NoOptions
from kling26.core.provider import Flow
from kling26.core.request import VideoRequest
from kling26.core.runner.runner import Runner
from kling26.providers.kie import Kie

from ..conftest import Stage, built_in


class Quoting(Kie):
    """Tells its prices, by whatever its answer is made to be; and has a list price of 0.275 USD."""

    answer: Callable[[], object] = lambda: 0.5
    asked = 0

    def quote(self, request: VideoRequest, options: NoOptions) -> Flow[float | None]:
        yield httpx.Request("GET", f"{self.base_url}/api/v1/chat/credit")
        type(self).asked += 1
        return type(self).answer()  # type: ignore[return-value]


@pytest.fixture
def quoting() -> type[Quoting]:
    class Fresh(Quoting):
        asked = 0

    return Fresh


async def preview(runner: Runner, **fields: object) -> Price:
    request = VideoRequest("A heron", **fields)  # type: ignore[arg-type]
    return (await runner.preview(request, "kie", sandbox=True)).price


def test_what_the_provider_says_counts_more_than_its_list(
    tmp_path: Path, quoting: type[Quoting]
) -> None:
    with Stage(tmp_path, quoting(), built_in("kie")[1]) as stage:
        told = stage.run(preview(stage.runner()))
        stage.generate()

        assert (told.usd, told.source) == (0.5, "quote")
        assert stage.task().price_usd == 0.5


def test_it_is_asked_once_an_hour_also_by_other_processes(
    tmp_path: Path, quoting: type[Quoting]
) -> None:
    with Stage(tmp_path, quoting(), built_in("kie")[1]) as stage:
        for seed in range(3):
            stage.generate(seed=seed)
        assert quoting.asked == 1

        stage.run(asyncio.sleep(3600))
        stage.generate(seed=4)
        assert quoting.asked == 2


def test_other_videos_have_other_prices(tmp_path: Path, quoting: type[Quoting]) -> None:
    with Stage(tmp_path, quoting(), built_in("kie")[1]) as stage:
        stage.generate()
        stage.generate(sound=True)
        stage.generate(duration=10)

        assert quoting.asked == 3


def test_many_at_once_ask_once(tmp_path: Path, quoting: type[Quoting]) -> None:
    with Stage(tmp_path, quoting(), built_in("kie")[1]) as stage:

        async def work() -> None:
            async with stage.runner() as runner:
                await asyncio.gather(*(stage.make(runner, seed=seed) for seed in range(5)))

        stage.run(work())

        assert quoting.asked == 1


def boom() -> object:
    raise RuntimeError("no price")


def out() -> object:
    raise OutOfCredit("You cannot pay that.")


def down() -> object:
    raise Unavailable("kie.ai is temporarily unavailable.")


@pytest.mark.parametrize(
    "answer",
    [boom, out, down, lambda: None, lambda: "0.5", lambda: -1, lambda: float("nan"), lambda: True],
)
def test_without_an_answer_that_is_a_price_the_list_counts(
    tmp_path: Path, quoting: type[Quoting], answer: Callable[[], object]
) -> None:
    quoting.answer = answer
    with Stage(tmp_path, quoting(), built_in("kie")[1]) as stage:
        told = stage.run(preview(stage.runner()))
        stage.generate()

        assert (told.usd, told.source) == (0.275, "list")
        assert stage.task().state == "stored"


def test_a_provider_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, quoting: type[Quoting]
) -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/credit"):
                await asyncio.sleep(1000)
            return await inner.handle_async_request(request)

    with Stage(tmp_path, quoting(), built_in("kie")[1]) as stage:
        inner, before = stage.transport(), stage.clock()

        async def work() -> Price:
            async with stage.runner(sandbox=lambda _: Silent()) as runner:
                await stage.make(runner)
                return Price()

        stage.run(work())

        assert stage.task().price_usd == 0.275
        assert stage.clock() - before < 90
