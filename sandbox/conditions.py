"""The conditions an emulator runs under: clock, speed, storage, keys and faults."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from attrs import Factory, define, evolve

from .faults import Fault, FaultName, Step


@define(kw_only=True)
class Conditions:
    """How an emulator behaves; the defaults suit a rehearsal."""

    #: The current time, in seconds since the epoch.
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    #: How many seconds a task is queued, and then runs.
    queued: float = 1.0
    running: float = 2.0
    #: Where tasks are kept as files, so that other processes find them; None: in memory.
    folder: Path | None = None
    #: The faults still to come, in order; each shows when a request reaches its step.
    faults: list[Fault] = Factory(list)
    #: The valid keys; None: any key that does not contain "wrong".
    keys: Collection[str] | None = None

    def knows(self, key: str) -> bool:
        """Whether a key is valid."""
        if self.keys is not None:
            return key in self.keys
        return bool(key) and "wrong" not in key

    def next_fault(self, step: Step) -> Fault | None:
        """The first fault waiting for this step."""
        return next((fault for fault in self.faults if fault.step == step), None)

    def spend(self, fault: Fault) -> None:
        """Count a fault as shown once."""
        index = self.faults.index(fault)
        left = [evolve(fault, times=fault.times - 1)] if fault.times > 1 else []
        self.faults[index : index + 1] = left

    def take_fault(self, step: Step, *names: FaultName) -> Fault | None:
        """Spend and return the step's first fault, if it has one of these names (or any)."""
        fault = self.next_fault(step)
        if fault is None or (names and fault.name not in names):
            return None
        self.spend(fault)
        return fault
