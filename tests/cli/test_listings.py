"""The list of tasks, where no process is needed to see it."""

import time

from kling26.cli.listings import task_list
from kling26.core.plugins import load_providers
from kling26.core.status import Ticket

from .test_texts import task


def test_a_task_has_its_facts_its_prompt_and_what_to_do() -> None:
    ago = time.time() - 7300
    tasks = [
        task("submitting", created=ago),
        task("cancelled", created=ago, cost=0.55, realm="sandbox"),
        task("stored", created=ago, cost=2.0, provider="acme", file="/nowhere/k26-1.mp4"),
        task(
            "submitted",
            created=ago,
            provider="acme",
            plugin="kling26-acme 0.1.0",
            ticket=Ticket("v1"),
        ),
    ]
    heading, *lines = task_list(tasks, load_providers()).splitlines()

    assert heading.split() == ["TASK", "AGE", "PROVIDER", "STATE", "COST"]
    assert [" ".join(line.split()) for line in lines] == [
        "k26-1 2 h kie submitting",
        "A fox [31m",
        (
            "The request has not been accepted yet. kling26 resume k26-1 sends it; "
            "kling26 cancel k26-1 drops it."
        ),
        "k26-1 2 h kie (sandbox) cancelled",
        "A fox [31m",
        "k26-1 2 h acme stored 2",
        "A fox [31m",
        (
            'The stored video is gone. The provider "acme" is not installed. Install its plug-in '
            "again. Fetch it again with: kling26 resume k26-1"
        ),
        "k26-1 2 h acme submitted",
        "A fox [31m",
        (
            "The video is paid for and being made at acme as v1. "
            'The provider "acme" is not here; the plug-in "kling26-acme 0.1.0" made this task. '
            "Install it again. Fetch it with: kling26 resume k26-1"
        ),
    ]
