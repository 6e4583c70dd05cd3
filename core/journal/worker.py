"""
Workers: the processes that run tasks, on this and on other machines that share a journal.

Neither clocks nor process numbers say who is alive: clocks are set, hosts disagree about the time,
and another container numbers its processes itself. A worker locks a file for as long as its process
exists, and counts in the journal while it is awake. Where the file can be seen from here, a free
lock means that the process is gone. Otherwise, and if the process is only asleep, the count stands
still.
"""

import os
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import sqlalchemy as sa
from attrs import define, field

from .schema import WORKERS

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: How often a worker counts, in seconds.
HEARTBEAT = 10.0
#: A worker that has not counted for so long may lose its tasks, in seconds: by the journal's clock,
#: if it has not counted while it was watched either; or else while it was watched.
EXPIRY = 60.0
WATCH = 15.0
#: Two looks at a worker count for no more than this, in seconds: whoever looks may sleep too.
_LONGEST_LOOK = 5.0


@define(eq=False)
class Worker:
    """
    This process, as a worker.

    `folder` has the lock files of all workers that share it; without one, only the count says
    whether a worker is alive. `ticks` is a clock that is never set, in seconds.
    """

    folder: Path | None
    ticks: Callable[[], float]
    id: str = field(factory=lambda: f"w-{token_hex(8)}")
    _lock: "BaseFileLock | None" = field(default=None, init=False)
    _beats: int = field(default=0, init=False)
    _watches: "dict[str, _Watch]" = field(factory=dict, init=False)

    def register(self, connection: sa.Connection, now: sa.ColumnElement[float]) -> None:
        """Record in the journal that this worker is alive; `now` is the journal's clock."""
        self.take_lock()
        self._beats += 1
        connection.execute(WORKERS.delete().where(WORKERS.c.id == self.id))
        row = {"id": self.id, "place": self.place(), "seen": now, "beats": self._beats}
        connection.execute(WORKERS.insert().values(row))

    def is_alive(self, other: str, connection: sa.Connection, now: sa.ColumnElement[float]) -> bool:
        """Whether another worker may still run its tasks, as far as this one can see."""
        row = connection.execute(
            sa.select(WORKERS, (now - WORKERS.c.seen).label("age")).where(WORKERS.c.id == other)
        ).first()
        if row is None or self._is_gone(other, row.place):
            return False
        watched = self._watches.setdefault(other, _Watch()).look(row.beats, self.ticks())
        return watched < (WATCH if row.age > EXPIRY else EXPIRY)

    def forget_the_dead(self, connection: sa.Connection, now: sa.ColumnElement[float]) -> None:
        """Delete the rows and files of workers that are gone."""
        for other in list(connection.scalars(sa.select(WORKERS.c.id))):
            if other != self.id and not self.is_alive(other, connection, now):
                connection.execute(WORKERS.delete().where(WORKERS.c.id == other))
                if self.folder is not None:
                    self._lock_file(other).unlink(missing_ok=True)

    def resign(self, connection: sa.Connection) -> None:
        """Record that this worker is gone."""
        connection.execute(WORKERS.delete().where(WORKERS.c.id == self.id))

    def unlock(self) -> None:
        """Give up the lock, and delete its file."""
        if self._lock is not None:
            self._lock.release()
            self._lock_file(self.id).unlink(missing_ok=True)
            self._lock = None

    # -- locks -----------------------------------------------------------------------------

    def take_lock(self) -> None:
        """Lock the worker's file for as long as the process exists."""
        if self._lock is not None or self.folder is None:
            return
        lock = _lock(self._lock_file(self.id))
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)  # Not the home, which may have moved.
            lock.acquire(blocking=False)
        except (OSError, TimeoutError):
            return  # Others have to go by the count.
        self._lock = lock

    def place(self) -> str | None:
        """What identifies the folder of the lock to others; None without a lock."""
        return None if self._lock is None else self.folder_id()

    def folder_id(self) -> str | None:
        """The folder as this machine's kernel knows it, by whatever path, from any container."""
        try:
            found = os.stat(self.folder or "")
        except OSError:
            return None
        return f"{_machine()}:{found.st_dev:x}:{found.st_ino:x}"

    def _is_gone(self, other: str, place: str | None) -> bool:
        """Whether the lock of a worker is free; False if that cannot be seen from here."""
        if place is None or place != self.folder_id():
            return False
        lock = _lock(self._lock_file(other))
        try:
            lock.acquire(blocking=False)
        except (OSError, TimeoutError):
            return False
        lock.release()
        return True

    def _lock_file(self, worker: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{worker}.lock"


@define
class _Watch:
    """How long a worker's count has stood still, while it was being looked at."""

    _beats: int | None = None
    _since: float = 0.0
    _still: float = 0.0

    def look(self, beats: int, now: float) -> float:
        """Seconds without another beat, so far."""
        if beats != self._beats:
            self._beats, self._still = beats, 0.0
        else:
            self._still += min(now - self._since, _LONGEST_LOOK)
        self._since = now
        return self._still


def _lock(path: Path) -> "BaseFileLock":
    from filelock import FileLock  # Slow to import, and only needed with the first task.

    # `thread_local`: the journal uses threads of its own.
    # Where there are no locks, a file instead of one would outlive its process.
    return FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False)


@cache
def _machine() -> str:
    """What this machine is called as long as its kernel runs; the same in all its containers."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return f"{uuid.getnode():x}"
