"""A result of 200 MB, beside a bare httpx stream to a file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from figures import Figure
from provider import big_video, provider
from sides import side

_ROUNDS = 5
_PEERS = (
    "held or added in memory: Kie-API pack 393 to 400 MB, ComfyUI's own Kling nodes 200 MB, "
    "huggingface_hub 401 MB, fal's 2 to 6 MB; a bare httpx stream 10 MB"
)


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as at, provider(big_video(Path(at))) as url:
        # In turn, so that a slow moment of the machine hits both alike.
        pairs = [(side("stream", url), side("fetch", url)) for _ in range(_ROUNDS)]
    bare, ours = (median(each["took"] for each in one) for one in zip(*pairs, strict=True))
    times = f"{ours:.2f} s, and {bare:.2f} s"
    yield Figure("a result of 200 MB: speed", bare / ours, "× bare httpx", 0.9, "least", times)
    more = max(each["memory"] for _, each in pairs) / 1e6
    yield Figure("a result of 200 MB: memory", more, "MB more", 16, "most", "", _PEERS)
