"""What goes wrong in a storm besides the processes: journals, homes and outputs."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from .databases import Database, lock_file
from .hosts import Host

#: Until when anything but the providers may go wrong, in seconds.
ROUGH_TIME = 190.0
#: How long the journal is in trouble at first, in seconds: once longer than anyone waits for it.
LASTING = (2.0, 6.0, 12.0, 38.0)

#: When, what, and how it is done.
Trouble = tuple[float, str, Callable[[], object]]


def troubles(
    database: Database,
    groups: Sequence[Sequence[Host]],
    outputs: Path,
    dice: random.Random,
    move: Callable[[Host], object],
) -> Iterator[Trouble]:
    """All troubles; `move` has a host's home moved as soon as that can be done."""
    yield from _of_the_journal(database, dice)
    for hosts in groups:
        mover = hosts[-1]
        for at in (35.0, 95.0, 150.0):
            yield at + dice.uniform(0, 20), f"{mover.name}'s home moved", partial(move, mover)
        if mover.shared_journal is None:
            for at in (20.0, 70.0, 120.0):
                yield at, f"{mover.name}'s journal locked", partial(_lock_own, mover)
    for at in (25.0, 80.0, 140.0):
        yield at, "outputs' folder gone", partial(_hide, outputs)


def _of_the_journal(database: Database, dice: random.Random) -> Iterator[Trouble]:
    at, kinds = 8.0, deque(database.troubles.items())
    lasting = dice.sample(LASTING, len(LASTING))
    while at < ROUGH_TIME - 20.0:
        name, trouble = kinds[0]
        kinds.rotate()
        seconds = lasting.pop() if lasting else 5.0
        yield at, f"{database.name} {name}", partial(trouble, seconds)
        at += seconds + dice.uniform(8.0, 16.0)


def _lock_own(host: Host) -> None:
    lock_file(host.home / "journal.sqlite3", 12.0)


def _hide(folder: Path) -> None:
    """Let a folder be gone for some seconds."""
    hidden = folder.with_name(f"{folder.name}-gone")
    folder.rename(hidden)
    time.sleep(20.0)
    hidden.rename(folder)
