"""
What the storm has done: compares the journals and the files with what really happened.

**Paid twice**: a provider accepted a request again, though the task before had not failed.
**Lost**: a provider made the video, and no journal knows of it, or it is neither stored nor written
where it was wanted, or its task is still open.
**Unknown although a whole answer had come**: the task is unknown; and an answer with the provider's
id, or nothing but plain refusals, had been written to the connections of its processes, which could
have read it. A process could, unless it was killed less than `TO_READ` seconds (not counting those
for which it was stopped) after the last byte had been written; or unless it gave up, with the
answer unread, less than `TO_NOTICE` seconds after that and without having slept meanwhile. Those
that were killed sooner are counted apart.
**Half file**: what is stored, or written where it was wanted, is not the provider's video.
**Keys seen**: a key is in any file of a home, a journal, or a log.

Errors that are not ours to raise, and processes that do not end, are bugs, and told of as well.
"""

import asyncio
import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from attrs import Factory, define, frozen
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Task
from kling26.sandbox import EmulatedTask

from .hosts import KEYS, Order, Process
from .truth import Exchange, Truth

TO_READ = 1.0
TO_NOTICE = 0.2
#: The codes with which providers refuse a submit under HTTP 200, though it may have had an effect.
_UNCLEAR = (500, 5000, 500001)


@frozen
class Case:
    """Something that must not happen, and what is needed to look into it."""

    kind: str
    order: Order | None
    tasks: Sequence[Task]
    what: str


@define
class Judgement:
    """What became of all orders."""

    orders: int
    states: Mapping[str, int]
    killed_before_reading: int
    cases: list[Case] = Factory(list)

    def count(self, kind: str) -> int:
        return sum(case.kind == kind for case in self.cases)

    def __str__(self) -> str:
        states = ", ".join(
            f"{self.states.get(state, 0)} {name}"
            for state, name in (
                ("stored", "delivered"), ("refused", "refused"), ("failed", "failed"),
                ("unknown", "unknown"),
            )
        )  # fmt: skip
        kinds = ", ".join(f"{kind} {self.count(kind)}" for kind in KINDS)
        return (
            f"{self.orders} tasks, {states}; {kinds} "
            f"(and {self.killed_before_reading} killed before they could read the answer)"
        )


KINDS = (
    "paid twice",
    "lost",
    "unknown although a whole answer had come",
    "half files",
    "keys seen",
)


@define
class Judge:
    """Looks at everything once nobody works any more."""

    truth: Truth
    processes: Mapping[str, Process]
    orders: Sequence[Order]
    tasks: Mapping[str, list[Task]]  # by prompt
    homes: Sequence[Path]

    def judge(self) -> Judgement:
        accepted: dict[str, list[EmulatedTask]] = {order.prompt: [] for order in self.orders}
        for _, made in self.truth.accepted:
            accepted[made.clip.prompt].append(made)
        exchanges: dict[str, list[Exchange]] = {order.prompt: [] for order in self.orders}
        for exchange in self.truth.exchanges:
            exchanges.setdefault(exchange.prompt, []).append(exchange)
        states: dict[str, int] = {}
        cases: list[Case] = []
        killed = 0
        for order in self.orders:
            tasks, made = self.tasks.get(order.prompt, []), accepted[order.prompt]
            state = _state(tasks)
            states[state] = states.get(state, 0) + 1
            found = [*self._paid_twice(made), *self._lost(order, tasks, made)]
            if state == "unknown":
                sooner, unread = self._unread(made, exchanges[order.prompt])
                killed += sooner
                found += unread
            found += self._half(order, tasks, made)
            cases += [Case(kind, order, tasks, what) for kind, what in found]
        return Judgement(len(self.orders), states, killed, cases)

    # -- each kind -------------------------------------------------------------------------

    def _paid_twice(self, made: Sequence[EmulatedTask]) -> Iterator[tuple[str, str]]:
        in_order = sorted(made, key=lambda task: task.created)
        for task, later in pairwise(in_order):
            if task.failure is None or task.ends > later.created:
                yield "paid twice", f"accepted as {task.id}, then as {later.id}"

    def _lost(
        self, order: Order, tasks: Sequence[Task], made: Sequence[EmulatedTask]
    ) -> Iterator[tuple[str, str]]:
        if not tasks:
            yield "lost", "no journal has a row for it"
        for video in (video for video in made if video.failure is None):
            known = [task for task in tasks if task.task_id == video.id]
            if not known and not any(task.state == "unknown" for task in tasks):
                yield "lost", f"accepted as {video.id}, which no row has"
            if any(task.state not in ("stored", "unknown") for task in known):
                yield "lost", f"accepted as {video.id}, and not stored"
        for task in tasks:
            if task.state == "stored":
                yield from self._missing(order, task)
            elif task.open and task.state != "unknown":
                yield "lost", f"{task.id} is still open"

    def _missing(self, order: Order, task: Task) -> Iterator[tuple[str, str]]:
        if not any(self._videos(task)):
            yield "lost", f"the video of {task.id} is in no home"
        if task.owed or (order.output and not Path(order.output).exists()):
            yield "lost", f"the video of {task.id} is not at {order.output}"

    def _half(
        self, order: Order, tasks: Sequence[Task], made: Sequence[EmulatedTask]
    ) -> Iterator[tuple[str, str]]:
        whole = {self.truth.video(order.provider, task) for task in made}
        files = [path for task in tasks for path in self._videos(task)]
        files += [Path(order.output)] if order.output and Path(order.output).exists() else []
        for path in files:
            if path.read_bytes() not in whole:
                yield "half files", f"{path} has {path.stat().st_size} bytes"

    def _unread(
        self, made: Sequence[EmulatedTask], exchanges: Sequence[Exchange]
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Whether a process was killed too soon, and what it should have read."""
        kind = KINDS[2]
        taken = [each for each in exchanges if _is_ticket(each, made)]
        for each in taken:
            if self._could_read(each):
                text = bytes(each.answer).decode(errors="replace")[:200]
                return False, [(kind, f"{each.caller} got HTTP {each.status}: {text}")]
        if exchanges and all(_is_refusal(each) and self._could_read(each) for each in exchanges):
            text = bytes(exchanges[-1].answer).decode(errors="replace")[:200]
            return False, [(kind, f"only refusals, the last: {text}")]
        return bool(taken), []

    def _could_read(self, exchange: Exchange) -> bool:
        written, process = exchange.written, self.processes.get(exchange.caller)
        if written is None or process is None:
            return False
        if process.killed is not None:
            return process.awake_between(written, process.killed) >= TO_READ
        if exchange.hung_up is None or not exchange.reset:
            return True
        slept = any(nap[0] <= written <= nap[-1] for nap in process.naps)
        return slept or process.awake_between(written, exchange.hung_up) >= TO_NOTICE

    def _videos(self, task: Task) -> list[Path]:
        places = [home / "videos" / f"{task.id}.mp4" for home in self.homes]
        return [place for place in places if place.is_file()]


def _state(tasks: Sequence[Task]) -> str:
    """The state that counts of all tasks for one order."""
    ranked = ("stored", "unknown", "succeeded", "submitted", "submitting", "failed", "cancelled")
    found = {task.state for task in tasks}
    return next((state for state in ranked if state in found), "refused")


def _is_ticket(exchange: Exchange, made: Iterable[EmulatedTask]) -> bool:
    whole = exchange.written is not None and exchange.status < 300
    return whole and any(task.id.encode() in exchange.answer for task in made)


def _is_refusal(exchange: Exchange) -> bool:
    """Whether the provider certainly took nothing, as far as its answer says."""
    if exchange.written is None or exchange.status >= 500:
        return False
    if exchange.status >= 400:
        return True
    try:
        fields = json.loads(bytes(exchange.answer))
    except ValueError:
        return False
    code = fields.get("code", fields.get("error_code"))
    return code not in (None, 0, 200, *_UNCLEAR)


def read_tasks(urls: Iterable[tuple[str, Path]]) -> dict[str, list[Task]]:
    """The rows of all journals, by prompt."""

    async def read(url: str, home: Path) -> list[Task]:
        journal = Journal(url, home)
        try:
            return await journal.tasks()
        finally:
            await journal.close()

    found: dict[str, list[Task]] = {}
    for url, home in urls:
        for task in asyncio.run(read(url, home)):
            found.setdefault(task.prompt, []).append(task)
    return found


def seen_keys(folders: Iterable[Path]) -> Iterator[Case]:
    """Every file that has a key in it, but for the ones that are meant to."""
    secrets = {
        form: variable
        for variable, (_, key) in KEYS.items()
        for form in (key.encode(), base64.b64encode(key.encode()).rstrip(b"="))
    }
    for folder in folders:
        for path in folder.rglob("*"):
            if path.name == "keys.toml" or not path.is_file():
                continue
            data = path.read_bytes()
            for secret, variable in secrets.items():
                if secret in data:
                    yield Case("keys seen", None, (), f"{variable}'s in {path}")
