"""Crashes of a task for any provider, at every moment on its way from one to the next."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kling26.core.errors import OutcomeUnknown

from .several import Several, several
from .test_crashes import Crash, Fuse, fused, process, resume

pytestmark = pytest.mark.no_cover


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Several]:
    """The first provider refuses the key; the second one can be asked for our id."""
    made = several(tmp_path / "home", "kie,cometapi")
    made.refuse_key_at("kie")
    for each in made.companies.values():
        each.conditions.queued, each.conditions.running = 1.0, 2.0
    yield made
    made.close()


async def crash(world: Several, fuse: Fuse, seed: int) -> bool:
    """Ask for a video in a process that may crash; whether it did."""
    runner = fused(world, fuse)
    try:
        with process(fuse):
            await world.ask(runner, seed=seed)
    except Crash:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return True
    return False


@pytest.mark.parametrize("again", ["resume", "the same request"])
def test_after_a_crash_at_any_moment_it_is_paid_once_and_by_the_second(
    world: Several, again: str
) -> None:
    ends = []
    for event in range(1, 200):
        if not world.run(crash(world, Fuse(event), event)):
            break
        before, known = sum(world.payments.values()), world.tasks()
        if again == "resume":
            world.run(resume(world, known))
        else:
            world.run(asked_again(world, event))
        assert sum(world.payments.values()) - before <= 1
        ends += [task.state for task in world.tasks()[-1:]]
    else:
        raise AssertionError("the walk does not end")

    assert len(ends) > 25
    assert set(world.payments) == {"cometapi"}
    assert set(ends) == {"stored", "unknown"}
    assert ends.count("unknown") <= 4  # Those whose request had left for the first.
    assert world.payments["cometapi"] <= len(world.tasks())


async def asked_again(world: Several, seed: int) -> None:
    async with world.runner() as runner:
        with suppress(OutcomeUnknown):  # The request may have left before the crash.
            await world.ask(runner, seed=seed)
