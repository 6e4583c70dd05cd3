"""Ctrl-C, and other signals to end: exit 130, at once, and nothing that was paid for is lost."""

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Fault, Server, build_site, environment

#: Keeps a task going until somebody interrupts, however busy the machine is.
LONG = {"KLING26_SANDBOX_FAULTS": "success_without_url," * 14}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_leaves_a_task_that_can_be_resumed(user: Any, number: int) -> None:
    line = ("generate", "A fox", "--sandbox", "--output", "fox.mp4", "--json")
    running = user.start(*line, **LONG)
    ran = running.until("generating").interrupt(number).ended()
    told = ran.object

    assert (ran.status, told["state"]) == (130, "submitted")
    assert told["error"] == (
        f"Interrupted. The video is being made by kie.ai's emulator as {told['task_id']}. "
        f"Fetch it with: kling26 resume {told['task']}"
    )
    assert ran.err.splitlines()[-1] == told["error"]

    if number == signal.SIGINT:
        resumed = user.call("resume")
        assert (resumed.status, resumed.file) == (0, user.folder / "fox.mp4")
        assert resumed.file.exists()


def interrupted_while_loading(user: Any, module: str, how: str) -> str:
    """A PYTHONPATH with which a command interrupts itself when it loads `module`."""
    (user.folder / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Loading:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        f"            {how}\n"
        "sys.meta_path.insert(0, Loading())\n"
    )
    return os.pathsep.join(filter(None, [str(user.folder), os.environ.get("PYTHONPATH")]))


@pytest.mark.parametrize("module", ["cli.commands", "cli.videos", "core.runner.runner"])
def test_an_interrupt_before_anything_was_sent_says_so(user: Any, module: str) -> None:
    kill = "os.kill(os.getpid(), signal.SIGINT)"
    path = interrupted_while_loading(user, f"kling26.{module}", kill)
    ran = user.run("generate", "A fox", "--sandbox", "--json", PYTHONPATH=path)

    assert ran.status == 130
    assert ran.said == ran.object["error"] == "Interrupted. Nothing was sent."
    assert user.rows() == 0


def test_an_interrupt_before_a_resume_began_is_about_no_task(user: Any) -> None:
    kill = "os.kill(os.getpid(), signal.SIGINT)"
    path = interrupted_while_loading(user, "kling26.core.runner.runner", kill)
    ran = user.run("resume", "--json", PYTHONPATH=path)

    assert (ran.status, ran.out) == (130, "")


def test_an_interrupt_while_a_text_is_evaluated_has_the_same_status(user: Any) -> None:
    """CPython notes such an interrupt, caught or not, and would end itself by the signal."""
    kill = "eval('os.kill(os.getpid(), signal.SIGINT) or sum(range(10**7))')"
    path = interrupted_while_loading(user, "kling26.cli.listings", kill)
    ran = user.run("tasks", PYTHONPATH=path)

    assert (ran.status, ran.said) == (130, "Interrupted.")


def test_a_paid_request_in_flight_is_waited_for_and_a_second_interrupt_stops(
    tmp_path: Path, user_of: Any
) -> None:
    sandbox = load_sandboxes()["kie"]
    site = build_site([sandbox], Conditions(faults=[Fault("slow")]))
    with Server(site) as server:
        user = user_of(tmp_path, **environment(sandbox, server.url))
        running = user.start("generate", "A fox", "--json")
        end = time.monotonic() + 60
        while not site.apps["kie"].accepted:
            assert time.monotonic() < end
            time.sleep(0.01)
        running.interrupt().until("A paid request is under way. Waiting up to 10 seconds")
        began = time.monotonic()
        ran = running.interrupt().ended()
        took = time.monotonic() - began
        task = ran.object["task"]
        resumed = user.call("resume", task)

    assert took < 10
    assert (ran.status, ran.object["state"]) == (130, "submitting")
    assert ran.object["error"] == (
        "Interrupted. kie.ai had not answered yet, so the video may have been paid for. "
        f"Find out with: kling26 resume {task}"
    )
    assert resumed.status == 5
    assert resumed.err.splitlines()[-1].endswith(f"submit it again with: kling26 resubmit {task}")


def test_an_interrupted_resume_says_how_to_go_on(user: Any) -> None:
    for prompt in ("A fox", "A heron"):
        assert user.call("generate", prompt, "--sandbox", "--timeout", "1.5").status == 5
    ran = user.start("resume", "--json", **LONG).until("sent no URL yet").interrupt().ended()

    assert ran.status == 130
    assert ran.objects
    assert {each["state"] for each in ran.objects} <= {"submitted", "succeeded", "stored"}
    said = r"Interrupted\. (1 here, 1|2) being made\. Continue with: kling26 resume"
    assert re.fullmatch(said, ran.err.splitlines()[-1])


def test_a_task_that_was_not_sent_yet_can_be_dropped(user: Any) -> None:
    faults = "rate_limit," * 20
    running = user.start("generate", "A fox", "--sandbox", KLING26_SANDBOX_FAULTS=faults)
    ran = running.until("Trying again in").interrupt().ended()
    last = ran.err.splitlines()[-1]
    task = last.split()[-3]

    assert ran.status == 130
    assert last == (
        "Interrupted. The request has not been accepted yet. "
        f"kling26 resume {task} sends it; kling26 cancel {task} drops it."
    )

    cancelled = user.call("cancel", task)
    assert cancelled.out == "The task is cancelled. Nothing had been sent, so it cost nothing.\n"
    assert cancelled.status == 0
    resumed = user.call("resume", task)
    assert (resumed.status, resumed.out) == (4, "")
