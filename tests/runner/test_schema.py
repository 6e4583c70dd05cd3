"""The journal's tables: their version, and a journal of an older one."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kling26.core.journal import schema
from kling26.core.journal.journal import Journal

from .conftest import Stage

#: A journal with a stored task of kie.ai, one of a plug-in that is gone, and one under way.
SCHEMA_1 = (Path(__file__).parents[1] / "schema_1.sql").read_text("utf-8")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The file of a journal of schema 1."""
    path = tmp_path / "home" / "journal.sqlite3"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_1)
    return path


@pytest.fixture
def kie(stage_of: Any) -> Stage:
    return stage_of("kie")


def ask(path: Path, question: str) -> list[Any]:
    """What the file itself says."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(question)]


def columns(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    """The columns of each table: name, type, whether it may be null, default, key."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: {
                (name, "DOUBLE" if kind.startswith("DOUBLE") else kind, *rest)
                for _, name, kind, *rest in connection.execute(f"PRAGMA table_info({table})")
            }
            for table in ("tasks", "outputs", "workers", "meta")
        }


def test_a_new_journal_knows_its_version(kie: Stage) -> None:
    assert kie.tasks() == []

    assert ask(kie.home / "journal.sqlite3", "SELECT value FROM meta") == ["2"]
    assert schema.schema_version() == 2


def test_a_journal_of_schema_1_opens_and_shows_its_rows(old: Path) -> None:
    for _ in range(2):  # Once brought forward, it stays there.
        journal = Journal(f"sqlite:///{old}")
        owl, fox, crow = journal.tasks()
        wanted = journal.wanted("k26-crow")
        journal.close()

        assert (owl.id, owl.state, owl.cost, owl.cost_unit) == ("k26-owl", "stored", 55.0, None)
        assert (fox.id, fox.state, fox.cost, fox.file) == ("k26-fox", "stored", 0.35, "fox.mp4")
        assert (crow.id, crow.state, crow.task_id) == ("k26-crow", "submitted", "task_2")
        assert crow.worker == "w-old"
        assert wanted == ["/tmp/crow.mp4"]
    assert ask(old, "SELECT value FROM meta") == ["2"]


def test_a_journal_that_was_brought_forward_has_the_columns_of_a_new_one(
    old: Path, tmp_path: Path
) -> None:
    for path in (old, tmp_path / "new.sqlite3"):
        journal = Journal(f"sqlite:///{path}")
        journal.tasks()
        journal.close()

    assert columns(old) == columns(tmp_path / "new.sqlite3")


def test_a_video_of_an_old_journal_is_given_for_nothing_in_the_unit_of_its_provider(
    old: Path, kie: Stage
) -> None:
    (kie.home / "owl.mp4").write_bytes(b"a video")
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE tasks SET file = ?", (str(kie.home / "owl.mp4"),))

    video = kie.generate("An owl of old")

    assert (video.task, video.reused, kie.paid) == ("k26-owl", True, 0)
    assert (video.cost, video.cost_unit) == (55.0, "credits")


def test_a_task_of_an_old_journal_is_carried_on_and_its_cost_gets_a_unit(
    old: Path, kie: Stage
) -> None:
    kie.generate("A crow of today")
    (made,) = kie.emulator.accepted
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("DELETE FROM outputs")
        connection.execute(
            "UPDATE tasks SET task_id = ?, ticket = ? WHERE id = 'k26-crow'",
            (made.id, f'{{"task_id": "{made.id}", "data": {{}}}}'),
        )

    async def resume() -> None:
        async with kie.runner() as runner:
            _ = [each async for each in runner.resume(["k26-crow"])]

    kie.run(resume())

    crow = next(task for task in kie.tasks() if task.id == "k26-crow")
    assert (crow.state, crow.cost, crow.cost_unit) == ("stored", 55.0, "credits")
    assert kie.paid == 1


def test_a_migration_that_fails_leaves_the_journal_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: sa.Connection) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(schema, "_MIGRATIONS", (*schema._MIGRATIONS, fail))
    with pytest.raises(Exception, match="the disk is full"):
        Journal(f"sqlite:///{old}").tasks()

    assert ask(old, "SELECT value FROM meta") == ["1"]
    assert "cost_unit" not in {name for name, *_ in columns(old)["tasks"]}
