"""5,000 tasks at once in one process."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure
from provider import facts, provider, small_video
from sides import side

_COUNT, _SECONDS = 5000, 40.0


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as at, provider(small_video(Path(at)), _SECONDS) as url:
        ours = side("ours", url, _COUNT)
        most = facts(url)["most_per_request"]
    detail = f"in {ours['took']:.0f} s, with {ours['memory'] / 1e6:.0f} MB"
    yield Figure(
        f"{_COUNT:,} tasks at once: delivered", ours["delivered"], "", _COUNT, "least", detail
    )
    yield Figure(f"{_COUNT:,} tasks at once: paid per request", most, "", 1)
