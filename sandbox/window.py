"""A limit on how many tasks an account may create in a period of time."""

from collections import defaultdict, deque


class Window:
    """`count` tasks per `seconds` for each account; refused attempts do not count."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count, self._seconds = count, seconds
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def admits(self, account: str, now: float) -> bool:
        """Whether the account may create a task now; if so, it is counted."""
        times = self._times[account]
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(times) >= self._count:
            return False
        times.append(now)
        return True
