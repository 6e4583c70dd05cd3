"""A result of 200 MB, beside a bare httpx stream to a file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure
from provider import big_video, provider
from sides import side

_PEERS = (
    "held or added in memory: Kie-API pack 393 to 400 MB, ComfyUI's own Kling nodes 200 MB, "
    "huggingface_hub 401 MB, fal's 2 to 6 MB; a bare httpx stream 10 MB"
)


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, provider(big_video(Path(folder))) as url:
        bare, ours = side("stream", url), side("fetch", url)
    times = f"{ours['took']:.2f} s, and {bare['took']:.2f} s"
    speed = bare["took"] / ours["took"]
    yield Figure("a result of 200 MB: speed", speed, "× bare httpx", 0.9, "least", times)
    more = ours["memory"] / 1e6
    yield Figure("a result of 200 MB: memory", more, "MB more", 16, "most", "", _PEERS)
