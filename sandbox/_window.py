"""A limit on how many tasks an account may make in a stretch of time."""

from __future__ import annotations

from collections import defaultdict, deque


class Window:
    """`count` per `seconds` for each account; what is over the limit is not counted."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count, self._seconds = count, seconds
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def admits(self, account: str, now: float) -> bool:
        times = self._times[account]
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(times) >= self._count:
            return False
        times.append(now)
        return True
