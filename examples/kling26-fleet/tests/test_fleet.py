"""A fleet with real processes, on PostgreSQL; `trial.py` has what takes minutes."""

import json
import signal
import subprocess
import sys
import time

from kling26.sandbox import Fault

from .scene import KEY, PostgreSQL, Scene, write_rows

HERONS = [f"Heron {number} lands" for number in range(1, 7)]
#: Seconds.
LONG = 120.0


def submit(fleet: Scene, prompts: list[str] = HERONS, *more: str) -> str:
    return fleet.ask("submit", str(write_rows(fleet.folder / "rows.jsonl", prompts)), *more).strip()


def test_a_file_that_is_submitted_twice_is_paid_for_once(fleet: Scene) -> None:
    first, again = submit(fleet), submit(fleet)
    fleet.worker(4)
    fleet.wait_until_here(6, LONG)
    late = submit(fleet)
    fleet.wait_until_here(6, LONG)

    shown = [json.loads(line) for line in fleet.ask("status", "--json").splitlines()]

    assert [(each["name"], each["state"]) for each in shown] == [
        (f"row {number}", "here") for number in range(1, 7)
    ]
    assert (first, late) == ("Rows queued: 6.", "Rows queued: 6.")
    assert again == "Rows queued: 0. Already in the queue: 6."
    assert sorted(fleet.till.paid) == HERONS


def test_all_rows_that_cannot_be_made_are_told_and_none_is_queued(fleet: Scene) -> None:
    table = fleet.folder / "rows.csv"
    table.write_text("prompt,duration,name\n" + "A fox,7,McFox ACME\n" * 15)
    wrong = fleet.command("submit", str(table), "--provider", "kie")
    table.write_text("prompt,name\nA fox,\nAn owl,b\nA heron,B\n")
    outputs = fleet.command("submit", str(table), "--output", str(fleet.folder / "{name}.mp4"))

    assert (wrong.returncode, outputs.returncode) == (2, 2)
    assert wrong.stderr.count("\n    row ") == 10
    assert "    row 1 McFox ACME: kie.ai: duration must be 5 or 10; got 7." in wrong.stderr
    assert wrong.stderr.endswith("\n    And 5 more.\n")
    assert "row 1: {name} is in the output, and empty here." in outputs.stderr
    assert "rows 2 and 3 would both be written to" in outputs.stderr
    assert fleet.ask("status", "--json") == ""


def test_a_worker_that_is_asked_to_end_lets_go_at_once(fleet: Scene) -> None:
    fleet.till.site.conditions["kie"].running = 6.0
    submit(fleet)
    ended = fleet.worker(6)
    while len(fleet.till.paid) < 6:
        time.sleep(0.05)
    ended.send_signal(signal.SIGTERM)
    assert ended.wait(30.0) == 0
    assert fleet.states() == ["waiting"] * 6
    fleet.worker(6)
    fleet.wait_until_here(6, LONG)

    assert sorted(fleet.till.paid) == HERONS
    assert {task.generation for task in fleet.tasks()} == {2}


def test_postgresql_is_restarted_meanwhile(fleet: Scene, server: PostgreSQL) -> None:
    fleet.till.site.conditions["kie"].running = 5.0
    submit(fleet)
    fleet.worker(6)
    while len(fleet.till.paid) < 6:
        time.sleep(0.05)
    server.stop()
    time.sleep(3.0)
    server.start()
    fleet.wait_until_here(6, LONG)

    assert sorted(fleet.till.paid) == HERONS


def test_a_worker_without_a_key_gives_its_rows_back_and_ends(fleet: Scene) -> None:
    submit(fleet)
    keyless = fleet.worker(2, KIE_API_KEY=None)
    assert keyless.wait(LONG) == 2
    assert fleet.states() == ["waiting"] * 6
    assert "kie.ai needs an API key. Set KIE_API_KEY" in fleet.log.read_text()
    fleet.worker(6)
    fleet.wait_until_here(6, LONG)

    assert sorted(fleet.till.paid) == HERONS


def test_a_worker_with_a_wrong_key_gives_its_rows_back_and_ends(fleet: Scene) -> None:
    submit(fleet)
    assert fleet.worker(2, KIE_API_KEY="another").wait(LONG) == 2
    assert fleet.states() == ["waiting"] * 6
    assert fleet.till.paid == []


def test_a_machine_without_the_shared_folder_gets_no_rows(fleet: Scene) -> None:
    submit(fleet)
    done = fleet.command("worker", KLING26_HOME=str(fleet.folder / "elsewhere"))

    assert done.returncode == 2
    assert "is not the home of a fleet" in done.stderr


def test_a_journal_that_is_not_shared_is_refused(fleet: Scene) -> None:
    done = fleet.command("worker", KLING26_JOURNAL=None)

    assert done.returncode == 2
    assert done.stderr.startswith("The machines of a fleet share a journal in PostgreSQL")


def test_a_row_whose_outcome_is_unknown_is_left_for_a_person(fleet: Scene) -> None:
    fleet.till.site.conditions["kie"].faults.append(Fault("reset_after_accept"))
    submit(fleet, HERONS[:1])
    fleet.worker(1)
    while fleet.states() != ["unknown"]:
        time.sleep(0.2)
    told = fleet.ask("status")
    submit(fleet, HERONS[:1])
    while fleet.log.read_text().count("row 1: unknown") < 2:
        time.sleep(0.2)

    assert "kling26 adopt k26-" in told
    assert "kling26 resubmit k26-" in told
    assert len(fleet.till.arrivals) == 1

    (task,) = fleet.tasks()
    decided = [sys.executable, "-m", "kling26", "resubmit", task.id]
    subprocess.run(decided, env=fleet.environ(), check=True, capture_output=True)
    assert fleet.states() == ["here"]


def test_what_was_refused_is_not_tried_for_ever(fleet: Scene) -> None:
    fleet.till.site.conditions["kie"].faults.append(Fault("no_credit"))
    submit(fleet, HERONS[:1])
    fleet.worker(1)
    while fleet.states() != ["failed"]:
        time.sleep(0.2)

    assert "row 1: failed. The account at kie.ai has too little credit" in fleet.ask("status")
    assert fleet.till.paid == []


def test_the_key_is_seen_nowhere(fleet: Scene) -> None:
    submit(fleet)
    fleet.worker(6)
    fleet.wait_until_here(6, LONG)

    kept = [path.read_bytes() for path in fleet.folder.rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY.encode() in each for each in kept)
