"""The journal's tables: their version, and the journals of older ones."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kling26.core.errors import JournalBusy, Remedy
from kling26.core.journal import migrations
from kling26.core.journal.database import Database
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import Task, fingerprint
from kling26.core.status import Ticket

from ..conftest import Stage

HERE = Path(__file__).parent
#: A journal with a stored task of kie.ai, one of a plug-in that is gone, and one under way.
SCHEMA_1 = (HERE / "schema_1.sql").read_text("utf-8")
#: A journal with a task in every state.
SCHEMA_2 = (HERE / "schema_2.sql").read_text("utf-8")
SCHEMA_3 = (HERE / "schema_3.sql").read_text("utf-8")
SCHEMA_4 = (HERE / "schema_4.sql").read_text("utf-8")
SCHEMA_5 = (HERE / "schema_5.sql").read_text("utf-8")
SCHEMA_6 = (HERE / "schema_6.sql").read_text("utf-8")


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


@pytest.fixture
def old(kie: Stage) -> Callable[[str], Path]:
    """Puts an old journal into the home of kie.ai's stage; its file."""

    def write(dump: str) -> Path:
        path = kie.home / "journal.sqlite3"
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(dump)
        return path

    return write


def ask(path: Path, question: str) -> list[Any]:
    """What the file itself says."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(question)]


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def tables(path: Path) -> set[str]:
    """Every table and index of a journal, as SQLite describes them."""
    return set(ask(path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))


def task_of(stage: Stage, prompt: str) -> Task:
    """The task whose prompt begins so."""
    (found,) = [task for task in stage.tasks() if task.prompt.startswith(prompt)]
    return found


def resume(stage: Stage, task: str) -> None:
    async def work() -> None:
        async with stage.runner() as runner:
            _ = [each async for each in runner.resume([task])]

    stage.run(work())


def accepted_as(stage: Stage, path: Path, prompt: str) -> None:
    """Let the provider know the open task of an old journal, under the id that it has there."""
    stage.generate("Another one, to be taken for it")
    (made,) = stage.emulator.accepted
    change(path, "DELETE FROM outputs")
    change(
        path,
        "UPDATE tasks SET task_id = ?, ticket_data = '{}' WHERE prompt LIKE ?",
        made.id,
        f"{prompt}%",
    )


def test_a_new_journal_knows_its_version(kie: Stage) -> None:
    kie.generate()

    assert ask(kie.home / "journal.sqlite3", "SELECT value FROM meta") == ["7"]
    assert migrations.schema_version() == 7


@pytest.mark.parametrize(
    "dump",
    [SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5, SCHEMA_6],
    ids=["schema 1", "schema 2", "schema 3", "schema 4", "schema 5", "schema 6"],
)
def test_a_journal_that_was_brought_forward_has_the_tables_of_a_new_one(
    kie: Stage, old: Callable[[str], Path], tmp_path: Path, dump: str
) -> None:
    path, new = old(dump), Journal(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    before = ask(path, "SELECT id FROM tasks ORDER BY id")
    kie.tasks()
    kie.run(new.heartbeat())
    kie.run(new.close())

    names = "SELECT name FROM sqlite_master ORDER BY name"
    assert ask(path, names) == ask(tmp_path / "new.sqlite3", names)
    tables = (
        "SELECT sql FROM sqlite_master WHERE tbl_name IN ('tasks', 'outputs', 'workers') "
        "AND sql IS NOT NULL ORDER BY name"
    )
    assert ask(path, tables) == ask(tmp_path / "new.sqlite3", tables)
    assert ask(path, "SELECT value FROM meta") == ["7"]
    assert ask(path, "SELECT id FROM tasks ORDER BY id") == before


def test_a_journal_of_schema_1_keeps_its_rows(kie: Stage, old: Callable[[str], Path]) -> None:
    old(SCHEMA_1)

    for _ in range(2):  # Once brought forward, it stays there.
        owl, fox, crow = kie.tasks()

        assert (owl.id, owl.state, owl.cost, owl.cost_unit) == ("k26-owl", "stored", 55.0, None)
        assert (fox.id, fox.state, fox.cost) == ("k26-fox", "stored", 0.35)
        assert fox.file == str(kie.home / "fox.mp4")
        assert (crow.id, crow.state, crow.ticket) == ("k26-crow", "submitted", Ticket("task_2"))
        assert (crow.prompt, crow.duration, crow.sound) == ("A crow under way", 5, False)
        assert (crow.worker, crow.generation) == (None, 1)


def test_every_task_of_schema_2_has_its_request_in_columns(
    kie: Stage, old: Callable[[str], Path]
) -> None:
    old(SCHEMA_2)

    otter = task_of(kie, "An otter")
    assert (otter.sound, otter.duration, otter.aspect_ratio, otter.seed) == (True, 5, "16:9", 0)
    assert (otter.state, otter.standing, otter.cost_unit) == ("stored", "stored", "credits")
    assert task_of(kie, "A badger").duration == 10
    assert task_of(kie, "A lynx").aspect_ratio == "9:16"
    assert task_of(kie, "A stoat").seed == 2**64 - 1
    assert task_of(kie, "A marten").callback_url == "https://me.example/hook"
    wolf, seal = task_of(kie, "A wolf “howls” at the moon"), task_of(kie, "A seal")
    assert wolf.image is not None
    assert wolf.image.startswith("sha256:")
    assert str(wolf.image_file).endswith(".png")
    assert (seal.image, seal.image_file) == ("https://pictures.example/seal.png", None)
    assert seal.options == {
        "mode": "pro", "negative_prompt": "", "cfg_scale": 0.5, "camera_control": None
    }  # fmt: skip
    assert seal.ticket is not None
    assert seal.ticket.data == {"action": "image2video"}


def test_the_tasks_of_schema_2_stand_as_they_did(kie: Stage, old: Callable[[str], Path]) -> None:
    old(SCHEMA_2)

    assert {task.prompt.split()[1]: task.standing for task in kie.tasks()} == {
        "otter": "stored",
        "badger": "over",
        "hare": "over",
        "lynx": "unclear",
        "stoat": "over",
        "marten": "made",
        "wolf": "at_provider",
        "seal": "at_provider",
        "crane": "unsent",
    }


def test_errors_of_schema_2_lose_the_commands_that_were_in_them(
    kie: Stage, old: Callable[[str], Path]
) -> None:
    old(SCHEMA_2)

    errors = {task.prompt.split()[1]: task.error for task in kie.tasks() if task.error}
    assert errors["badger"] == (
        "The account at kie.ai has too little credit: Not enough credits. (code 402). "
        "Nothing was paid."
    )
    assert errors["hare"] == (
        "kie.ai does not accept the key: You do not have access with this key. (code 401). "
        "Nothing was paid."
    )
    assert errors["lynx"] == (
        "kie.ai may have taken this video, and charged for it: no answer came (the connection "
        "broke)."
    )
    remedies = {task.prompt.split()[1]: task.remedy for task in kie.tasks() if task.remedy}
    assert remedies == {
        "lynx": Remedy("resubmit", page="https://kie.ai/logs"),
        "marten": Remedy("resume"),
    }
    assert errors["marten"] == "kie.ai says the video is done, and does not say where."


@pytest.mark.parametrize(
    ("dump", "prompt"),
    [
        (SCHEMA_1, "An owl"),
        (SCHEMA_2, "An otter"),
        (SCHEMA_2, "A lynx"),
        (SCHEMA_2, "A stoat"),
        (SCHEMA_3, "An otter"),
        (SCHEMA_3, "A lynx"),
        (SCHEMA_4, "An otter"),
        (SCHEMA_4, "A lynx"),
    ],
)
def test_a_request_has_the_same_fingerprint_in_every_schema(
    kie: Stage, old: Callable[[str], Path], dump: str, prompt: str
) -> None:
    old(dump)
    task = task_of(kie, prompt)

    again = fingerprint("kie", "sandbox", task.request(), kie.provider.Options())

    assert again == task.fingerprint


def test_a_video_of_an_old_journal_is_given_for_nothing_in_the_unit_of_its_provider(
    kie: Stage, old: Callable[[str], Path]
) -> None:
    path = old(SCHEMA_1)
    (kie.home / "owl.mp4").write_bytes(b"a video")
    change(path, "UPDATE tasks SET file = ?", str(kie.home / "owl.mp4"))

    video = kie.generate("An owl of old")

    assert (video.task, video.reused, kie.paid) == ("k26-owl", True, 0)
    assert (video.cost, video.cost_unit) == (55.0, "credits")


@pytest.mark.parametrize(
    ("dump", "prompt"),
    [(SCHEMA_1, "A crow"), (SCHEMA_2, "A wolf"), (SCHEMA_3, "A wolf"), (SCHEMA_4, "A wolf")],
    ids=["schema 1", "schema 2", "schema 3", "schema 4"],
)
def test_an_open_paid_task_of_an_old_journal_is_carried_on_and_paid_once(
    kie: Stage, old: Callable[[str], Path], dump: str, prompt: str
) -> None:
    path = old(dump)
    task = task_of(kie, prompt)
    accepted_as(kie, path, prompt)

    resume(kie, task.id)

    done = task_of(kie, prompt)
    assert (done.id, done.state, done.cost_unit) == (task.id, "stored", "credits")
    assert kie.paid == 1


def test_an_unsent_task_of_schema_2_is_sent_with_the_picture_that_was_kept(
    stage_of: Callable[[str], Stage], old: Callable[[str], Path], picture: Any
) -> None:
    path, cometapi = old(SCHEMA_2), stage_of("cometapi")
    (name,) = ask(path, "SELECT image FROM tasks WHERE request LIKE '%A crane%'")
    (path.parent / "images").mkdir()
    (path.parent / "images" / name).write_bytes(picture.data)

    resume(cometapi, task_of(cometapi, "A crane").id)

    assert task_of(cometapi, "A crane").state == "stored"
    assert cometapi.paid == 1


def test_an_unknown_task_of_schema_2_stays_unknown_and_unpaid(
    kie: Stage, old: Callable[[str], Path]
) -> None:
    old(SCHEMA_2)

    resume(kie, task_of(kie, "A lynx").id)

    lynx = task_of(kie, "A lynx")
    assert (lynx.state, kie.paid) == ("unknown", 0)
    assert lynx.remedy == Remedy("adopt", page="https://kie.ai/logs")


def test_a_migration_that_fails_leaves_the_journal_as_it_was(
    old: Callable[[str], Path], kie: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old(SCHEMA_1)
    before = tables(path)

    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise OSError("No space left on device")

    monkeypatch.setattr(migrations, "_MIGRATIONS", (*migrations._MIGRATIONS, fail))
    with pytest.raises(Exception, match="the disk is full"):
        kie.tasks()

    assert ask(path, "SELECT value FROM meta") == ["1"]
    assert tables(path) == before
    assert len(ask(path, "SELECT id FROM tasks")) == 3


def test_a_journal_that_is_current_is_opened_without_a_lock(kie: Stage) -> None:
    kie.generate()
    with closing(sqlite3.connect(kie.home / "journal.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert [task.state for task in kie.tasks()] == ["stored"]
        reader = Database(f"sqlite:///{kie.home / 'journal.sqlite3'}")
        count = kie.run(reader.read(lambda at: at.scalar(sa.text("SELECT count(*) FROM tasks"))))
        kie.run(reader.close())

    assert count == 1


def test_a_journal_is_not_migrated_while_an_older_process_submits(
    kie: Stage, old: Callable[[str], Path]
) -> None:
    """It could not record the ticket any more, and the video would be lost or paid for again."""
    path = old(SCHEMA_2)
    change(
        path,
        "UPDATE workers SET seen = ? "
        "WHERE id = (SELECT worker FROM tasks WHERE request LIKE '%A crane%')",
        time.time() - 16,
    )

    with pytest.raises(JournalBusy, match="an older version of kling26 is still submitting"):
        kie.tasks()

    assert ask(path, "SELECT value FROM meta") == ["2"]
    change(path, "DELETE FROM workers")
    assert len(kie.tasks()) == 9


def test_a_prompt_of_an_older_journal_loses_the_nul_that_postgresql_cannot_store(
    kie: Stage, old: Callable[[str], Path]
) -> None:
    path = old(SCHEMA_1)
    change(
        path,
        "UPDATE tasks SET request = replace(request, 'An owl', 'An \\u0000owl')",
    )

    assert kie.tasks()[0].prompt == "An  owl of old"


def test_a_journal_of_schema_5_keeps_its_rows_and_counts_from_now_on(
    kie: Stage, old: Callable[[str], Path], tmp_path: Path
) -> None:
    path = old(SCHEMA_5)
    with closing(sqlite3.connect(tmp_path / "older.sqlite3")) as connection:
        connection.executescript(SCHEMA_4)
    older = Journal(tmp_path / "older.sqlite3", kie.home)
    before = kie.run(older.tasks())
    kie.run(older.close())

    # What the code of that day made of schema 4, today's code makes of it too.
    assert kie.tasks() == before
    assert {task.unfinished for task in before} == {None}
    assert ask(path, "SELECT question FROM quotes") == ["q"]

    kie.generate("A heron of today")
    assert task_of(kie, "A heron of today").unfinished is not None
    assert ask(path, "SELECT pace FROM departures") == ["sandbox:kie"]


def test_of_the_tasks_of_schema_6_nobody_knows_the_plug_in_and_nothing_else_is_lost(
    kie: Stage, old: Callable[[str], Path], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "older.sqlite3")) as connection:
        connection.executescript(SCHEMA_5)
    older = Journal(tmp_path / "older.sqlite3", kie.home)
    before = kie.run(older.tasks())
    kie.run(older.close())

    path = old(SCHEMA_6)

    assert kie.tasks() == before
    assert {task.plugin for task in before} == {None}
    assert ask(path, "SELECT question FROM quotes") == ["q"]
