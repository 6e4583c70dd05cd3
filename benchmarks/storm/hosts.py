"""Hosts: a home folder each, a journal that may be shared, and the processes that work there."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import Factory, define, field, frozen
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Step, environment

from .truth import Moment

WORKER = Path(__file__).with_name("worker.py")
#: What each provider's key is here: easy to find wherever it does not belong.
KEYS = {
    "KIE_API_KEY": ("kie", "storm-key-kie-5ac1e0b7d2"),
    "APIKLEY_API_KEY": ("apikley", "storm-key-apikley-91f4c3a8e6"),
    "COMETAPI_KEY": ("cometapi", "storm-key-cometapi-2d70b95f1c"),
    "RUNCOMFY_TOKEN": ("runcomfy", "storm-key-runcomfy-c86e13d40a"),
}


@frozen
class Order:
    """A video that is wanted."""

    number: int
    prompt: str
    provider: str
    output: str | None = None


@frozen
class Fate:
    """
    What happens to a process, when its `nth` request of a step arrives or has been answered.

    `what` is "live", "sleep", "kill", "term" or "int"; `delay` is in seconds.
    """

    what: str = "live"
    step: Step = "submit"
    moment: Moment = "arrives"
    nth: int = 1
    delay: float = 0.0

    def __str__(self) -> str:
        if self.what == "live":
            return "live"
        return f"{self.what} when {self.step} {self.nth} {self.moment} (+{self.delay:.2f} s)"


@define(eq=False)
class Host:
    """A machine: its home, which may be moved, and its environment."""

    name: str
    folder: Path
    server_url: str
    shared_journal: str | None
    keys_in_file: bool
    home: Path = field(init=False)
    _moves: int = 0

    def __attrs_post_init__(self) -> None:
        self.home = self.folder / f"{self.name}-home"
        self._keep_keys()

    @property
    def journal(self) -> str:
        """The journal as an SQLAlchemy URL."""
        return self.shared_journal or f"sqlite:///{self.home / 'journal.sqlite3'}"

    def move(self) -> None:
        """Move the home, whatever uses it."""
        self._moves += 1
        place = self.folder / f"{self.name}-home-{self._moves}"
        self.home.rename(place)
        self.home = place

    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        variables = {"PATH": os.environ["PATH"], "KLING26_HOME": str(self.home)}
        for sandbox in load_sandboxes().values():
            variables |= environment(sandbox, self.server_url)
        if self.shared_journal is not None:
            variables["KLING26_JOURNAL"] = self.shared_journal
        if not self.keys_in_file:
            variables |= {variable: key for variable, (_, key) in KEYS.items()}
        return variables

    def _keep_keys(self) -> None:
        self.home.mkdir(mode=0o700)
        if self.keys_in_file:
            lines = [f'{provider} = "{key}"' for provider, key in KEYS.values()]
            (self.home / "keys.toml").write_text("\n".join(lines))


@define(eq=False)
class Process:
    """
    A process at a host, with its fate.

    `address` is where it calls from. Times are those of `time.monotonic`.
    """

    address: str
    host: Host
    logs: Path
    arguments: Sequence[str]
    orders: Sequence[Order] = ()
    timeout: float = 0.0
    fate: Fate = Fate()
    #: When it was stopped and continued; the last one may be asleep.
    naps: list[list[float]] = Factory(list)
    began: float = field(init=False)
    struck: float | None = field(default=None, init=False)
    killed: float | None = field(default=None, init=False)
    #: Whether it has called: then it has found its home.
    heard: bool = field(default=False, init=False)
    ended: float | None = field(default=None, init=False)
    popen: "subprocess.Popen[bytes]" = field(init=False)
    _seen: int = 0

    def __attrs_post_init__(self) -> None:
        self.began = time.monotonic()
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.popen = subprocess.Popen(
                [sys.executable, str(WORKER), self.address, *self.arguments],
                env=self.host.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> Path:
        return self.logs / f"{self.address}.out"

    @property
    def err(self) -> Path:
        return self.logs / f"{self.address}.err"

    @property
    def asleep(self) -> bool:
        return bool(self.naps) and len(self.naps[-1]) == 1

    @property
    def slept(self) -> float:
        """For how many seconds its last sleep has lasted."""
        return time.monotonic() - self.naps[-1][0]

    @property
    def running(self) -> bool:
        if self.ended is None and self.popen.poll() is not None:
            self.ended = time.monotonic()
        return self.ended is None

    def notice(self, step: Step, moment: Moment) -> None:
        """Strike it if this is the request that its fate waits for."""
        self.heard, fate = True, self.fate
        if fate.what == "live" or (step, moment) != (fate.step, fate.moment):
            return
        self._seen += 1
        if self._seen == fate.nth:
            if fate.delay:
                threading.Timer(fate.delay, self.strike).start()
            else:
                self.strike()

    def strike(self) -> None:
        """Let happen what its fate says."""
        now = self.struck = time.monotonic()
        match self.fate.what:
            case "sleep":
                self._send(signal.SIGSTOP)
                self.naps.append([now])
            case "kill":
                self.kill()
            case "term":
                self._send(signal.SIGTERM)
            case "int":
                self._send(signal.SIGINT)

    def wake(self) -> None:
        """Continue it after its sleep."""
        self.naps[-1].append(time.monotonic())
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        self.killed = time.monotonic()
        self._send(signal.SIGKILL)

    def awake_between(self, start: float, end: float) -> float:
        """For how many seconds of a time it ran, and was not stopped."""
        naps = [(nap[0], nap[1] if len(nap) > 1 else end) for nap in self.naps]
        slept = sum(max(0.0, min(end, stop) - max(start, begin)) for begin, stop in naps)
        return end - start - slept

    def results(self) -> Iterator[Mapping[str, Any]]:
        """What it has printed, line by line."""
        for line in self.out.read_text(errors="replace").splitlines():
            with suppress(ValueError):  # The last line of a process that was killed.
                yield json.loads(line)

    def _send(self, number: signal.Signals) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(number)


@define
class Town:
    """All processes, by the address that they call from."""

    logs: Path
    processes: dict[str, Process] = Factory(dict)

    def start(self, host: Host, make: "Callable[[str], Sequence[str]]", **facts: Any) -> Process:
        """Start a process; `make(name)` returns its arguments."""
        number = len(self.processes) + 2
        address = f"127.26.{number // 250}.{number % 250 + 1}"
        process = Process(address, host, self.logs, make(address), **facts)
        self.processes[address] = process
        return process

    def run(self, host: Host, orders: Sequence[Order], timeout: float, fate: Fate) -> Process:
        """Start a program that makes these videos at once."""

        def job(name: str) -> Sequence[str]:
            path = self.logs / f"{name}.json"
            own = len(self.processes) % 3 != 0
            made = [{"number": o.number, "prompt": o.prompt, "provider": o.provider,
                     "output": o.output} for o in orders]  # fmt: skip
            path.write_text(json.dumps({"orders": made, "timeout": timeout, "own_runner": own}))
            return ["run", str(path)]

        return self.start(host, job, orders=orders, timeout=timeout, fate=fate)

    def command(
        self, host: Host, *words: str, orders: Sequence[Order] = (), fate: Fate = Fate(),
        timeout: float = 60.0,
    ) -> Process:  # fmt: skip
        """Start the command `kling26`."""
        line = ["command", *words, "--timeout", f"{timeout:g}", "--json"]
        return self.start(host, lambda _: line, orders=orders, timeout=timeout, fate=fate)

    def notify(self, caller: str, step: Step, moment: Moment) -> None:
        """Tell the process at an address that its request arrives, or has been answered."""
        process = self.processes.get(caller)
        if process is not None:
            process.notice(step, moment)

    def close(self) -> None:
        """End all processes."""
        for process in self.processes.values():
            if process.running:
                process.popen.kill()
            process.popen.wait()
