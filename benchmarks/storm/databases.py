"""The databases that journals are kept in, and what goes wrong with them."""

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import psutil
import sqlalchemy as sa

#: Debian does not put the server's programs on the PATH.
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
    Path(found).parent for found in [shutil.which("initdb")] if found
]


class Database(ABC):
    """
    A journal that several hosts share.

    `troubles` are what may happen to it: each takes a number of seconds that it lasts.
    """

    name: ClassVar[str]
    #: The folder whose files must not contain a key.
    folder: Path

    @property
    @abstractmethod
    def url(self) -> str:
        """The journal as an SQLAlchemy URL."""

    @property
    @abstractmethod
    def troubles(self) -> Mapping[str, Callable[[float], None]]: ...

    @abstractmethod
    def close(self) -> None:
        """End it, and delete its files."""


class SQLite(Database):
    """A file in a folder that all hosts see."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'journal.sqlite3'}"

    @property
    def troubles(self) -> Mapping[str, Callable[[float], None]]:
        return {"locked": lambda seconds: lock_file(self.folder / "journal.sqlite3", seconds)}

    def close(self) -> None:
        shutil.rmtree(self.folder)


def lock_file(path: Path, seconds: float) -> None:
    """Hold SQLite's lock for writers for some seconds."""
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(path, timeout=20.0, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")
        finally:
            connection.close()


class PostgreSQL(Database):
    """A server with a data directory of its own; its only door is a socket in there."""

    name = "PostgreSQL"

    def __init__(self) -> None:
        # The server refuses to run as root.
        root = os.geteuid() == 0
        user = "postgres" if root else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="kling26-storm-pg-"))
        shutil.chown(self.folder, user)
        self._demoted: dict[str, Any] = {"user": user} if root else {}
        data = f"{self.folder}/data"
        self._run("initdb", "-D", data, "-A", "trust", "-U", "kling", "--no-sync")
        self._start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://kling@/postgres?host={self.folder}"

    @property
    def troubles(self) -> Mapping[str, Callable[[float], None]]:
        return {"locked": self._lock, "frozen": self._freeze, "restarted": self._restart}

    def close(self) -> None:
        self._stop()
        shutil.rmtree(self.folder)

    def _lock(self, seconds: float) -> None:
        engine = sa.create_engine(self.url)
        with suppress(sa.exc.SQLAlchemyError), engine.begin() as connection:
            connection.execute(sa.text("SET lock_timeout = '20s'"))
            connection.execute(sa.text("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"))
            time.sleep(seconds)
        engine.dispose()

    def _freeze(self, seconds: float) -> None:
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for number, pause in ((signal.SIGSTOP, seconds), (signal.SIGCONT, 0.0)):
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
            time.sleep(pause)

    def _restart(self, seconds: float) -> None:
        self._stop()
        time.sleep(seconds)
        self._start()

    def _start(self) -> None:
        options = f"-c listen_addresses= -k {self.folder} -F -c max_connections=200"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-o", options, "-w", "start")

    def _stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            (f"{BINARIES[-1]}/{program}", *arguments),
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            **self._demoted,
        )
