"""Housekeeping: what is over and old goes; what is open or new stays."""

import pytest
from kling26.core.errors import JournalError
from kling26.core.journal.journal import Journal

from ..conftest import Stage
from .test_fault_table import try_it

DAY = 86400.0


def prune(stage: Stage, days: float) -> list[str]:
    async def work() -> list[str]:
        async with stage.runner() as runner:
            return [task.state for task in await runner.prune(days * DAY)]

    return stage.run(work())


def sleep(stage: Stage, days: float) -> None:
    import asyncio

    stage.run(asyncio.sleep(days * DAY))


def test_old_videos_and_rows_go_and_open_ones_stay(stage: Stage) -> None:
    stage.generate(seed=1)
    stage.fault("failed_task")
    try_it(stage, seed=2)
    stage.fault("poll_no_such_task", times=10_000)
    try_it(stage, seed=3)
    stage.conditions.faults.clear()
    sleep(stage, 40)
    stage.generate(seed=4)

    assert sorted(prune(stage, 30)) == ["failed", "stored"]

    assert sorted(task.state for task in stage.tasks()) == ["stored", "unknown"]
    assert len(list(stage.home.glob("videos/*.mp4"))) == 1


def test_a_pruned_request_is_a_new_task(stage: Stage) -> None:
    stage.generate()
    sleep(stage, 1)
    prune(stage, 0.5)

    stage.generate()

    assert stage.paid == 2


def test_nothing_is_pruned_of_an_empty_journal(stage: Stage) -> None:
    assert prune(stage, 0) == []


def test_a_video_that_vanished_from_the_store_is_fetched_again_for_nothing(stage: Stage) -> None:
    made = stage.generate()
    made.file.unlink()

    again = stage.generate()

    assert again.file.exists()
    assert again.reused
    assert stage.paid == 1


def test_a_question_alone_makes_no_journal(stage: Stage) -> None:
    async def ask() -> None:
        journal = Journal(f"sqlite:///{stage.home / 'journal.sqlite3'}")
        assert await journal.find_equal("nothing") is None
        assert await journal.tasks() == []
        await journal.release()

    stage.run(ask())

    assert not stage.home.exists()


def test_an_invalid_url_is_reported(stage: Stage) -> None:
    with pytest.raises(JournalError, match="is not a valid database URL"):
        stage.run(Journal("sqlite:").find_equal("nothing"))
