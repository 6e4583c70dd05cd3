"""What needs neither PostgreSQL nor a process."""

from io import BytesIO
from pathlib import Path

import pytest
from attrs import evolve
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
    OutputRefused,
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
    UsageError,
    VideoRequest,
)
from kling26_fleet.fleet import Fleet
from kling26_fleet.orders import Order, pack, unpack
from kling26_fleet.outputs import make_folders, output_of
from kling26_fleet.verdicts import Verdict, verdict, wait
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
    order = Order("row 1", request, "kie", {"mode": "pro"}, tmp_path / "a.mp4", sandbox=True)
    folder = tmp_path / "pictures"

    assert unpack(pack(order, folder), folder) == order
    assert pack(order, folder) == pack(evolve(order), folder)
    assert len(list(folder.iterdir())) == 1


def test_the_names_of_outputs_come_from_the_row_and_stay_in_their_folder(tmp_path: Path) -> None:
    row = Row(VideoRequest("A fox", seed=7), labels={"name": "../AC/DC: live?"})

    path = output_of(row, 5, "kie", f"{tmp_path}/{{row:03}}-{{name}}-{{seed}}-{{provider}}.mp4")

    assert path == tmp_path / "005-__AC_DC_ live_-7-kie.mp4"
    with pytest.raises(OutputRefused, match=r"\{title\}"):
        output_of(row, 5, "kie", "{title}.mp4")


def test_two_rows_with_one_output_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Two rows would be written"):
        make_folders([tmp_path / "fox.mp4", tmp_path / "FOX.mp4"])


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
