"""Workers: the processes that carry tasks on, here and on other machines that share a journal."""

import os
import socket
from secrets import token_hex

import psutil
import sqlalchemy as sa
from attrs import frozen

from .schema import WORKERS

#: A worker on another machine that has not been seen for so long is gone, in seconds.
_ABSENT = 60.0


@frozen
class Worker:
    """A process that carries tasks on, recognisable after its end."""

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
        """Show in the journal that this worker is alive."""
        connection.execute(WORKERS.delete().where(WORKERS.c.id == self.id))
        connection.execute(
            WORKERS.insert().values(
                id=self.id, host=self.host, pid=self.pid, born=self.born, seen=now
            )
        )

    def is_alive(self, other: str, connection: sa.Connection, now: float) -> bool:
        """Whether another worker, by its id, is still there as far as this one can tell."""
        row = connection.execute(WORKERS.select().where(WORKERS.c.id == other)).first()
        if row is None:
            return False
        if row.host == self.host:
            born = _born(row.pid)
            return born is not None and abs(born - row.born) < 2  # The clock may have been set.
        return bool(row.seen > now - _ABSENT)


def _born(pid: int) -> float | None:
    """When a process of this machine began; None if there is none."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
