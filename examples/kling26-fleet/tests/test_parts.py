"""What needs neither PostgreSQL nor a process."""

import asyncio
import json
import logging
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kling26.core import (
    BudgetExceeded,
    ImageFile,
    JournalBusy,
    KeyRejected,
    Kling26Error,
    MissingKey,
    NotDelivered,
    OptionRefused,
    OutcomeUnknown,
    OutOfCredit,
    Refused,
    Remedy,
    Row,
    Settings,
    SettingsError,
    StillRunning,
    TaskFailed,
    TryLater,
    UnknownProvider,
    Unreachable,
    VideoRequest,
)
from kling26_fleet.fleet import Fleet
from kling26_fleet.queue import AT_ONCE
from kling26_fleet.rows import pack, unpack
from kling26_fleet.verdicts import Verdict, verdict, wait
from kling26_fleet.worker import Worker
from PIL import Image

RESUME, SET_KEY = Remedy("resume"), Remedy("set_key")
SECRET = "postgresql+psycopg://me:secret@host/db"


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (TryLater("Later."), "later"),
        (Unreachable("Away."), "later"),
        (JournalBusy("Busy."), "later"),
        (StillRunning("Made."), "later"),
        (NotDelivered("Not written."), "later"),
        (OutcomeUnknown("The provider has forgotten it.", remedy=RESUME), "later"),
        (BudgetExceeded("Over.", setting="max_tasks_per_day"), "later"),
        (OutcomeUnknown("Lost."), "unknown"),
        (OutcomeUnknown("Lost.", remedy=Remedy("resubmit")), "unknown"),
        (MissingKey("None."), "unfit"),
        (KeyRejected("Wrong."), "unfit"),
        (NotDelivered("Paid, and the key is wrong.", remedy=SET_KEY), "unfit"),
        (SettingsError("Bad."), "unfit"),
        (UnknownProvider("No plug-in."), "unfit"),
        (Refused("No."), "failed"),
        (OutOfCredit("Empty."), "failed"),
        (TaskFailed("Broken."), "failed"),
        (OptionRefused("Wrong.", option="mode"), "failed"),
    ],
)
def test_an_error_decides_what_becomes_of_its_row(error: Kling26Error, found: Verdict) -> None:
    assert verdict(error) == found


def test_a_row_waits_longer_each_time_and_as_long_as_the_provider_says() -> None:
    waits = [wait(StillRunning("Made."), attempts) for attempts in (0, 1, 2, 50)]

    assert waits == [15.0, 30.0, 60.0, 600.0]
    assert wait(TryLater("Later.", retry_after=700.0), 0) == 700.0


def test_a_row_comes_out_of_the_queue_as_it_went_in(tmp_path: Path) -> None:
    picture = BytesIO()
    Image.new("RGB", (320, 320)).save(picture, "png")
    request = VideoRequest("It runs", image=ImageFile(picture.getvalue()), seed=2**64 - 1)
    row = Row(request, "kie", {"mode": "pro"}, str(tmp_path / "a.mp4"))
    folder = tmp_path / "pictures"

    packed = json.loads(json.dumps(pack(row, 1, True, folder)))

    assert unpack(packed, folder) == row
    assert packed == pack(row, 1, True, folder)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "journal", ["sqlite:////home/me/j", SECRET.replace("host", "host:x"), "postgresql"]
)
def test_a_journal_that_machines_cannot_share_is_refused_without_its_password(journal: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Fleet(Settings({"KLING26_JOURNAL": journal})).conninfo()

    assert "secret" not in str(caught.value)


def test_the_queue_is_told_of_the_password_and_nobody_else(tmp_path: Path) -> None:
    fleet = Fleet(Settings({"KLING26_JOURNAL": SECRET, "KLING26_HOME": str(tmp_path)}))

    assert fleet.conninfo() == "postgresql://me:secret@host/db"
    assert "secret" not in repr(fleet)


def test_each_home_has_its_own_queue_and_keeps_it(tmp_path: Path) -> None:
    one, other = [
        Fleet(Settings({"KLING26_HOME": str(tmp_path / name)})) for name in ("one", "other")
    ]
    with pytest.raises(SettingsError, match="is not the home of a fleet"):
        _ = one.queue
    for _ in range(2):
        one.found()
        other.found()

    assert len({one.queue, other.queue, one.queue}) == 2


def test_rows_of_silent_workers_are_handed_out_whatever_fails_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handed: list[str] = []
    answers: Any = iter([ValueError("A new kind of row"), jobs := [job("fox"), job("owl")], jobs])

    async def stalled(**_: Any) -> Any:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    async def hand_out(each: Any, *, retry_at: Any) -> None:
        name = each.task_kwargs["name"]
        if name == "fox" and not handed:
            handed.append("nobody")
            raise OSError("The network is away")
        assert retry_at == AT_ONCE
        handed.append(name)
        if handed[-2:] == ["fox", "owl"]:
            asyncio.current_task().cancel()  # type: ignore[union-attr]

    monkeypatch.setattr("kling26_fleet.worker._CARE", 0.0)
    fleet = Fleet(Settings({"KLING26_HOME": str(tmp_path)}))
    fleet.found()
    manager = SimpleNamespace(get_stalled_jobs=stalled, retry_job=hand_out)
    worker: Any = Worker(fleet, 1, SimpleNamespace(job_manager=manager), None)  # type: ignore[arg-type]

    with pytest.raises(asyncio.CancelledError), caplog.at_level(logging.WARNING):
        asyncio.run(worker._care())

    assert handed == ["nobody", "owl", "fox", "owl"]
    assert "A new kind of row" in caplog.text
    assert "fox: not handed out again yet" in caplog.text


def job(name: str) -> Any:
    return SimpleNamespace(id=1, task_kwargs={"name": name})
