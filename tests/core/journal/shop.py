"""Processes that share a journal and a budget, on a clock that a test sets."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import define, evolve, field
from kling26.core.journal.journal import Journal
from kling26.core.journal.schema import TASKS
from kling26.core.journal.spent import keep_spent
from kling26.core.journal.task import Task
from kling26.core.spending import DAY, Budget, Spent

from .test_worker import Clock
from .test_worker import draft as rehearsal

#: For a test of what the databases do each in their own way.
ON_BOTH = pytest.mark.parametrize("shop", ["on_file", "on_server"], indirect=True)

THREE = Budget(max_tasks_per_day=3)


def draft(prompt: str, price: float | None = 0.35) -> Task:
    """A task that is no rehearsal."""
    return evolve(rehearsal(prompt), realm="loopback", price_usd=price)


@define
class Shop:
    """What may be spent, a clock, and processes that share a journal."""

    url: str
    home: Path
    budget: Budget = THREE
    clock: Clock = field(factory=Clock)
    _processes: list[Journal] = field(factory=list, init=False)

    def process(self) -> Journal:
        """The journal, as another process has it open."""
        journal = Journal(self.url, self.home, self.clock, budget=lambda: self.budget)
        self._processes.append(journal)
        return journal

    async def close(self) -> None:
        for journal in self._processes:
            await journal.close()

    async def reserve(self, task: Task) -> Task:
        """Record a task, by a process of its own, and send nothing."""
        claimed, new = await self.process().claim(task, None)
        assert new
        return claimed

    async def send(self, task: Task) -> Journal:
        """Let a process of its own send the paid request of a recorded task."""
        journal = self.process()
        taken = await journal.take_unsent(task)
        assert taken
        assert taken.owner
        assert await journal.mark_sent(taken.owner)
        return journal

    async def pay(self, prompt: str, price: float | None = 0.35) -> Journal:
        """Record a task and send it; the process that has it."""
        return await self.send(await self.reserve(draft(prompt, price)))

    async def delete(self, task: Task) -> None:
        """Delete a task, whatever its state."""

        def work(connection: sa.Connection) -> None:
            which = TASKS.c.id == task.id
            keep_spent(connection, sa.literal(self.clock()), which)
            connection.execute(TASKS.delete().where(which))

        await self.process().database.run(work)

    async def spent(self) -> Spent:
        return await self.process().spent()

    async def count(self) -> int:
        """How many tasks count."""
        return (await self.spent()).tasks(DAY)


async def end(journal: Journal, state: str, prompt: str = "A heron", **changes: object) -> None:
    """Move a task that a process has to its end, step by step."""
    (task,) = [each for each in await journal.tasks() if each.prompt == prompt]
    assert task.owner
    before = {"stored": ["submitted", "succeeded"], "succeeded": ["submitted"]}.get(state, [])
    for step in [*before, state]:
        assert await journal.update(task.owner, step, **changes)  # type: ignore[arg-type]
