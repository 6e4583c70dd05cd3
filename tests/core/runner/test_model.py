"""
A model of everything at once: submits, faults, crashes, restarts and cancels, in any order.

After each step: a request is accepted at most once unless it was resubmitted knowingly, and every
accepted task is stored, ended by the provider, or open in the journal.
"""

import asyncio
import gc
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kling26.core.errors import Kling26Error
from kling26.core.journal.task import OPEN
from kling26.core.runner.runner import Runner
from kling26.sandbox import FAULTS

from ..conftest import stage_at
from .test_crashes import Crash, Fuse, fused

pytestmark = pytest.mark.no_cover

SEEDS = st.integers(1, 4)


class PaidOnce(RuleBasedStateMachine):
    """One provider, one journal, one runner at a time, and a few different requests."""

    provider: str

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.stage = stage_at(Path(self.folder.name) / "home", self.provider)
        self.resubmitted: Counter[str] = Counter()
        self.stage.progress = []

    def teardown(self) -> None:
        # What a crash has left behind must not be collected while Hypothesis parses the source of
        # a rule: CPython 3.11 then raises SystemError (https://github.com/python/cpython/issues/106905).
        gc.collect()
        self.stage.close()
        self.folder.cleanup()

    @rule(fault=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 3))
    def something_will_go_wrong(self, fault: str, times: int) -> None:
        self.stage.fault(fault, times=times)

    @rule()
    def all_is_well_again(self) -> None:
        self.stage.conditions.faults.clear()

    @rule(seed=SEEDS, timeout=st.sampled_from([5.0, 40.0, 3600.0]))
    def ask(self, seed: int, timeout: float) -> None:
        with suppress(Kling26Error):
            self.stage.generate(prompt=f"Heron {seed}", seed=seed, timeout=timeout)

    @rule(seed=SEEDS, event=st.integers(1, 40))
    def ask_and_crash(self, seed: int, event: int) -> None:
        runner = fused(self.stage, Fuse(event))
        self.stage.run(self._until_crash(runner, seed))

    async def _until_crash(self, runner: Runner, seed: int) -> None:
        try:
            await self.stage.make(runner, prompt=f"Heron {seed}", seed=seed)
        except Kling26Error:
            return
        except Crash:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    @rule(seeds=st.lists(SEEDS, min_size=2, max_size=4))
    def ask_at_once(self, seeds: list[int]) -> None:
        async def work() -> None:
            async with self.stage.runner(alive=True) as one, self.stage.runner(alive=True) as two:
                await asyncio.gather(
                    *(
                        self.stage.make(runner, prompt=f"Heron {seed}", seed=seed)
                        for seed in seeds
                        for runner in (one, two)
                    ),
                    return_exceptions=True,
                )

        self.stage.run(work())

    @rule(timeout=st.sampled_from([5.0, 3600.0]))
    def resume(self, timeout: float) -> None:
        async def work() -> None:
            async with self.stage.runner() as runner:
                async for _ in runner.resume(timeout=timeout):
                    pass

        self.stage.run(work())

    @rule()
    def cancel_the_newest(self) -> None:
        async def work() -> None:
            async with self.stage.runner() as runner:
                for task in self.stage.tasks()[-1:]:
                    with suppress(Kling26Error):
                        await runner.cancel(task.id)

        self.stage.run(work())

    @precondition(lambda self: any(task.state == "unknown" for task in self.stage.tasks()))
    @rule()
    def resubmit_knowingly(self) -> None:
        task = next(task for task in self.stage.tasks() if task.state == "unknown")
        self.resubmitted[task.id] += 1

        async def work() -> None:
            async with self.stage.runner() as runner:
                with suppress(Kling26Error):
                    await runner.resubmit(task.id)

        self.stage.run(work())

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        rows = self.stage.tasks()
        attempts = sum(1 + self.resubmitted[row.id] for row in rows)
        assert self.stage.paid <= attempts
        for prompt, accepted in Counter(
            task.clip.prompt for task in self.stage.emulator.accepted
        ).items():
            of_it = [row for row in rows if row.prompt == prompt]
            assert accepted <= sum(1 + self.resubmitted[row.id] for row in of_it)

    @invariant()
    def nothing_is_lost(self) -> None:
        rows = self.stage.tasks()
        known = {row.task_id for row in rows if row.task_id}
        lost_answers = [row for row in rows if row.state in OPEN and row.task_id is None]
        resubmitted = sum(self.resubmitted.values())
        orphans = [task for task in self.stage.emulator.accepted if task.id not in known]
        assert len(orphans) <= len(lost_answers) + resubmitted

    @invariant()
    def what_is_stored_is_there(self) -> None:
        for row in self.stage.tasks():
            if row.state == "stored":
                assert Path(str(row.file)).exists()


def machine(provider: str) -> type:
    made = type(f"PaidOnce_{provider}", (PaidOnce,), {"provider": provider})
    case = made.TestCase
    case.settings = settings(
        max_examples=4,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return case


# One that cannot be asked for our id, and one that can.
TestKie, TestCometAPI = map(machine, ("kie", "cometapi"))
