"""Where a journal is: read back rightly, refused in words, and never shown with a password."""

import asyncio
import logging
import os
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from kling26.cli.exits import exit_status
from kling26.core.errors import JournalError, StillRunning
from kling26.core.journal import engine
from kling26.core.journal.address import Address, BadAddress
from kling26.core.journal.engine import make_engine
from kling26.core.journal.journal import Journal
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings

from ..conftest import Stage, stage_at

SECRET = "s3cr3t-passw0rd/%"
SPELT = "s3cr3t-passw0rd%2F%25"


def refusal(url: str | Path, source: str = "KLING26_JOURNAL") -> JournalError:
    """What is said of a journal that cannot be used."""
    with pytest.raises(JournalError) as caught:
        asyncio.run(Journal(url, source=source).heartbeat())
    assert exit_status(caught.value) == 2
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["q?a=1", "q#1", "q%41", "q b", ":memory:", "file:x?mode=ro", "größe",
     pytest.param(os.fsdecode(b"q\xff"), marks=pytest.mark.skipif(os.name != "posix", reason=""))],
)  # fmt: skip
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_home_of_any_name_has_a_journal_of_its_own(tmp_path: Path, name: str) -> None:
    with stage_at(tmp_path / name, "kie") as stage:
        stage.generate()

        with closing(sqlite3.connect(tmp_path / name / "journal.sqlite3")) as journal:
            assert journal.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/home/me/journal.sqlite3", "is not a valid database URL"),
        ("sqlite:/journal.sqlite3", "is not a valid database URL"),
        ("sqlite://journal.sqlite3", "needs three slashes after sqlite:"),
        ("sqlite:////x?mode=ro", 'has an option that SQLite does not know: "mode"'),
        ("sqlite:////x?timeout=long", "has an option with a wrong value"),
        ("sqlite:////", "is a folder, and has to be a file in it"),
        ("sqlite://", "would be forgotten with what was paid for"),
        ("sqlite:///:memory:", "would be forgotten with what was paid for"),
        ("sqlite:///file:/x?uri=true&mode=memory", "would be forgotten with what was paid for"),
        ("sqlite:///file::memory:?uri=true&cache=shared", "would be forgotten with what was paid"),
        ("sqlite:///journal.sqlite3", "has to be a full path, which is the same from every folder"),
        ("sqlite:///~/journal.sqlite3", "has to be a full path"),
        ("oracul://me@host/kling26", "is in a database of an unknown kind"),
        ("postgres://me@host/kling26", "has to begin with postgresql+psycopg:// instead of"),
        ("postgresql+psycopg://me@host:port/kling26", "is not a valid database URL"),
        ("postgresql+psycopg://me:p@ss@host/kling26", "which has to be written %40"),
    ],
)
def test_a_url_of_a_wrong_form_is_told_with_what_sets_it(url: str, problem: str) -> None:
    said = str(refusal(url, '"journal" in /home/me/config.toml'))

    assert problem in said
    assert 'Set "journal" in /home/me/config.toml to a URL such as sqlite:////home/me/' in said


def test_a_driver_that_is_missing_or_asynchronous_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "needs a database driver that is not installed" in str(
        refusal("mssql+pyodbc://me@host/kling26")
    )

    class Asynchronous:
        is_async, driver = True, "asyncpg"

    class Engine:
        dialect = Asynchronous

    monkeypatch.setattr(engine.sa, "create_engine", lambda *_, **__: Engine)
    for url in ("postgresql+psycopg://me@host/kling26", "sqlite:////tmp/journal"):
        with pytest.raises(BadAddress, match='driver "asyncpg", which only works with asyncio'):
            make_engine(Address(url))


def test_a_journal_in_the_home_names_the_home_instead(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    said = str(refusal(tmp_path / "file" / "journal.sqlite3"))

    assert said.endswith("Set KLING26_HOME to a folder that you may write to.")
    assert "KLING26_JOURNAL" not in said


# -- passwords --------------------------------------------------------------------------------

WITH_SECRETS = [
    f"postgresql+psycopg://me:{SPELT}@127.0.0.1:1/kling26",
    f"postgresql+psycopg://me@127.0.0.1:1/kling26?password={SPELT}",
    f"postgresql+psycopg://me@127.0.0.1:1/kling26?sslpassword={SPELT}",
    f"postgresql+psycopg://me:{SPELT}@127.0.0.1:1/kling26?sslmode={SPELT}",
    f"postgresql+psycopg://me@127.0.0.1:1/kling26?{SPELT}=1&other={SPELT}",
    f"postgresql+psycopg://me:{SPELT}@127.0.0.1:port/kling26",
    f"postgresql+psycopg://me:x@{SPELT}@127.0.0.1/kling26",
    f"postgres://me:{SPELT}@127.0.0.1/kling26",
    f"me:{SPELT}@127.0.0.1/kling26",
    f"nothing://me:{SPELT}@127.0.0.1/kling26",
    f"sqlite://me:{SPELT}@host/kling26",
    f"postgresql+psycopg://me:{SPELT}%40h/kling26",
    f"PGPASSWORD={SPELT} postgresql+psycopg://me@h/kling26",
    f"postgresql+psycopg://me:{SPELT} h/kling26",
    f"postgresql+psycopg://me:{SPELT}",
    f"postgresql+psycopg://me:{SPELT}/h/kling26",
    f"postgresql+psycopg://me:{SPELT}＠h/kling26",
    f"postgresql+psycopg://me:{SPELT}[at]h/kling26",
    f"postgresql+psycopg:me:{SPELT}/h",
]
#: Wrong only once the driver reads them.
IN_ODD_PLACES = [
    f"postgresql+psycopg://127.0.0.1:1/kling26;password={SPELT}",
    f"postgresql+psycopg://{SPELT}@127.0.0.1:1/kling26",
]


def tells(text: str) -> bool:
    return any(word in text for word in (SECRET, SPELT, "s3cr3t"))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RESTART", 0.0)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:pw@db.example:5432/kling26", "postgresql+psycopg://db.example/kling26"),
        ("a=b postgresql://me@host/x", "postgresql://…"),
        ("postgresql://host/x;y=z", "postgresql://…"),
        ("/home/me/journal.sqlite3", "/home/me/journal.sqlite3"),
        ("host=h dbname=x", "…"),
    ],
)  # fmt: skip
def test_only_what_is_surely_no_secret_is_shown(url: str, shown: str) -> None:
    assert str(Address(url)) == shown


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("url", WITH_SECRETS + IN_ODD_PLACES)
def test_no_password_is_told_by_an_error_or_a_log(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    error = refusal(url)

    assert "KLING26_JOURNAL" in str(error)
    assert not tells("".join(traceback.format_exception(error)))
    assert not tells(caplog.text)


@pytest.mark.parametrize("url", WITH_SECRETS)
def test_no_password_is_told_by_a_repr(tmp_path: Path, url: str) -> None:
    settings = Settings({"KLING26_HOME": str(tmp_path), "KLING26_JOURNAL": url})
    runner = Runner(settings)

    shown = [settings, runner, runner.journal, runner.journal.database, runner.journal.worker]
    # What is said of those is tested above; psycopg need not be here.
    with suppress(BadAddress, sa.exc.SQLAlchemyError, ImportError):
        shown.append(make_engine(Address(url)))

    assert not tells(" ".join(map(repr, shown)) + str(Address(url)))


def test_a_wrong_setting_leaves_a_paid_task_to_be_delivered(
    stage_of: Callable[[str], Stage],
) -> None:
    """Resuming needs the settings, and one is misspelt by now."""
    kie = stage_of("kie")
    with pytest.raises(StillRunning):
        kie.generate(timeout=5)
    (kie.home / "config.toml").write_text("proivder = 'kie'")

    async def resume() -> list[tuple[int, str]]:
        async with kie.runner() as runner:
            errors = [each.error async for each in runner.resume([kie.task().id])]
            return [(exit_status(each), str(each)) for each in errors if each is not None]

    ((status, said),) = kie.run(resume())
    assert status == 5
    assert said.endswith('did you mean "provider"? The video is paid for.')
