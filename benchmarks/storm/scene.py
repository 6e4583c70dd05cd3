"""The scene of a storm: the hosts, what is wanted, who makes it, and what fate awaits them."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, define

from .databases import Database, PostgreSQL
from .hosts import Fate, Host, Order, Process

#: A task that fails at the provider has this in its prompt.
FAILS = "[fail]"
PROVIDERS = ("kie", "apikley", "cometapi", "runcomfy")
#: A process that has had so many submits answered queues at kie.ai's pace gate.
GATE = 7


def fates(dice: random.Random) -> Iterator[Fate]:
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
                bugs.append(f"{result['bug']} at {process.address}")
            self.refusals[number] += _is_refusal(result)
            if _is_final(result) or self.refusals[number] >= 3:
                self.orders = [order for order in self.orders if order.number != number]
        return bugs


def _is_final(result: Mapping[str, Any]) -> bool:
    ends = ("OutcomeUnknown", "TaskFailed", "TaskCancelled")
    return (
        bool(result.get("file"))
        or result.get("error") in ends
        or (result.get("state") in ("unknown", "failed", "cancelled"))
    )


def _is_refusal(result: Mapping[str, Any]) -> bool:
    refusals = ("Refused", "OutOfCredit", "RequestRefused", "KeyRejected")
    return result.get("error") in refusals or result.get("state") == "refused"


def groups_of(database: Database, folder: Path, url: str) -> list[list[Host]]:
    """Hosts that share a journal; with SQLite, also two that have their own in the home."""
    shared = [
        Host(f"host-{number}", folder, url, database.url, keys_in_file=number % 2 == 0)
        for number in range(4)
    ]
    if isinstance(database, PostgreSQL):
        return [shared]
    alone = [Host(f"alone-{number}", folder, url, None, number == 0) for number in range(2)]
    return [shared, *([host] for host in alone)]


def orders_of(count: int, seed: int, outputs: Path) -> Iterator[Order]:
    for number in range(count):
        fails = f" {FAILS}" if number % 50 == 7 else ""
        output = str(outputs / f"{number}.mp4") if number % 5 == 0 else None
        provider = PROVIDERS[number % len(PROVIDERS)]
        yield Order(number, f"Storm {seed}, heron {number}{fails}", provider, output)


def chunks_of(
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
