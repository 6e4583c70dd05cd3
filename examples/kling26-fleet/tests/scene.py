"""What a fleet is tried on: PostgreSQL, kie.ai's emulator over HTTP, and worker processes."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from attrs import define, field, frozen
from kling26.core import Settings
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Server, build_site, environment
from kling26_fleet.fleet import Fleet
from kling26_fleet.outcomes import Outcomes
from kling26_fleet.queue import opened
from kling26_fleet.status import standings

#: Debian does not put the server's programs on the PATH.
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
    Path(found).parent for found in [shutil.which("initdb")] if found
]
KEY = "key-that-nobody-must-see"


class PostgreSQL:
    """A server with a data directory of its own; its only door is a socket in there."""

    def __init__(self) -> None:
        root = os.geteuid() == 0  # The server refuses to run as root.
        user = "postgres" if root else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="kling26-fleet-"))
        shutil.chown(self.folder, user)
        self._demoted: dict[str, Any] = {"user": user} if root else {}
        self.url = f"postgresql+psycopg://kling@/postgres?host={self.folder}"
        self._run("initdb", "-A", "trust", "-U", "kling", "--no-sync")

    def start(self) -> None:
        self._run("pg_ctl", "-o", f"-c listen_addresses= -k {self.folder} -F", "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [BINARIES[-1] / program, "-D", self.folder / "data", *arguments],
            check=True, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
            **self._demoted,
        )  # fmt: skip


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@frozen
class Arrival:
    """A paid request at the emulator: when it came, what for, and whether it was taken."""

    at: float
    prompt: str
    taken: bool


@define
class Till:
    """An ASGI application that notes the paid requests to the one behind it."""

    site: Any
    arrivals: list[Arrival] = field(factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not scope["path"].endswith("/createTask"):
            await self.site(scope, receive, send)
            return
        at, asked, answered = time.monotonic(), bytearray(), bytearray()

        async def heard() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def said(message: Any) -> None:
            answered.extend(message.get("body", b""))
            await send(message)

        try:
            await self.site(scope, heard, said)
        finally:
            # An answer that broke off may be that of a task that was taken.
            taken = not answered or json.loads(answered)["code"] == 200
            self.arrivals.append(Arrival(at, json.loads(asked)["input"]["prompt"], taken))

    @property
    def paid(self) -> list[str]:
        """What was paid for."""
        return [each.prompt for each in self.arrivals if each.taken]

    def most_in(self, seconds: float) -> int:
        """The most requests that came within so many seconds."""
        times = sorted(each.at for each in self.arrivals)
        return max(sum(0 <= b - a < seconds for b in times) for a in times)


@define(eq=False)
class Scene:
    """A fleet's home and database, and the provider that its workers pay."""

    folder: Path
    journal: str
    till: Till
    urls: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "workers.log"

    def environ(self, **changes: str | None) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("KLING26_")}
        settings = {
            "KLING26_HOME": str(self.folder / "home"),
            "KLING26_JOURNAL": self.journal,
            "KIE_API_KEY": KEY,
            "PYTHONUNBUFFERED": "1",
        }
        chosen: dict[str, str | None] = {**inherited, **settings, **self.urls, **changes}
        return {name: value for name, value in chosen.items() if value is not None}

    def command(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """What a command of the fleet's says, once it has ended."""
        return subprocess.run(
            [*FLEET, *arguments], env=self.environ(**changes), cwd=self.folder,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def ask(self, *arguments: str) -> str:
        done = self.command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def worker(self, jobs: int, **changes: str | None) -> subprocess.Popen[bytes]:
        """A worker that has just been started."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*FLEET, "worker", "--jobs", str(jobs)],
                env=self.environ(**changes), cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def states(self) -> list[str]:
        """How each row stands; without a process, as it is asked again and again."""
        fleet = Fleet(Settings(self.environ()))

        async def look() -> list[str]:
            async with opened(fleet) as queue:
                return [row.state for row in await standings(fleet, Outcomes(queue))]

        return asyncio.run(look())

    def wait_until_here(self, count: int, timeout: float) -> None:
        """Wait until so many rows are here."""
        end = time.monotonic() + timeout
        while (found := self.states().count("here")) < count:
            assert time.monotonic() < end, f"{found} of {count} here:\n{self.ask('status')}"
            time.sleep(0.5)

    def tasks(self) -> list[Any]:
        """The rows of the journal."""
        engine = sa.create_engine(self.journal)
        with engine.connect() as connection:
            rows = list(connection.execute(sa.text("SELECT * FROM tasks ORDER BY id")))
        engine.dispose()
        return rows

    def end(self) -> None:
        for process in self.processes:
            for number in (signal.SIGCONT, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    process.send_signal(number)
            process.wait()


FLEET = [sys.executable, "-m", "kling26_fleet"]


@contextmanager
def scene(
    folder: Path, server: PostgreSQL, queued: float = 0.1, running: float = 0.1
) -> Iterator[Scene]:
    """A fleet in an empty database; its tasks take so many seconds at the provider."""
    engine = sa.create_engine(server.url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    sandbox = load_sandboxes()["kie"]
    till = Till(build_site([sandbox], Conditions(queued=queued, running=running, keys=[KEY])))
    with Server(till) as site:
        found = Scene(folder, server.url, till, environment(sandbox, site.url))
        try:
            yield found
        finally:
            found.end()


def write_rows(path: Path, prompts: Sequence[str]) -> Path:
    path.write_text("".join(json.dumps({"prompt": each}) + "\n" for each in prompts))
    return path
