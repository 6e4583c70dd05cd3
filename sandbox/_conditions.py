"""The conditions of a rehearsal: clock, speed, memory, keys and faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from attrs import Factory, define, evolve

from ._faults import STEPS, Fault, FaultName, Step


@define(kw_only=True)
class Conditions:
    """How an emulator shall behave; everything has a default that suits a rehearsal."""

    #: Seconds since the epoch.
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    #: Seconds that a task waits, and then works.
    queued: float = 1.0
    running: float = 2.0
    #: Where each task is kept as a file, for other processes to find; None: memory alone.
    folder: Path | None = None
    #: Spent in this order, each when its step comes.
    faults: list[Fault] = Factory(list)
    #: The keys that are known; None: all, but a key with "wrong" in it is refused.
    keys: Collection[str] | None = None

    def knows(self, key: str) -> bool:
        if self.keys is not None:
            return key in self.keys
        return bool(key) and "wrong" not in key

    def next_fault(self, step: Step) -> Fault | None:
        """The first fault that is waiting for this step."""
        return next((fault for fault in self.faults if STEPS[fault.name] == step), None)

    def spend(self, fault: Fault) -> None:
        """Count a fault that has shown."""
        index = self.faults.index(fault)
        left = [evolve(fault, times=fault.times - 1)] if fault.times > 1 else []
        self.faults[index : index + 1] = left

    def take_fault(self, step: Step, *names: FaultName) -> Fault | None:
        """Spend the step's first fault, if it is one of these (or of any name)."""
        fault = self.next_fault(step)
        if fault is None or (names and fault.name not in names):
            return None
        self.spend(fault)
        return fault
