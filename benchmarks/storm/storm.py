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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from attrs import Factory, define, field

from .databases import Database, PostgreSQL, SQLite, lock_file
from .hosts import Fate, Host, Order, Process, Town
from .judging import Case, Judge, Judgement, read_tasks, seen_keys
from .truth import Truth

#: How long a sleeper sleeps, and when others go on with what it did, in seconds.
SLEEP = 66.0
RIVALS_AFTER = 12.0
#: How long everything may go wrong, when the last sleeper falls asleep, and how long the
#: processes then have, in seconds.
ROUGH_TIME = 200.0
LAST_SLEEP = 110.0
LAST_ENDS = 100.0
#: How many processes are awake at once.
AT_ONCE = 7
TIMEOUT = 120.0
#: A task that fails at the provider has this in its prompt.
FAILS = "[fail]"
PROVIDERS = ("kie", "apikley", "cometapi", "runcomfy")


@define(eq=False)
class Chunk:
    """Orders that one process makes at once, and where."""

    hosts: Sequence[Host]
    orders: list[Order]
    gate: bool = False
    as_command: bool = False
    tries: int = 0
    running: list[Process] = Factory(list)
    refusals: Counter[int] = Factory(Counter)
    rivalled: bool = False

    def settle(self, process: Process) -> list[str]:
        """Take off what a process has finished; returns its bugs."""
        bugs = []
        for result in process.results():
            number = int(result.get("number", self.orders[0].number if self.orders else -1))
            if result.get("bug"):
                bugs.append(f"{process.address}, order {number}: {result['bug']}")
            self.refusals[number] += _is_refusal(result)
            if _is_final(result) or self.refusals[number] >= 3:
                self.orders = [order for order in self.orders if order.number != number]
        return bugs


def _is_final(result: "dict[str, object]") -> bool:
    ends = ("OutcomeUnknown", "TaskFailed", "TaskCancelled")
    return (
        bool(result.get("file"))
        or result.get("error") in ends
        or (result.get("state") in ("unknown", "failed", "cancelled"))
    )


def _is_refusal(result: "dict[str, object]") -> bool:
    refusals = ("Refused", "OutOfCredit", "RequestRefused", "KeyRejected")
    return result.get("error") in refusals or result.get("state") == "refused"


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
    _began: float = field(factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def blow(self) -> Judgement:
        """Let it all happen, resume everything, and judge."""
        self._ready.extend(self.chunks)
        due = deque(sorted(self._schedule(), key=lambda each: each[0]))
        said = 0.0
        while self._unsettled() and self.elapsed < ROUGH_TIME:
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
        self._ask_again()
        self._resume_everything()
        return self._judge()

    # -- processes -------------------------------------------------------------------------

    def _turn(self) -> None:
        """Look after the processes that run, and start others."""
        for chunk in self.chunks:
            self._look_after(chunk)
        awake = sum(p.running and not p.asleep for p in self.town.processes.values())
        while self._ready and awake < AT_ONCE:
            chunk = self._ready.popleft()
            if chunk.orders:
                self._start(chunk)
                awake += 1

    def _look_after(self, chunk: Chunk) -> None:
        for process in list(chunk.running):
            if (
                process.asleep
                and process.awake_between(0, time.monotonic())
                and (time.monotonic() - process.naps[-1][0] >= SLEEP)
            ):
                process.wake()
            if not process.running:
                chunk.running.remove(process)
                self.bugs += chunk.settle(process)
        sleeping = [p for p in chunk.running if p.asleep]
        waited = all(time.monotonic() - p.naps[-1][0] > RIVALS_AFTER for p in sleeping)
        idle = len(sleeping) == len(chunk.running) and waited
        if (
            chunk.orders
            and idle
            and chunk not in self._ready
            and (not sleeping or not chunk.rivalled)
        ):
            chunk.rivalled = chunk.rivalled or bool(sleeping)
            self._ready.append(chunk)

    def _start(self, chunk: Chunk) -> None:
        chunk.tries += 1
        host = self.dice.choice(chunk.hosts)
        fate, timeout = self._fate(chunk), TIMEOUT
        if fate.what == "live" and self.dice.random() < 0.25 and chunk.tries < 3:
            timeout = self.dice.uniform(2.0, 14.0)
            self._fates["short deadline"] += 1
        chunk.running.append(self._launch(chunk, host, timeout, fate))
        others = [each for each in chunk.hosts if each is not host]
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
            self._deck = list(_fates(self.dice))
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
                    if process.asleep and time.monotonic() - process.naps[-1][0] >= SLEEP:
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

    def _ask_again(self) -> None:
        """Ask for what has not been settled, with nothing going wrong but the providers."""
        for attempt in range(3):
            open_chunks = [chunk for chunk in self.chunks if chunk.orders]
            self.say(f"{sum(len(c.orders) for c in open_chunks)} are asked for again")
            while open_chunks:
                batch, open_chunks = open_chunks[:AT_ONCE], open_chunks[AT_ONCE:]
                for chunk in batch:
                    host = chunk.hosts[attempt % len(chunk.hosts)]
                    chunk.running.append(self._launch(chunk, host, TIMEOUT / 2, Fate()))
                self._let_end(TIMEOUT)

    def _resume_everything(self) -> None:
        """Resume in every home until nothing changes any more."""
        before: object = None
        for _ in range(5):
            for number in range(max(map(len, self.groups))):
                for hosts in self.groups:
                    if number < len(hosts):
                        self.town.command(hosts[number], "resume", timeout=TIMEOUT / 2)
                self._let_end(TIMEOUT)
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
        return judgement

    # -- trouble ---------------------------------------------------------------------------

    def _schedule(self) -> Iterator[tuple[float, str, Callable[[], None]]]:
        """What goes wrong when, besides the processes."""
        at, kinds = 8.0, deque(self.database.troubles.items())
        while at < ROUGH_TIME - 20.0:
            name, trouble = kinds[0]
            kinds.rotate()
            seconds = self.dice.choice((2.0, 6.0, 12.0, 38.0)) if at < 100 else 5.0
            yield at, f"{self.database.name} {name} for {seconds:.0f} s", _bound(trouble, seconds)
            at += seconds + self.dice.uniform(8.0, 16.0)
        for hosts in self.groups:
            mover = hosts[-1]
            for at in (35.0, 95.0, 150.0):
                yield at + self.dice.uniform(0, 20), f"{mover.name}'s home moved", mover.move
            if mover.shared_journal is None:
                for at in (20.0, 70.0, 120.0):
                    yield at, f"{mover.name}'s journal locked", _bound(self._lock_own, mover)
        for at in (25.0, 80.0, 140.0):
            yield at, "outputs' folder gone for 20 s", self._hide_outputs

    def _lock_own(self, host: Host) -> None:
        lock_file(host.home / "journal.sqlite3", 12.0)

    def _hide_outputs(self) -> None:
        outputs = self.folder / "outputs"
        outputs.rename(hidden := self.folder / "outputs-gone")
        time.sleep(20.0)
        hidden.rename(outputs)

    def _start_trouble(self, name: str, trouble: Callable[[], None]) -> None:
        self._fates[name.partition(" for ")[0]] += 1
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


def _bound(call: Callable[..., None], *arguments: object) -> Callable[[], None]:
    return lambda: call(*arguments)


#: A process that has had so many submits answered queues at kie.ai's pace gate.
GATE = 7


def _fates(dice: random.Random) -> Iterator[Fate]:
    """A deck of fates: each at each moment, and as many lives."""
    for what in ("sleep", "kill", "term", "int"):
        yield Fate(what, "submit", "arrives", nth=dice.randint(1, 6))
        yield Fate(what, "submit", "answered", nth=dice.randint(1, 6), delay=dice.random() / 5)
        yield Fate(what, "submit", "answered", nth=GATE + 2, delay=0.3)
        yield Fate(what, "poll", "arrives", nth=dice.randint(1, 40))
        yield Fate(what, "download", "arrives", nth=dice.randint(1, 10))
    # These keep the answer to a paid request in the socket, or in the process for some instants.
    yield Fate("sleep", "submit", "arrives")
    yield Fate("kill", "submit", "answered")
    yield Fate("kill", "submit", "answered", delay=0.02)
    for _ in range(8):
        yield Fate()


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
        groups = _groups(database, folder, server.url)
        orders = list(_orders(count, seed, folder / "outputs"))
        chunks = _chunks(groups, orders, dice)
        whole = Storm(database, folder, truth, town, groups, orders, chunks, dice, say)
        judgement = whole.blow()
        say(whole.fates())
        _tell(judgement.cases, whole, say)
        return judgement


def _groups(database: Database, folder: Path, url: str) -> list[list[Host]]:
    """Hosts that share a journal; with SQLite, also two that have their own in the home."""
    shared = [
        Host(f"host-{number}", folder, url, database.url, keys_in_file=number % 2 == 0)
        for number in range(4)
    ]
    if isinstance(database, PostgreSQL):
        return [shared]
    alone = [Host(f"alone-{number}", folder, url, None, number == 0) for number in range(2)]
    return [shared, *([host] for host in alone)]


def _orders(count: int, seed: int, outputs: Path) -> Iterator[Order]:
    for number in range(count):
        fails = f" {FAILS}" if number % 50 == 7 else ""
        output = str(outputs / f"{number}.mp4") if number % 5 == 0 else None
        provider = PROVIDERS[number % len(PROVIDERS)]
        yield Order(number, f"Storm {seed}, heron {number}{fails}", provider, output)


def _chunks(
    groups: Sequence[Sequence[Host]], orders: Sequence[Order], dice: random.Random
) -> list[Chunk]:
    """The orders in portions: some only of kie.ai's, which queue there, and some commands."""
    rest = list(orders)
    dice.shuffle(rest)
    size = max(5, len(orders) // 40)
    gate = [order for order in rest if order.provider == "kie"][: len(orders) // 8]
    rest = [order for order in rest if order not in gate]
    single, rest = rest[: len(orders) // 30], rest[len(orders) // 30 :]
    portions = [(gate[at : at + size], True) for at in range(0, len(gate), size)]
    portions += [(rest[at : at + size], False) for at in range(0, len(rest), size)]
    # Three in five go to the hosts that share a journal.
    places = [groups[0]] * 3 + list(groups[1:])
    chunks = [
        Chunk(places[number % len(places)], portion, gate=is_gate)
        for number, (portion, is_gate) in enumerate(portions)
    ]
    chunks += [
        Chunk(places[number % len(places)], [order], as_command=True)
        for number, order in enumerate(single)
    ]
    dice.shuffle(chunks)
    return chunks


def _tell(cases: Sequence[Case], storm: Storm, say: Callable[[str], None]) -> None:
    """Print what is needed to look into each case, and the bugs."""
    for bug in storm.bugs:
        say(f"also: {bug}")
    for case in cases:
        say(f"{case.kind}: {case.what}")
        if case.order is not None:
            say(f"  {case.order.provider}, {case.order.prompt!r}")
        for task in case.tasks:
            say(f"  {task.id} {task.state} as {task.task_id}, worker {task.worker}, "
                f"generation {task.generation}, sending {task.sending}: {task.error}")  # fmt: skip
            for line in _log_of(task.id, storm.town):
                say(f"    {line}")


def _log_of(task: str, town: Town) -> Iterator[str]:
    """The last lines of each log that name a task."""
    for process in town.processes.values():
        with suppress(OSError):
            text = process.out.read_text() + process.err.read_text()
            lines = [line for line in text.splitlines() if task in line]
            for line in lines[-4:]:
                yield f"{process.address} at {process.host.name} ({process.fate}): {line[:300]}"
