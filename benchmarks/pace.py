"""20 tasks of 12 s at kie.ai's pace in one process."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from figures import Figure
from kling26.core import Runner, Settings, VideoRequest
from provider import environment, facts, provider, small_video

_COUNT, _SECONDS = 20, 12.0
_PEERS = (
    "20 nodes: ComfyUI's own Kling nodes 16.1 s (80 questions), fal's 12.8 s (2,210), neither with "
    "a pace; 3 nodes: Kie-API pack 60 s, Kling-Direct 41.9 s, KwaiVGI's 36.2 s, one after the other"
)


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as at, provider(small_video(Path(at)), _SECONDS) as url:
        took = asyncio.run(_together(url, Path(at, "home")))
        asked = facts(url)
    detail = f"{asked['questions'] / _COUNT:.0f} questions each"
    what = f"{_COUNT} tasks of {_SECONDS:.0f} s at kie.ai's pace"
    yield Figure(what, took, "s", 14, "most", detail, _PEERS)
    yield Figure(f"{what}: sent too fast", asked.get("too_fast", 0), "", 0)


async def _together(url: str, home: Path) -> float:
    async with Runner(Settings(environment(url, home))) as runner:
        began = time.perf_counter()
        requests = (VideoRequest(f"Heron {number}") for number in range(_COUNT))
        await asyncio.gather(*(runner.generate(each, "kie") for each in requests))
        return time.perf_counter() - began
