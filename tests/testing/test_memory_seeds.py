"""Faults that keep something of a task where another task, or process, looks for it."""

import pytest
from kling26.core import Provider

KEPT = "nothing_is_kept_between_tasks"
PROCESS = "tickets_work_in_another_process"
MADE = "        return Ticket(task_id)\n\n    def poll"
POLL = 'reply = yield httpx.Request("GET", self._url(ticket))'
CLASS = "class Beacon(Provider[BeaconOptions]):"
URL = "{quote(ticket.task_id, safe='')}"


def kept(line: str) -> tuple[str, str]:
    """A submit that also does this."""
    return MADE, f"        {line}\n{MADE}"


def above(*lines: str) -> tuple[str, str]:
    """In the module, in front of the provider's class."""
    return CLASS, "\n".join((*lines, "", "", CLASS))


SEEDS = {
    "on the object": (KEPT, "A flow keeps a task's id in provider.last.",
        kept("self.last = task_id")),
    "a count on the object": (KEPT, "submit keeps something of a task in provider.count.",
        kept("self.count = getattr(self, 'count', 0) + 1")),
    "on the class": (KEPT, "A flow keeps a task's id in Beacon.last.",
        kept("type(self).last = task_id")),
    "in a list of the class": (KEPT, "A flow keeps a task's id in Beacon.made[0].",
        (f"{CLASS}\n", f"{CLASS}\n    made: list[str] = []\n"),
        kept("self.made.append(task_id)")),
    "in a dict of the class": (KEPT, "A flow keeps a task's id in Beacon.made['job_",
        (f"{CLASS}\n", f"{CLASS}\n    made: dict[str, str] = {{}}\n"),
        kept("self.made[task_id] = 'here'")),
    "in a set of the class": (KEPT, "submit keeps something of a task in Beacon.made.",
        (f"{CLASS}\n", f"{CLASS}\n    made: set[str] = set()\n"),
        kept("self.made.add(task_id)")),
    "on a base class": (KEPT, "A flow keeps a task's id in Base.last.",
        above("class Base(Provider[BeaconOptions]):", "    last = ''"),
        (CLASS, "class Beacon(Base):"),
        kept("Base.last = task_id")),
    "on the class of all providers": (KEPT, "A flow keeps a task's id in Provider.last.",
        kept("Provider.last = task_id")),
    "in a name of the module": (KEPT, "A flow keeps a task's id in kling26_beacon.LAST.",
        above("LAST = None"),
        kept("global LAST; LAST = task_id")),
    "in a dict of the module": (KEPT, "A flow keeps a task's id in kling26_beacon.MADE['job_",
        above("MADE = {}"),
        kept("MADE[task_id] = len(MADE)")),
    "deep in a dict of the module": (KEPT, "keeps a task's id in kling26_beacon.MADE['ids'][0].",
        above("MADE = {'ids': []}"),
        kept("MADE['ids'].append(task_id)")),
    "in a queue": (KEPT, "A flow keeps a task's id in kling26_beacon.MADE[0].",
        above("from collections import deque", "MADE = deque(maxlen=9)"),
        kept("MADE.append(task_id)")),
    "in an object of its own": (KEPT, "A flow keeps a task's id in kling26_beacon.STORE.last.",
        above("class Store:", "    last = None", "", "STORE = Store()"),
        kept("STORE.last = task_id")),
    "in what a function closes over": (KEPT, "A flow keeps a task's id in kept in memory.<locals>",
        above("def memory():", "    kept = {}", "    return lambda id: kept.update(last=id)", "",
              "remember = memory()"),
        kept("remember(task_id)")),
    "on a function": (KEPT, "A flow keeps a task's id in remember.last.",
        above("def remember(task_id):", "    remember.last = task_id"),
        kept("remember(task_id)")),
    "in the default of a parameter": (KEPT, "A flow keeps a task's id in remember's defaults[0][0]",
        above("def remember(task_id, known=[]):", "    known.append(task_id)"),
        kept("remember(task_id)")),
    "in a cache": (KEPT, "poll keeps something of a task in the cache of place.",
        above("import functools", "", "@functools.cache", "def place(task_id):",
              "    return quote(task_id)"),
        (POLL, f"place(ticket.task_id)\n        {POLL}")),
    "in a context variable": (KEPT, "A flow keeps a task's id in the context variable last.",
        above("from contextvars import ContextVar", "LAST = ContextVar('last')"),
        kept("LAST.set(task_id)")),
    "in a variable of the thread": (KEPT, "A flow keeps a task's id in kling26_beacon.LOCAL.last.",
        above("import threading", "LOCAL = threading.local()"),
        kept("LOCAL.last = task_id")),
    "in the environment": (KEPT, "A flow keeps a task's id in os.environ['BEACON_LAST'].",
        above("import os"),
        kept("os.environ['BEACON_LAST'] = task_id")),
    "a counter": (KEPT, "poll keeps something of a task in kling26_beacon.COUNT.",
        above("import itertools", "COUNT = itertools.count()"),
        (POLL, f"next(COUNT)\n        {POLL}")),
    "on a name of the module that poll needs": (
        PROCESS, "In another process poll gives KeyError",
        above("MADE = {}"), kept("MADE[task_id] = len(MADE)"),
        (POLL, f"MADE[ticket.task_id]\n        {POLL}")),
    "a link kept in a file": (
        PROCESS, "In another process poll gives FileNotFoundError",
        above("from pathlib import Path"),
        kept("Path('last.txt').write_text(task_id)"),
        (POLL, f"Path('last.txt').read_text()\n        {POLL}")),
    "an order that differs between processes": (
        PROCESS, "instead of GET https://api.beacon.example/v1/jobs/job_",
        above("import sys"),
        (POLL, POLL.replace("self._url(ticket)", 'self._url(ticket) + f"?{hash(self.title)}"'))),
    "a class that needs a variable of the environment": (
        PROCESS, "The provider cannot be made in another process: KeyError: 'PATH'.",
        above("import os", "HOME = os.environ['PATH']")),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_kept_is_found_and_named(finds, name: str, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEACON_LAST", "")
    monkeypatch.setattr(Provider, "last", "", raising=False)

    finds(*SEEDS[name])
