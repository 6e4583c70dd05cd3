"""A process that is killed, at any moment: nothing is paid twice, and nothing is lost."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Server, build_site, environment

from .conftest import User

pytestmark = pytest.mark.no_cover

#: Seconds after their start at which processes are killed: they load, submit, wait, and fetch.
MOMENTS = (0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.2, 3.0)


@pytest.mark.parametrize("provider", ["kie", "cometapi"])
def test_processes_that_are_killed_are_carried_on_by_a_resume(
    tmp_path: Path, provider: str
) -> None:
    sandbox = load_sandboxes()[provider]
    site = build_site([sandbox], Conditions(queued=0.5, running=0.5))
    with Server(site) as server:
        user = User(tmp_path, **environment(sandbox, server.url))
        asked = [
            user.start("generate", f"Heron {n}", "--provider", provider, "--output", f"{n}.mp4")
            for n in range(len(MOMENTS))
        ]
        began = time.monotonic()
        for running, moment in zip(asked, MOMENTS, strict=True):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            running.interrupt(signal.SIGKILL).ended()
        outcomes = user.call("resume", "--json").objects

    accepted = [task.clip.prompt for task in site.apps[provider].accepted]
    assert len(accepted) == len(set(accepted))
    states = [outcome["state"] for outcome in outcomes]
    # Only a provider that cannot be asked for our own id leaves something unknown.
    assert set(states) <= ({"stored"} if provider == "cometapi" else {"stored", "unknown"})
    assert all(Path(end["file"]).exists() for end in outcomes if end["state"] == "stored")


#: A command that kills itself before or after it does something with a receipt.
SUICIDE = """
import os, signal, sys
from kling26.cli import main
from kling26.core.journal.receipts import Receipts

when, name, *sys.argv[1:] = sys.argv[1:]
step = getattr(Receipts, name)

def last(*args):
    if when == "after":
        step(*args)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(Receipts, name, last)
main()
"""
#: What becomes of the task: kie.ai does not know our own ids.
MOMENTS_OF_A_RECEIPT = {
    ("before", "reserve"): "stored",
    ("after", "reserve"): "stored",
    ("before", "keep"): "unknown",  # Nobody else has heard the answer.
    ("after", "keep"): "stored",
    ("before", "discard"): "stored",
    ("after", "discard"): "stored",
}


def test_an_answer_that_is_on_disk_survives_the_process(tmp_path: Path) -> None:
    sandbox = load_sandboxes()["kie"]
    site = build_site([sandbox], Conditions(queued=0.5, running=0.5))
    with Server(site) as server:
        user = User(tmp_path, **environment(sandbox, server.url))
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", SUICIDE, when, name, "generate", f"{when} {name}"],
                env=user.environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for when, name in MOMENTS_OF_A_RECEIPT
        ]
        ends = {process.wait(timeout=60) for process in processes}
        outcomes = user.call("resume", "--json").objects

    assert ends == {-signal.SIGKILL}
    prompts = {task.id: task.clip.prompt for task in site.apps["kie"].accepted}
    assert sorted(prompts.values()) == sorted(" ".join(each) for each in MOMENTS_OF_A_RECEIPT)
    states = sorted(outcome["state"] for outcome in outcomes)
    assert states == sorted(MOMENTS_OF_A_RECEIPT.values())
    for outcome in outcomes:
        told = prompts.get(outcome["task_id"], "before keep")
        assert outcome["state"] == MOMENTS_OF_A_RECEIPT[tuple(told.split())]
