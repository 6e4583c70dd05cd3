"""
The storm: real processes on several hosts make videos at emulators over HTTP, and all goes wrong.

Processes are stopped for more than a minute, killed, and interrupted while they queue at the pace
gate, send, poll and download; deadlines pass; journals are locked, frozen and restarted; homes are
moved; the folders of outputs vanish; two hosts want the same videos; and three in ten answers of
the providers have a fault. Then everything is resumed, and judged by `judging`.
"""

import random
import shutil
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from attrs import Factory, define, field

from .databases import Database, PostgreSQL, SQLite
from .hosts import Fate, Host, Order, Process, Town
from .judging import Case, Judge, Judgement, read_tasks, seen_keys
from .report import told
from .scene import GATE, Chunk, chunks_of, fates, groups_of, orders_of
from .troubles import ROUGH_TIME, troubles
from .truth import Truth

#: How long a sleeper sleeps, and when others go on with what it did, in seconds.
SLEEP = 66.0
RIVALS_AFTER = 12.0
#: When the last sleeper falls asleep; how long all may go on, in the end with nothing but the
#: providers' faults; and how long the last processes then have, in seconds.
LAST_SLEEP = 120.0
WHOLE_TIME = 400.0
LAST_ENDS = 90.0
#: How many processes are awake at once.
AT_ONCE = 7
TIMEOUT = 120.0


@define
class Storm:
    """One database's storm."""

    database: Database
    folder: Path
    truth: Truth
    town: Town
    groups: Sequence[Sequence[Host]]
    orders: Sequence[Order]
    chunks: Sequence[Chunk]
    dice: random.Random
    say: Callable[[str], None]
    bugs: list[str] = Factory(list)
    _ready: deque[Chunk] = Factory(deque)
    _deck: list[Fate] = Factory(list)
    _fates: Counter[str] = Factory(Counter)
    _troubles: list[threading.Thread] = Factory(list)
    _moving: set[Host] = Factory(set)
    _began: float = field(factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    @property
    def calm(self) -> bool:
        """Whether nothing goes wrong any more but the providers."""
        return self.elapsed > ROUGH_TIME

    def blow(self) -> Judgement:
        """Let it all happen, resume everything, and judge."""
        self._ready.extend(self.chunks)
        outputs = self.folder / "outputs"
        schedule = troubles(self.database, self.groups, outputs, self.dice, self._moving.add)
        due = deque(sorted(schedule, key=lambda each: each[0]))
        said = 0.0
        while self._unsettled() and self.elapsed < WHOLE_TIME:
            while due and due[0][0] <= self.elapsed:
                self._start_trouble(*due.popleft()[1:])
            self._turn()
            if self.elapsed - said >= 10.0:
                said = self.elapsed
                self._report()
            time.sleep(0.1)
        for trouble in self._troubles:
            trouble.join()
        self._let_end(LAST_ENDS)
        self.say(f"{sum(len(chunk.orders) for chunk in self.chunks)} are not settled")
        self._resume_everything()
        return self._judge()

    # -- processes -------------------------------------------------------------------------

    def _turn(self) -> None:
        """Look after the processes that run, and start others."""
        self._move()
        for chunk in self.chunks:
            self._look_after(chunk)
        awake = sum(p.running and not p.asleep for p in self.town.processes.values())
        for chunk in list(self._ready):
            hosts = [host for host in chunk.hosts if host not in self._moving]
            if awake < AT_ONCE and hosts:
                self._ready.remove(chunk)
                if chunk.orders:
                    self._start(chunk, hosts)
                    awake += 1

    def _move(self) -> None:
        """Move the homes that are to be moved, once no process there is about to look for one."""
        for host in list(self._moving):
            here = [p for p in self.town.processes.values() if p.host is host and p.running]
            if all(process.heard for process in here):
                host.move()
                self._moving.remove(host)

    def _look_after(self, chunk: Chunk) -> None:
        for process in list(chunk.running):
            if process.asleep and process.slept >= SLEEP:
                process.wake()
            if not process.running:
                chunk.running.remove(process)
                self.bugs += chunk.settle(process)
        sleeping = [p for p in chunk.running if p.asleep]
        waited = all(process.slept > RIVALS_AFTER for process in sleeping)
        idle = len(sleeping) == len(chunk.running) and waited
        if (
            chunk.orders
            and idle
            and chunk not in self._ready
            and (not sleeping or not chunk.rivalled)
        ):
            chunk.rivalled = chunk.rivalled or bool(sleeping)
            self._ready.append(chunk)

    def _start(self, chunk: Chunk, hosts: Sequence[Host]) -> None:
        chunk.tries += 1
        host = self.dice.choice(hosts)
        if self.calm:
            chunk.running.append(self._launch(chunk, host, TIMEOUT, Fate()))
            return
        fate, timeout = self._fate(chunk), TIMEOUT
        if fate.what == "live" and self.dice.random() < 0.25 and chunk.tries < 3:
            timeout = self.dice.uniform(2.0, 14.0)
            self._fates["short deadline"] += 1
        chunk.running.append(self._launch(chunk, host, timeout, fate))
        others = [each for each in hosts if each is not host]
        if others and self.dice.random() < 0.12:
            self._fates["twin"] += 1
            chunk.running.append(self._launch(chunk, self.dice.choice(others), TIMEOUT, Fate()))

    def _launch(self, chunk: Chunk, host: Host, timeout: float, fate: Fate) -> Process:
        self._fates[fate.what] += 1
        if not chunk.as_command:
            return self.town.run(host, chunk.orders, timeout, fate)
        (order,) = chunk.orders
        words = ["generate", order.prompt, "--provider", order.provider, "--seed",
                 str(order.number)]  # fmt: skip
        words += ["--output", order.output] if order.output else []
        return self.town.command(host, *words, orders=chunk.orders, fate=fate, timeout=timeout)

    def _fate(self, chunk: Chunk) -> Fate:
        """The next fate; nobody fails for ever."""
        if chunk.tries > 3:
            return Fate()
        if not self._deck:
            self._deck = list(fates(self.dice))
            self.dice.shuffle(self._deck)
        late = self.elapsed > LAST_SLEEP
        fits = [
            fate
            for fate in self._deck
            if not (late and fate.what == "sleep") and (fate.nth == 1 or not chunk.as_command)
        ]
        if chunk.gate:
            fits.sort(key=lambda fate: fate.nth < GATE)
        if not fits:
            return Fate()
        self._deck.remove(fits[0])
        return fits[0]

    def _let_end(self, seconds: float) -> None:
        """Wait for all processes; those that do not end in time are killed, and told of."""
        end = time.monotonic() + seconds
        while any(p.running for p in self.town.processes.values()) and time.monotonic() < end:
            for chunk in self.chunks:
                for process in chunk.running:
                    if process.asleep and process.slept >= SLEEP:
                        process.wake()
            time.sleep(0.1)
        for process in self.town.processes.values():
            if process.running:
                self.bugs.append(f"{process.address} ({process.fate}) did not end")
                process.kill()
                process.popen.wait()
        for chunk in self.chunks:
            for process in chunk.running:
                self.bugs += chunk.settle(process)
            chunk.running.clear()

    def _unsettled(self) -> int:
        return sum(len(chunk.orders) for chunk in self.chunks) or (
            sum(p.running for p in self.town.processes.values())
        )

    # -- the end ---------------------------------------------------------------------------

    def _resume_everything(self) -> None:
        """Resume in every home, each of which may have kept answers, until nothing changes."""
        before: object = None
        for _ in range(5):
            for host in (host for hosts in self.groups for host in hosts):
                self.town.command(host, "resume", timeout=TIMEOUT)
            self._let_end(2 * TIMEOUT)
            tasks = [task for found in self._tasks().values() for task in found]
            states = Counter(task.state for task in tasks)
            open_ones = [task for task in tasks if task.open and task.state != "unknown"]
            self.say(f"resumed: {dict(states)}, {len(open_ones)} still open")
            now = sorted((task.id, task.state) for task in tasks)
            if now == before and not open_ones:
                return
            before = now

    def _tasks(self):
        return read_tasks((hosts[0].journal, hosts[0].home) for hosts in self.groups)

    def _judge(self) -> Judgement:
        homes = sorted(path for path in self.folder.glob("*-home*") if path.is_dir())
        judge = Judge(self.truth, self.town.processes, self.orders, self._tasks(), homes)
        judgement = judge.judge()
        judgement.cases += seen_keys([self.folder, self.database.folder])
        judgement.cases += [
            Case("bugs", None, (), f"{bug}, {count} times")
            for bug, count in Counter(self.bugs).items()
        ]
        return judgement

    # -- trouble ---------------------------------------------------------------------------

    def _start_trouble(self, name: str, trouble: Callable[[], object]) -> None:
        self._fates[name] += 1
        thread = threading.Thread(target=trouble, daemon=True)
        thread.start()
        self._troubles.append(thread)

    def _report(self) -> None:
        processes = self.town.processes.values()
        asleep = sum(p.running and p.asleep for p in processes)
        awake = sum(p.running for p in processes) - asleep
        self.say(
            f"{len(self.truth.accepted)} accepted, {self._unsettled()} to do; "
            f"{len(processes)} processes, {awake} awake, {asleep} asleep"
        )

    def fates(self) -> str:
        """What has happened how often."""
        return ", ".join(f"{name} {count}" for name, count in sorted(self._fates.items()))


# -- the set-up --------------------------------------------------------------------------------


def storm(
    name: str, count: int, seed: int, say: Callable[[str], None], keep: bool = False
) -> Judgement:
    """Run the storm for a database ("sqlite" or "postgres"); `keep` leaves its files."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="kling26-storm-"))
        if keep:
            say(f"everything is kept in {folder}")
        else:
            stack.callback(shutil.rmtree, folder)
        (folder / "outputs").mkdir()
        (folder / "logs").mkdir()
        database = PostgreSQL() if name == "postgres" else SQLite(folder / "shared")
        stack.callback(database.close)
        truth, town = Truth(seed), Town(folder / "logs")
        server = stack.enter_context(truth.server())
        stack.callback(town.close)
        truth.notify = town.notify
        dice = random.Random(seed)  # noqa: S311
        groups = groups_of(database, folder, server.url)
        orders = list(orders_of(count, seed, folder / "outputs"))
        chunks = chunks_of(groups, orders, dice)
        whole = Storm(database, folder, truth, town, groups, orders, chunks, dice, say)
        judgement = whole.blow()
        say(whole.fates())
        for line in told(judgement.cases, town):
            say(line)
        return judgement
