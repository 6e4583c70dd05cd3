"""Nine processes race for the last three tasks that the budget allows."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Server, build_site, environment

from .shop import ON_BOTH, Shop

pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork"),
]

RACERS = 9
#: To load the modules takes most of the time of a command, so the processes are forked after that:
#: they are as many commands, which begin at the same moment.
RACE = """
import json, os, sys
import kling26.cli.commands, kling26.core.runner.runner, kling26.providers
import filelock, sqlalchemy.dialects.{0}, {1}

waiting, start = os.pipe()
processes = []
for number in range({2}):
    process = os.fork()
    if not process:
        os.close(start)
        os.read(waiting, 1)  # Until the other end is closed.
        sys.stdout, sys.stderr = (open(f"{{name}}-{{number}}", "w") for name in ("out", "err"))
        sys.argv = ["kling26", "generate", f"Heron {{number}}", "--quiet"]
        kling26.cli.main()
    processes.append(process)
os.close(start)
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in processes]))
"""


@ON_BOTH
def test_nine_processes_pay_for_the_last_three_videos(shop: Shop, tmp_path: Path) -> None:
    offer = load_sandboxes()["kie"]
    site = build_site([offer], Conditions(queued=0.1, running=0.2))
    with Server(site) as server:
        environ = os.environ | environment(offer, server.url) | {
            "KIE_API_KEY": "a-key", "KLING26_JOURNAL": shop.url, "KLING26_MAX_TASKS_PER_DAY": "3"
        }  # fmt: skip
        modules = ("postgresql", "psycopg") if "psycopg" in shop.url else ("sqlite", "sqlite3")
        program = RACE.format(*modules, RACERS)
        race = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True
        )
    assert race.returncode == 0, race.stderr.decode()

    statuses = json.loads(race.stdout)
    said = {(tmp_path / f"err-{n}").read_text() for n, status in enumerate(statuses) if status}
    files = [(tmp_path / f"out-{n}").read_text() for n, status in enumerate(statuses) if not status]

    assert Counter(statuses) == {0: 3, 2: RACERS - 3}
    assert len(site.apps["kie"].accepted) == 3
    assert all(Path(file.strip()).exists() for file in files)
    (sentence,) = said
    assert sentence.startswith(
        "The budget is used up: KLING26_MAX_TASKS_PER_DAY allows 3 tasks in 24 hours, and there "
        "were 3. The next one is possible in about 24 hours. "
    )
