"""A process that is killed, at any moment: nothing is paid twice, and nothing is lost."""

import signal
import time
from pathlib import Path

import pytest
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Server, build_site, environment

from .conftest import User

#: Seconds after their start at which processes are killed: they load, submit, wait, and fetch.
MOMENTS = (0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.2, 3.0)


@pytest.mark.parametrize("provider", ["kie", "cometapi", "runcomfy"])
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
