"""Workers: the processes that run tasks, on this and on other machines that share a journal."""

import os
import socket
from secrets import token_hex

import psutil
import sqlalchemy as sa
from attrs import frozen

from .schema import WORKERS

#: How long after its last heartbeat a worker on another machine counts as gone, in seconds.
_EXPIRY = 60.0


@frozen
class Worker:
    """A process that runs tasks; `born` tells it apart from a later one with the same pid."""

    id: str
    host: str
    pid: int
    born: float

    @classmethod
    def here(cls) -> "Worker":
        """This process, as a new worker."""
        pid = os.getpid()
        return cls(f"w-{token_hex(8)}", socket.gethostname(), pid, _born(pid) or 0.0)

    def register(self, connection: sa.Connection, now: float) -> None:
        """Record in the journal that this worker is alive."""
        connection.execute(WORKERS.delete().where(WORKERS.c.id == self.id))
        connection.execute(
            WORKERS.insert().values(
                id=self.id, host=self.host, pid=self.pid, born=self.born, seen=now
            )
        )

    def is_alive(self, other: str, connection: sa.Connection, now: float) -> bool:
        """Whether another worker is still alive, as far as this one can see."""
        row = connection.execute(WORKERS.select().where(WORKERS.c.id == other)).first()
        if row is None:
            return False
        if row.host == self.host:
            born = _born(row.pid)
            return born is not None and abs(born - row.born) < 2  # The clock may have been set.
        return bool(row.seen > now - _EXPIRY)


def _born(pid: int) -> float | None:
    """When a process on this machine started; None if there is no such process."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
