"""How late a finished task is noticed, over how many questions."""

import random
import statistics
from collections.abc import Iterator

from figures import Figure
from kling26.core.http.pacing import PollSchedule

_TASKS = 4000
_PEERS = (
    "tasks of 7, 23 and 61 s: Kie-API pack 0.5 to 9 s (2, 4, 8 questions), ComfyUI's own Kling "
    "nodes 1.5 to 5.6 s (3, 6, 14), Kling-Direct 0.6 to 5.8 s (3, 7, 14), KwaiVGI's 0.02 to 0.7 s "
    "(7, 23, 61), huggingface_hub 0.1 to 0.4 s (14, 46, 122), fal's 0.1 to 0.3 s (58 to 584)"
)


def figures() -> Iterator[Figure]:
    dice, lags, counts = random.Random(26), [], []  # noqa: S311
    for _ in range(_TASKS):
        ends, elapsed, asked = dice.uniform(40, 120), 0.0, 0
        waits = PollSchedule()
        while elapsed < ends:
            elapsed += next(waits)
            asked += 1
        lags.append(elapsed - ends)
        counts.append(asked)
    what = "tasks of 40 to 120 s, without a history"
    yield Figure(f"noticing the end: {what}", statistics.mean(lags), "s", 1.0, "most", "", _PEERS)
    yield Figure(f"questions: {what}", statistics.mean(counts), "", 30)
