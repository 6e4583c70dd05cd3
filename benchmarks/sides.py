"""
The two sides that are compared, each in a process of its own, so that CPU and memory are only its.

Run: python sides.py ours URL COUNT | bare URL COUNT QUESTIONS | stream URL | fetch URL

Prints one line of JSON, and nothing else.
"""

import asyncio
import json
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from subprocess import PIPE, run
from typing import Self

import httpx
import psutil
from attrs import define, field
from provider import environment

_TEXT_TO_VIDEO = "/kling/v1/videos/text2video"
#: How often each side downloads the file.
_TIMES = 3

Facts = dict[str, float]


def side(name: str, *arguments: object) -> Mapping[str, float]:
    """What a side says, from a process of its own."""
    line = [sys.executable, __file__, name, *map(str, arguments)]
    facts: Mapping[str, float] = json.loads(run(line, stdout=PIPE, check=True).stdout)
    return facts


@define
class Spent:
    """What a block takes: seconds, CPU, the children's CPU, and bytes of memory at the most."""

    took: float = 0.0
    cpu: float = 0.0
    children: float = 0.0
    memory: float = 0.0
    _before: tuple[float, float, float] = field(init=False)
    _ended: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._before = self._now()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        before, now = self._before, self._now()
        self.took, self.cpu, self.children = (b - a for a, b in zip(before, now, strict=True))
        self._ended.set()
        self._thread.join()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = (sum(each.cpu_times()[:2]) for each in psutil.Process().children())
        return time.perf_counter(), own.ru_utime + own.ru_stime, sum(children)

    def _watch(self) -> None:
        process = psutil.Process()
        before = process.memory_info().rss
        while not self._ended.wait(0.02):
            self.memory = max(self.memory, process.memory_info().rss - before)

    @property
    def facts(self) -> Facts:
        names = ("took", "cpu", "children", "memory")
        return {name: getattr(self, name) for name in names}


async def ours(url: str, count: int) -> Facts:
    """One task, and then `count` at once."""
    from kling26.core import Runner, Settings, VideoRequest

    with tempfile.TemporaryDirectory() as home:
        async with Runner(Settings(environment(url, Path(home)))) as runner:
            began = time.perf_counter()
            await runner.generate(VideoRequest("A heron"), "cometapi")
            alone = time.perf_counter() - began
            requests = [VideoRequest(f"Heron {number}") for number in range(count)]
            with Spent() as spent:
                every = (runner.generate(each, "cometapi") for each in requests)
                videos = await asyncio.gather(*every, return_exceptions=True)
    delivered = sum(not isinstance(each, BaseException) for each in videos)
    return {**spent.facts, "alone": alone, "delivered": delivered}


async def bare(url: str, count: int, questions: int) -> Facts:
    """The requests of as many tasks with bare httpx: 200 tasks in flight over 20 connections."""
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=20)
    places = asyncio.Semaphore(200)
    each, more = divmod(questions, count)
    with tempfile.TemporaryDirectory() as folder:
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=600) as client:

            async def one(number: int) -> None:
                body = {"model_name": "kling-v2-6", "prompt": f"Heron {number}", "duration": "5"}
                async with places:
                    answer = (await client.post(_TEXT_TO_VIDEO, json=body)).json()
                    task = answer["data"]["task_id"]
                    for _ in range(each + (number < more)):
                        (await client.get(f"{_TEXT_TO_VIDEO}/{task}")).json()
                    await _save(client, f"/{task}.mp4", Path(folder, task))

            await one(0)
            with Spent() as spent:
                await asyncio.gather(*(one(number) for number in range(count)))
    return spent.facts


async def _save(client: httpx.AsyncClient, url: str, path: Path) -> None:
    async with client.stream("GET", url) as reply:
        with path.open("wb") as file:
            async for chunk in reply.aiter_bytes():
                file.write(chunk)


async def stream(url: str) -> Facts:
    """How long bare httpx takes to write a result to a file, and how much memory."""
    took = []
    with tempfile.TemporaryDirectory() as folder, Spent() as spent:
        for number in range(_TIMES):
            async with httpx.AsyncClient() as client:
                began = time.perf_counter()
                await _save(client, f"{url}/big.mp4", Path(folder, str(number)))
                took.append(time.perf_counter() - began)
    return {"took": median(took), "memory": spent.memory}


async def fetch(url: str) -> Facts:
    """The same for kling26: from the first byte to the last, as it reports them."""
    from kling26.core import Progress, Runner, Settings, VideoRequest

    took: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        async with Runner(Settings(environment(url, Path(home)))) as runner:
            await runner.tasks()
            with Spent() as spent:
                for number in range(_TIMES):
                    marks: list[float] = []

                    def mark(progress: Progress, marks: list[float] = marks) -> None:
                        if progress.phase == "downloading":
                            marks.append(time.perf_counter())

                    request = VideoRequest(f"Heron {number}")
                    await runner.generate(request, "cometapi", progress=mark)
                    took.append(marks[-1] - marks[0])
    return {"took": median(took), "memory": spent.memory}


if __name__ == "__main__":
    name, url, *numbers = sys.argv[1:]
    sides = {"ours": ours, "bare": bare, "stream": stream, "fetch": fetch}
    print(json.dumps(asyncio.run(sides[name](url, *map(int, numbers)))))
