"""`kling26 batch`: the videos of a table, as somebody sees it who has one."""

import csv
import errno
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from kling26.cli.batch import run
from kling26.cli.batch.report import Report
from kling26.cli.work import run_work
from kling26.core.errors import NotDelivered, OptionRefused
from kling26.core.rows.templates import parse
from kling26.core.runner.runner import Runner

from .conftest import FACTS, Ran, User

TABLE = "name,prompt,duration\nfox,A red fox,\nowl,A grey owl,10\n"
SUMMARY = [
    "rows", "stored", "reused", "open", "unknown", "refused", "failed", "not_sent", "cost_usd",
    "cost_unknown",
]  # fmt: skip


def save(user: User, text: str = TABLE, name: str = "clips.csv") -> str:
    (user.folder / name).write_text(text, encoding="utf-8", newline="")
    return name


def batch(user: User, *line: str, **more: Any) -> Ran:
    return user.call("batch", *line, "--sandbox", **more)


def objects(ran: Ran) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The objects of the rows, by their numbers, and the summary."""
    *found, last = [json.loads(line) for line in ran.out.splitlines()]
    assert list(last) == ["summary"]
    assert list(last["summary"]) == SUMMARY
    return sorted(found, key=lambda each: each["row"]), last["summary"]


def report(user: User, name: str = "done.csv", delimiter: str = ",") -> list[dict[str, str]]:
    text = (user.folder / name).read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


# -- a whole run -------------------------------------------------------------------------------


def test_each_row_becomes_a_file_and_the_report_is_the_next_table(user: User) -> None:
    template = ("-o", "clips/{row:02}-{name}.mp4")

    ran = batch(user, save(user), *template, "--report", "done.csv")

    files = [str(user.folder / "clips" / name) for name in ("01-fox.mp4", "02-owl.mp4")]
    assert (ran.status, sorted(ran.out.split())) == (0, files)
    assert ran.err.splitlines()[-1] == "2 of 2 here."
    rows = report(user)
    assert [each["file"] for each in rows] == files
    assert [each["state"] for each in rows] == ["stored", "stored"]
    assert list(rows[0]) == [
        "name", "prompt", "duration", "task", "state", "file", "cost", "cost_unit", "cost_usd",
        "error",
    ]  # fmt: skip

    again = batch(user, "done.csv", *template, "--report", "again.csv")

    assert (again.status, again.err) == (0, "2 of 2 here (2 from before).\n")
    assert report(user, "again.csv") == rows
    assert user.rows() == 2


def test_json_has_an_object_for_each_row_and_a_summary(user: User) -> None:
    save(user, "name,prompt\nfox,A red fox\n")

    found, summary = objects(batch(user, "clips.csv", "--json"))

    (row,) = found
    assert list(row) == ["row", "name", *FACTS]
    assert (row["row"], row["name"]) == (1, "fox")
    assert summary == dict.fromkeys(SUMMARY, 0) | {"rows": 1, "stored": 1}


def test_problems_name_their_rows_and_the_exit_status_is_the_worst(user: User) -> None:
    table = "name,prompt\nfox,A red fox\nowl,A grey owl\nbear,A bear\n"

    ran = batch(
        user, save(user, table), "--jobs", "1",
        KLING26_SANDBOX_FAULTS="failed_task,reset_after_accept",
    )  # fmt: skip

    assert ran.status == 5
    lines = ran.err.splitlines()
    assert any(line.startswith("row 1 fox: kie.ai's emulator could") for line in lines) or any(
        line.startswith("row 1 fox: kie.ai's emulator may") for line in lines
    )
    assert "1 of 3 here, 1 unknown, 1 failed." in lines
    assert "; what to do: kling26 tasks k26-" in ran.err


def test_without_credit_the_others_are_not_sent(user: User) -> None:
    ran = batch(user, save(user), "--json", KLING26_SANDBOX_FAULTS="no_credit")

    found, summary = objects(ran)
    assert ran.status == 3
    assert (summary["refused"], summary["not_sent"]) == (1, 1)
    assert found[1]["prompt"] == "A grey owl"
    assert ran.err.endswith("Run the same command again to go on.\n")  # Emulators make it up.
    assert "for the same reason as another one" in found[1]["error"]
    assert user.rows() == 1


def test_rows_over_the_limit_are_left_unsent(user: User) -> None:
    ran = batch(user, save(user), "--max-tasks", "1")
    again = batch(user, "clips.csv", "--max-tasks", "1", "--json")

    assert (ran.status, again.status) == (2, 2)
    assert "1 of 2 here, 1 not sent.\n" in ran.err
    assert ran.err.endswith("Raise --max-tasks, then run the same command again.\n")
    assert "max_tasks 1 is reached: 1 of these videos is paid for, or set aside" in ran.err
    assert objects(again)[1]["reused"] == 1
    assert user.rows() == 1


def test_rows_without_a_key_say_what_helps(user: User) -> None:
    ran = user.call("batch", save(user), KIE_API_KEY=None)

    assert ran.status == 2
    assert ran.err.endswith(
        "0 of 2 here, 2 not sent.\nSet a working key for kie.ai, then run the same command again.\n"
    )


def test_equal_rows_are_said_and_paid_once(user: User) -> None:
    ran = batch(user, save(user, "prompt\nA fox\nA bear\nA fox\n"), "-o", "{row}.mp4")

    assert "Rows 1 and 3 ask for the same video: it is paid for once." in ran.err
    assert [(user.folder / f"{n}.mp4").exists() for n in (1, 2, 3)] == [True] * 3
    assert user.rows() == 2


def test_a_batch_that_does_not_wait_is_fetched_into_each_output(user: User) -> None:
    ran = batch(user, save(user), "--no-wait", "-o", "{name}.mp4")
    assert (ran.status, ran.out.count("k26-")) == (0, 2)
    assert not (user.folder / "fox.mp4").exists()

    assert user.call("resume", KLING26_SANDBOX="1").status == 0

    assert (user.folder / "fox.mp4").exists()
    assert (user.folder / "owl.mp4").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupted_batch_says_how_far_it_was_and_goes_on(user: User) -> None:
    rows = "".join(f"Fox {n}\n" for n in range(4))
    line = ("batch", save(user, f"prompt\n{rows}"), "--sandbox", "--report", "done.csv", "--json")

    ran = (
        user.start(*line)
        .until("row 2: accepted by kie.ai's emulator")
        .interrupt(signal.SIGINT)
        .ended()
    )

    assert ran.status == 130
    assert "Interrupted. " in ran.err
    assert ran.err.endswith("Run the same command again to go on.\n")
    found, summary = objects(ran)
    rows = report(user)
    assert len(found) == summary["rows"] == len(rows) == 4
    assert {each["state"] for each in rows} <= {"stored", "submitted", "unknown", "not_sent"}
    assert sum(each["state"] == "not_sent" for each in rows) == summary["not_sent"]
    assert user.call(*line).status == 0
    assert user.rows() == 4


# -- what is refused before anything is sent ---------------------------------------------------


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("prompt,duration\nA,7\nB,x\n", (), 'row 2: kie.ai: duration must be 5 or 10; got "x".'),
        ("prompt,name\nA,b\nC,B\n", ("-o", "{name}.mp4"), 'rows 1 and 2 would both be written'),
        ("prompt,name\nA,é\nC,e\u0301\n", ("-o", "{name}.mp4"), "rows 1 and 2 would both"),
        ("prompt,name\nA,b\nC,d\n", ("-o", "x.mp4"), "Both videos would be written to"),
        ("prompt,name\nA,b\nC,\n", ("-o", "{name}.mp4"), "row 2: {name} is in the output, and"),
        ("prompt,name\nA,b\n", ("-o", "{names}.mp4"), 'in the output; did you mean "name"?'),
        ("prompt\nA\n", ("-o", "{prompt.__class__}.mp4"), 'column for "{prompt.__class__}"'),
        ("prompt\nA\n", ("-o", "{row:09999999}.mp4"), "has an unknown format"),
        ("prompt,name\nA,b\n", ("-o", "{name!r}.mp4"), '"{name!r}" in the output has an unknown'),
        ("prompt\nA\n", ("-o", "{row"), "has an unmatched brace"),
        (f"prompt,name\nA,{200 * 'x'}1\nB,{200 * 'x'}2\n", ("-o", "{name}.mp4"),
         "; long names are shortened"),
        ("prompt\nA\n", ("-o", "clips.csv"), "row 1: it would be written to"),
        ("prompt\nA\n", ("--report", "clips.csv"), "--report names the table itself"),
        ("prompt\nA\n", ("--report", "x.txt"), "--report must end in .csv, .tsv or .jsonl"),
        ("prompt\nA\n", ("--report", "no/x.csv"), "The report cannot be written to"),
        ("prompt\nA\n", ("-o", "x.csv", "--report", "x.csv"), "which is the report"),
        ("prompt,output\nA,n/a\nB,n/a/b\n", (), "in a folder that would be the video of row 1"),
        ("prompt,output\nA,n/a/b\nB,N/A\n", (), "which has to be a folder, for the video of"),
        ("prompt\nA\n", ("-o", "x.csv/a", "--report", "x.csv"), "folder that would be the report"),
        ("prompt,state\nA,Ohio\n", ("--report", "x.csv"), "columns of its own called state"),
        ("prompt,url\nA,b\n", ("--json",), 'has the column "url", and the objects of --json have'),
        ("prompt,sandbox\nA,yes\n", (), "not for a row: give it as --sandbox, or"),
        ("prompt\nA\n", ("--jobs", "0"), "--jobs must be a whole number between 1 and 5000"),
        ("prompt\nA\n", ("--max-cost", "-1"), "--max-cost must be a sum in USD"),
        ("prompt\nA\n", ("--max-cost", "nan"), "--max-cost must be a sum in USD"),
        ("prompt\nA\n", ("--max-tasks", "-1"), "--max-tasks must be a whole number from 0 on"),
    ],
)  # fmt: skip
def test_nothing_is_sent_if_anything_is_wrong(
    user: User, table: str, line: tuple[str, ...], said: str
) -> None:
    ran = batch(user, save(user, table), *line)

    assert (ran.status, user.rows()) == (2, 0)
    assert said in ran.err
    assert (user.folder / "clips.csv").read_text("utf-8") == table


def test_many_problems_are_counted(user: User) -> None:
    ran = batch(user, save(user, "prompt,duration\n" + "A,7\n" * 15))

    assert ran.err.count("duration must be") == 10
    assert "And 5 more." in ran.err


def test_a_video_never_replaces_the_picture_of_a_row(user: User) -> None:
    (user.folder / "a.png").write_bytes(b"")

    ran = batch(user, save(user, "prompt,image,name\nA,a.png,\nB,,a.png\n"), "-o", "x{row}.mp4")
    both = batch(user, save(user, "prompt,image,output\nA,a.png,b.mp4\nB,,A.PNG\n"))

    assert "row 1: The image" in ran.err or "image must be" in ran.err
    assert 'row 2: it would be written to "A.PNG", which is the image of row 1' in both.err


# -- templates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("AC/DC: live?", "AC_DC_ live_"),
        ("..", "_"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("CON", "_CON"),
        ("aux.txt", "_aux.txt"),
        ("~root", "_root"),
        (".hidden", "_hidden"),
        ("tab\tand\nline", "tab_and_line"),
        ("e\u0301te\u0301", "été"),
        ("\u202efdp.exe", "_fdp.exe"),
        ("ends. . ", "ends"),
    ],
)
def test_values_are_made_safe_for_every_file_system(value: str, name: str) -> None:
    assert parse("out/{name}", ["name"]).path({"name": value}) == f"out/{name}"


def test_long_values_are_cut_between_letters() -> None:
    path = parse("{a}-{b}-{c}.mp4", "abc").path(dict.fromkeys("abc", "é" * 200))

    assert len(path.encode()) <= 255
    assert path.startswith("é" * 60 + "-")
    assert path.endswith("é.mp4")


def test_braces_in_a_name_are_written_twice() -> None:
    assert parse("{{x}}-{row:03}", ["row"]).path({"row": 7}) == "{x}-007"
    with pytest.raises(OptionRefused, match="write it twice"):
        parse("x}.mp4", [])


# -- dry runs, and several takes ---------------------------------------------------------------


def test_a_dry_run_tells_the_sum_and_writes_nothing(user: User) -> None:
    ran = batch(user, save(user), "-o", "new/{name}.mp4", "--report", "r.csv", "--dry-run")

    assert ran.out == (
        "2 rows: 2 to be paid for.\n"
        "A rehearsal costs nothing; real ones: 0.825 USD.\n"
        "This was a dry run: nothing was paid.\n"
    )
    assert not (user.folder / "new").exists()
    assert not (user.folder / "r.csv").exists()
    assert user.rows() == 0


def test_a_dry_run_counts_what_is_here_and_what_a_limit_leaves_out(user: User) -> None:
    batch(user, save(user, "prompt\nA red fox\n"))

    ran = batch(
        user, save(user, "prompt\nA red fox\nB\nC\nC\n"), "--dry-run", "--json",
        "--max-cost", "0.6",
    )  # fmt: skip

    assert ran.status == 2
    assert json.loads(ran.out) == {
        "rows": 4, "reuse": 1, "join": 0, "equal": 1, "unknown": 0, "pay": 1, "left_out": 1,
        "no_key": 0, "price_usd": 0.275, "price_unknown": 0, "budget": None, "balances": [],
    } | {"balances": json.loads(ran.out)["balances"]}  # fmt: skip


def test_count_makes_takes_with_seeds_of_their_own(user: User) -> None:
    ran = user.call(
        "generate", "A fox", "--sandbox", "--count", "2", "-o", "fox.mp4", "--seed", "7"
    )
    found, _ = objects(
        user.call("generate", "A fox", "--sandbox", "--count", "2", "--seed", "7", "--json")
    )

    assert ran.status == 0
    assert sorted(ran.out.split()) == [str(user.folder / f"fox-{n}.mp4") for n in (1, 2)]
    assert [(each["seed"], each["reused"]) for each in found] == [(7, True), (8, True)]


def test_a_count_of_one_is_a_count(user: User) -> None:
    line = ("generate", "A fox", "--sandbox", "--count", "1", "--seed", "7")

    ran = user.call(*line, "-o", "fox-{seed}.mp4")

    assert ran.out == f"{user.folder / 'fox-7.mp4'}\n"
    assert objects(user.call(*line, "--json"))[1]["stored"] == 1


def test_a_limit_of_the_cost_that_cannot_hold_is_said_once(user: User) -> None:
    table = save(user, "prompt\nA\nB\nC\n")
    line = ("--provider", "apikley", "--max-cost", "5")

    dry = batch(user, table, *line, "--dry-run")
    none = batch(user, table, "--provider", "apikley", "--max-cost", "0", "--dry-run")
    ran = batch(user, table, *line)

    assert "No price is known yet, so --max-cost cannot hold at first" in dry.out
    assert "3 rows would not be sent: --max-cost would not allow that." in none.out
    told = [text for text in ran.err.splitlines() if "No price is known" in text]
    assert told == ["No price is known yet, so the limit of the cost cannot hold at first."]


# -- the report, and the time ------------------------------------------------------------------


def test_a_report_that_cannot_be_written_is_found_before_anything_is_sent(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Report, "_save", full)

    ran = batch(user, save(user), "--report", "done.csv")

    assert (ran.status, user.rows()) == (2, 0)
    assert ran.err.endswith("cannot be written: No space left on device. Nothing was sent.\n")


@pytest.mark.parametrize("place", ["folder.csv", "clips.csv/done.csv"])
def test_a_report_in_an_impossible_place_is_found_before_anything_is_sent(
    user: User, place: str
) -> None:
    (user.folder / "folder.csv").mkdir()

    ran = batch(user, save(user), "--report", place)

    assert (ran.status, user.rows()) == (2, 0)
    assert ran.err.startswith("The report cannot be written to")


def test_the_time_for_reading_and_checking_counts(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []

    async def nothing(_: Runner, __: object, *, timeout: float, **___: object) -> Any:
        left.append(timeout)
        for none in ():
            yield none

    monkeypatch.setattr(Runner, "generate_many", nothing)
    batch(user, save(user), "--timeout", "100")

    assert 0 < left[0] < 100


def test_work_that_is_given_up_leaves_a_whole_report(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object, **__: object) -> Any:
        for none in ():
            yield none

    def hangs(*given: Any, **more: Any) -> None:
        run_work(*given, **more)
        raise NotDelivered("Time ran out, and the journal has not answered.")

    monkeypatch.setattr(Runner, "generate_many", nothing)
    monkeypatch.setattr(run, "run_work", hangs)

    ran = batch(user, save(user), "--report", "done.csv", "--json")

    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line.get("error") for line in lines[:2]] == ["Time ran out before it was sent."] * 2
    assert lines[2]["summary"]["rows"] == 2
    assert [each["state"] for each in report(user)] == ["not_sent"] * 2


def test_a_table_from_stdin(user: User) -> None:
    ran = batch(user, "-", stdin='{"prompt": "A fox", "duration": 10, "sound": true}\n')

    assert ran.status == 0
    assert user.rows() == 1


def test_no_key_is_in_the_report(user: User, tmp_path: Path) -> None:
    """`Ran` has looked for it in what is printed."""
    batch(user, save(user), "--report", "done.csv", KLING26_SANDBOX_FAULTS="no_credit")

    assert "sk-recognisable" not in (user.folder / "done.csv").read_text("utf-8")
