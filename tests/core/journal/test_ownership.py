"""Only a task's owner changes its row, and only forward."""

import ast
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import get_args

import pytest
from attrs import evolve
from kling26.core.journal import journal as module
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Owner, Task, TaskState
from kling26.core.status import Ticket
from kling26.testing.clock import run

from .test_worker import Clock, draft, journal

Change = Callable[[Journal, Owner], Awaitable[object]]

#: Everything that an owner can do, as it would do it.
CHANGES: dict[str, Change] = {
    "mark_sent": lambda at, owner: at.mark_sent(owner),
    "mark_sent_again": lambda at, owner: at.mark_sent_again(owner),
    "mark_unsent": lambda at, owner: at.mark_unsent(owner),
    "update": lambda at, owner: at.update(owner, "submitted", ticket=Ticket("task_1")),
    "turn_to": lambda at, owner: at.turn_to(owner, evolve(draft("A heron"), id=owner.task)),
    "give_up": lambda at, owner: at.give_up(owner),
    "adopt": lambda at, owner: at.adopt(owner, Ticket("task_1")),
    "reopen": lambda at, owner: at.reopen(owner, lost=True),
}


def test_every_change_that_needs_an_owner_is_tried_here() -> None:
    with_owner = {
        name
        for name, method in inspect.getmembers(Journal, inspect.iscoroutinefunction)
        if "owner" in inspect.signature(method).parameters and not name.startswith("_")
    }

    assert with_owner == set(CHANGES)


def test_the_journal_has_no_other_way_to_change_a_task() -> None:
    """Every UPDATE and DELETE of tasks names the owner, or the row as it was read."""
    conditions = ("owned_by(", "unchanged(", "TASKS.c.worker == self.worker.id")
    tree = ast.parse(inspect.getsource(module))
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    writing = {
        method.name: ast.unparse(method)
        for method in (*methods, *functions)
        if "TASKS.update(" in ast.unparse(method) or "TASKS.delete(" in ast.unparse(method)
    }

    assert set(writing) == {"_take", "_change", "turn_to", "release", "_delete"}
    assert all(any(each in text for each in conditions) for text in writing.values())


async def owned(folder: Path, state: TaskState = "submitting") -> tuple[Journal, Task]:
    """A journal, and a task of its worker in a state."""
    at = journal(folder, Clock())
    task, _ = await at.claim(draft("A heron"), None)
    assert task.owner
    for step in PATHS[state]:
        assert await at.update(task.owner, step)
    return at, await at.get(task.id)


#: How a task comes into each state.
PATHS: dict[TaskState, tuple[TaskState, ...]] = {
    "submitting": (),
    "submitted": ("submitted",),
    "succeeded": ("submitted", "succeeded"),
    "stored": ("submitted", "succeeded", "stored"),
    "refused": ("refused",),
    "failed": ("submitted", "failed"),
    "cancelled": ("cancelled",),
    "unknown": ("unknown",),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("who", ["an older generation", "another worker"])
def test_what_a_replaced_worker_writes_changes_nothing(
    tmp_path: Path, change: Change, who: str
) -> None:
    async def work() -> tuple[object, Task, Task]:
        at, task = await owned(tmp_path)
        assert task.owner
        gone = (
            evolve(task.owner, generation=0)
            if who == "an older generation"
            else evolve(task.owner, worker="w-0")
        )
        return await change(at, gone), task, await at.get(task.id)

    changed, before, after = run(work())

    assert not changed
    assert after == before


def test_taking_a_task_over_voids_what_its_last_owner_writes(tmp_path: Path) -> None:
    async def work() -> tuple[bool, bool]:
        first, task = await owned(tmp_path)
        assert task.owner
        await first.give_up(task.owner)
        second = journal(tmp_path, Clock())
        taken = await second.take_over(await second.get(task.id))
        assert taken
        assert taken.owner
        return await first.mark_sent(task.owner), await second.mark_sent(taken.owner)

    assert run(work()) == (False, True)


def test_of_two_that_take_a_task_over_at_once_one_gets_it(tmp_path: Path) -> None:
    async def work() -> list[bool]:
        at, task = await owned(tmp_path)
        assert task.owner
        await at.give_up(task.owner)
        free = await at.get(task.id)
        both = [journal(tmp_path, Clock()) for _ in range(2)]
        return [await each.take_over(free) is not None for each in both]

    assert run(work()) == [True, False]


#: From each state, the states that a task may move to.
FORWARD: dict[TaskState, set[TaskState]] = {
    "submitting": {
        "submitted", "succeeded", "stored", "refused", "failed", "cancelled", "unknown",
    },
    "submitted": {"submitted", "succeeded", "stored", "failed", "cancelled", "unknown"},
    "succeeded": {"succeeded", "stored", "failed", "cancelled"},
    "stored": {"stored"},
    "refused": set(),
    "failed": set(),
    "cancelled": set(),
    "unknown": {"submitted", "succeeded", "stored", "failed", "cancelled", "unknown"},
}  # fmt: skip


@pytest.mark.parametrize("state", FORWARD)
def test_a_task_moves_forward_only(tmp_path: Path, state: TaskState) -> None:
    async def work() -> set[TaskState]:
        reached: set[TaskState] = set()
        for number, target in enumerate(each for each in get_args(TaskState)[1:]):
            at, task = await owned(tmp_path / str(number), state)
            assert task.owner
            if await at.update(task.owner, target):
                reached.add(target)
        return reached

    assert run(work()) == FORWARD[state]
