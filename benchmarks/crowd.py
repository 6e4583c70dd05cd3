"""1,000 tasks at once in one process, beside bare httpx that makes the same requests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure
from provider import facts, provider, small_video
from sides import side

_COUNT, _SECONDS = 1000, 40.0


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        video = small_video(Path(folder))
        with provider(video, _SECONDS) as url:
            ours = side("ours", url, _COUNT)
            asked = facts(url)
        questions = asked["questions"] * _COUNT // (_COUNT + 1)  # Without those of the one alone.
        with provider(video) as url:
            bare = side("bare", url, _COUNT, questions)
    at_once = f"{_COUNT:,} tasks at once"
    per_task = f"{questions / _COUNT:.1f} questions each"
    times = f"{ours['took']:.1f} s, and {ours['alone']:.1f} s for one"
    yield Figure(f"{at_once}: time", ours["took"] / ours["alone"], "× one", 1.3, "most", times)
    each = f"{ours['cpu'] / _COUNT * 1e3:.1f} ms of CPU each, and {bare['cpu'] / _COUNT * 1e3:.1f}"
    yield Figure(
        f"{at_once}: CPU", ours["cpu"] / bare["cpu"], "× bare httpx", 1.5, "most",
        f"{each}; {per_task}",
    )  # fmt: skip
    child = ours["children"] / _COUNT * 1e3
    yield Figure(f"{at_once}: CPU of the check of a video", child, "ms", 10)
    yield Figure(f"{at_once}: memory of each", ours["memory"] / _COUNT / 1e3, "kB", 60)
    yield Figure(f"{at_once}: delivered", ours["delivered"], "", _COUNT, "least")
    yield Figure(f"{at_once}: paid per request", asked["most_per_request"], "", 1)
