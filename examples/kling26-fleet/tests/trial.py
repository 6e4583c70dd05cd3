"""
The trial of a fleet, in real time: 60 videos, and what happens to machines.

Of three workers, one is killed and one stopped for longer than it may be silent, while tasks of
theirs are under way; a fourth is added. Run: ``python trial.py``
"""

import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import av
from scene import BINARIES, KEY, Scene, postgresql, scene, write_rows

ROWS, JOBS = 60, 10
#: How long a video takes at the provider, and how long the stopped worker sleeps, in seconds.
TAKES, SLEEP = 20.0, 100.0
#: kie.ai's published limit: requests, and seconds.
RATE = 20, 10.0
_start = time.monotonic()


def say(text: str) -> None:
    sys.stdout.write(f"{time.monotonic() - _start:6.1f} s  {text}\n")
    sys.stdout.flush()


def main() -> None:
    if not BINARIES:
        sys.exit("The fleet is tried on PostgreSQL, whose server is not installed here.")
    with (
        tempfile.TemporaryDirectory() as folder,
        postgresql() as server,
        scene(Path(folder), server, queued=1.0, running=TAKES - 1.0) as fleet,
    ):
        try:
            run(fleet)
        finally:
            sys.stdout.write(fleet.log.read_text() if fleet.log.exists() else "")


def run(fleet: Scene) -> None:
    fleet.ask("prepare")
    rows = write_rows(fleet.folder / "rows.jsonl", [f"Heron {n} lands" for n in range(ROWS)])
    say(fleet.ask("submit", str(rows), "--output", "videos/{row}.mp4").strip())
    killed, stopped, _ = [fleet.worker(JOBS) for _ in range(3)]
    wait_for_paid(fleet, 25)  # More than may be sent at once, and not the first ones any more.
    stop(fleet, killed, stopped)
    killed.kill()
    asleep = time.monotonic()
    say(f"killed one worker, and stopped another: {len(fleet.till.paid)} paid so far")
    wait_for_paid(fleet, 35)
    fleet.worker(JOBS)
    say(f"added a worker: {fleet.ask('status').splitlines()[0]}")
    time.sleep(max(0.0, asleep + SLEEP - time.monotonic()))
    before = {row.id: row for row in fleet.tasks()}
    stopped.send_signal(signal.SIGCONT)
    say(f"let the stopped worker go on: {fleet.ask('status').splitlines()[0]}")
    fleet.wait_until_here(ROWS, 120)
    time.sleep(5.0)  # What the woken worker still wants to write.
    say("all are here")
    check(fleet, before)


def wait_for_paid(fleet: Scene, count: int) -> None:
    end = time.monotonic() + 60.0
    while len(fleet.till.paid) < count:
        assert time.monotonic() < end, f"{len(fleet.till.paid)} of {count} paid"
        time.sleep(0.1)


def stop(fleet: Scene, *workers: subprocess.Popen[bytes]) -> None:
    """
    Stop workers while their tasks are under way, and no paid request of theirs is in flight.

    What became of one that is killed meanwhile, kie.ai tells nobody: it would be for a person.
    """
    end = time.monotonic() + 60.0
    while True:
        for each in workers:
            each.send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        if not any(task.state == "submitting" and task.sending for task in fleet.tasks()):
            return
        assert time.monotonic() < end, "paid requests are in flight all the time"
        for each in workers:
            each.send_signal(signal.SIGCONT)
        time.sleep(0.3)


def check(fleet: Scene, before: dict[str, object]) -> None:
    """Print the sums; raises `AssertionError` if one is wrong."""
    tasks, paid = fleet.tasks(), Counter(fleet.till.paid)
    say(f"paid: {paid.total()} for {len(paid)} videos; tasks in the journal: {len(tasks)}")
    assert (paid.total(), len(paid), len(tasks)) == (ROWS, ROWS, ROWS)

    files = [fleet.folder / "videos" / f"{number}.mp4" for number in range(1, ROWS + 1)]
    say(f"whole files: {sum(is_whole(file) for file in files)}")
    assert all(is_whole(file) for file in files)

    most = fleet.till.most_in(RATE[1])
    say(f"at most {most} requests came within {RATE[1]:.0f} s")
    assert most <= RATE[0]

    taken_over = [task for task in tasks if task.generation > 1]
    changed = [task.id for task in tasks if task.state == "stored" == before[task.id].state]
    changed = [each.id for each in tasks if each.id in changed and each != before[each.id]]
    say(f"taken over: {len(taken_over)}; written late by the stopped worker: {len(changed)}")
    assert taken_over
    assert not changed
    assert {task.state for task in tasks} == {"stored"}
    assert KEY not in fleet.log.read_text()


def is_whole(path: Path) -> bool:
    with av.open(path) as video:
        return sum(1 for _ in video.decode(video=0)) > 0 and round(video.duration / 1e6) == 5


if __name__ == "__main__":
    main()
