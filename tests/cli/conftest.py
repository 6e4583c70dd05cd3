"""A user at a terminal: a home folder, an environment, and `kling26`, here or as a process."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from ..in_process import command

#: The key of every provider here; whatever is run, it must never be seen again.
KEY = "sk-recognisable-0123456789"
KEYS = dict.fromkeys(("KIE_API_KEY", "APIKLEY_API_KEY", "COMETAPI_KEY", "RUNCOMFY_TOKEN"), KEY)
FACTS = [
    "task", "provider", "state", "standing", "task_id", "url", "file", "outputs", "cost",
    "cost_unit", "cost_usd", "reused", "sandbox", "prompt", "image", "end_image", "sound",
    "duration", "aspect_ratio", "seed", "options", "created", "submitted", "finished", "error",
    "code", "remedy",
]  # fmt: skip


@frozen
class Ran:
    """What became of a command line."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The one sentence on stderr."""
        assert self.err.count("\n") == 1, self.err
        return self.err.removesuffix("\n")

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects on stdout, each with all of its keys."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(list(each) == FACTS for each in found)
        return found

    @property
    def object(self) -> dict[str, Any]:
        (found,) = self.objects
        return found

    @property
    def file(self) -> Path:
        """The path on stdout, and nothing else there."""
        assert self.out.count("\n") == 1, self.out
        return Path(self.out.removesuffix("\n"))


class Running:
    """A command that is still going on."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._heard = ""

    def until(self, said: str) -> "Running":
        """Listen until a line on stderr has these words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._heard += line
            if said in line:
                return self
        raise AssertionError(f'Ended without "{said}": {self._heard}')

    def interrupt(self, number: int = signal.SIGINT) -> "Running":
        self.process.send_signal(number)
        return self

    def ended(self) -> Ran:
        try:
            out, err = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return ran(self.process.args, self.process.returncode, out, self._heard + err)  # type: ignore[arg-type]


def ran(line: Sequence[str], status: int, out: str, err: str) -> Ran:
    """What became of a command, which shows no key, and no traceback unasked."""
    assert KEY not in out + err
    assert "Traceback" not in out + err or "--verbose" in line
    return Ran(status, out, err)


class User:
    """Somebody with a home folder, and keys in the environment."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        ours = ("KLING26_", *KEYS, "KIE_", "APIKLEY_", "COMETAPI_", "RUNCOMFY_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
        self.environ = kept | KEYS | {"KLING26_HOME": str(self.home)} | environ

    def call(self, *line: str, stdin: str = "", **environ: str | None) -> Ran:
        """Run a command in this process; an environment variable of None is not set."""
        return ran(line, *command(line, self.folder, self._changed(environ), stdin))

    def start(self, *line: str, **environ: str | None) -> Running:
        """Begin a command as a process of its own."""
        return Running(
            subprocess.Popen(
                [sys.executable, "-m", "kling26.cli", *line],
                cwd=self.folder,
                env=self._changed(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
        )

    def run(self, *line: str, **environ: str | None) -> Ran:
        """Run a command as a process of its own."""
        return self.start(*line, **environ).ended()

    def _changed(self, environ: Mapping[str, str | None]) -> dict[str, str]:
        return {name: text for name, text in (self.environ | environ).items() if text is not None}

    def rows(self) -> int:
        """How many tasks the journal has; none if there is no journal."""
        path = self.home / "journal.sqlite3"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as journal:
            return int(journal.execute("SELECT count(*) FROM tasks").fetchone()[0])


class Trap:
    """A server that nothing may be sent to: it counts who comes."""

    def __init__(self) -> None:
        self.caught = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.caught += 1
            connection.close()

    def addresses(self) -> Mapping[str, str]:
        names = ("KIE_BASE_URL", "KIE_UPLOAD_URL", "APIKLEY_BASE_URL", "APIKLEY_UPLOAD_URL",
                 "COMETAPI_BASE_URL", "COMETAPI_BALANCE_URL", "RUNCOMFY_BASE_URL",
                 "RUNCOMFY_BALANCE_URL")  # fmt: skip
        return dict.fromkeys(names, self.url)

    def close(self) -> None:
        self._listening.close()


@pytest.fixture(scope="session", autouse=True)
def _heed_interrupts() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C, and so would all that the tests start there."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def user_of() -> type[User]:
    """Make another user: of a folder, and with variables in the environment."""
    return User


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """`kling26 sandbox serve`; what it says to export."""
    running = User(tmp_path_factory.mktemp("server")).start("sandbox", "serve", "--port", "0")
    assert running.process.stdout is not None
    exports = {}
    for line in running.process.stdout:
        if line.startswith("#"):
            break
        name, _, address = line.removeprefix("export ").strip().partition("=")
        exports[name] = address
    yield exports

    ran = running.interrupt().ended()
    assert (ran.status, ran.err) == (0, "")
