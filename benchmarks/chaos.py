"""
Chaos: 1,000 tasks over all providers, with a fault on 30 % of all answers, three times.

Run: python benchmarks/chaos.py [--tasks N] [--seed N] [--only virtual|sqlite|postgres] [--keep]

First in one process and in virtual time, in seconds. Then as a storm, on SQLite and on PostgreSQL,
in about six minutes each: real processes on several hosts, which are stopped for 66 s, killed and
interrupted while they queue, send, poll and download; whose deadlines pass, whose journals are
locked and restarted, whose homes are moved. See `storm/storm.py`, and `storm/judging.py` for what
is counted.

Prints how many were delivered, refused, or are unknown (perhaps paid: the user decides), and what
there must be none of: paid twice, lost, unknown although a whole answer had come, half files, keys
where they do not belong. Exits with 1 if there is any, after what is needed to look into it;
`--keep` also leaves all files. Needs `pip install -e ".[test,dev,postgres]"`, Linux, and, for
PostgreSQL, Debian's package of the server.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx
from attrs import define
from kling26.core.errors import Kling26Error
from kling26.core.journal.journal import Journal
from kling26.core.journal.task import OPEN
from kling26.core.plugins import load_providers, load_sandboxes
from kling26.core.request import VideoRequest
from kling26.core.runner.runner import Runner
from kling26.core.settings import Settings
from kling26.sandbox import (
    FAULTS_BY_STEP,
    Conditions,
    Emulator,
    Fault,
    SandboxTransport,
    Step,
)
from kling26.testing.clock import VirtualLoop
from storm.storm import storm

RATE = 0.3
#: A provider that says no, or fails, has the last word: these would only make less happen.
FINAL = ("no_credit", "failed_task")
SUBMITS = ("createTask", "text2video", "image2video", "-video")


@define
class ChaosTransport(httpx.AsyncBaseTransport):
    """Orders a fault for three in ten of the requests that pass."""

    inner: httpx.AsyncBaseTransport
    emulators: dict[str, Emulator]
    dice: random.Random

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        emulator = self.emulators[request.url.host]
        if self.dice.random() < RATE:
            faults = [name for step in _steps(request) for name in FAULTS_BY_STEP[step]]
            names = [name for name in faults if name not in FINAL]
            emulator.conditions.faults.append(Fault(self.dice.choice(names)))
        return await self.inner.handle_async_request(request)


def _steps(request: httpx.Request) -> tuple[Step, ...]:
    if "upload" in request.url.path:
        return ("upload",)
    if "/results/" in request.url.path:
        return ("download",)
    if request.method == "POST" and request.url.path.endswith(SUBMITS):
        return ("submit",)
    return ("poll", "end")


async def chaos(home: Path, count: int, seed: int) -> None:
    loop = asyncio.get_running_loop()
    providers, sandboxes = load_providers(), load_sandboxes()

    def clock() -> float:
        return 1_790_000_000.0 + loop.time()

    apps: dict[str, Emulator] = {}
    by_host: dict[str, Emulator] = {}
    for name, provider in providers.providers.items():
        app = sandboxes[name].build(Conditions(clock=clock, queued=20.0, running=60.0))
        assert isinstance(app, Emulator)
        for address in (provider.base_url, provider.upload_url):
            if address is not None:
                apps[address] = by_host[httpx.URL(address).host] = app
    transport = ChaosTransport(SandboxTransport(apps), by_host, random.Random(seed))  # noqa: S311
    settings = Settings({"KLING26_HOME": str(home)})
    journal = Journal(settings.journal, clock=clock)
    async with Runner(settings, providers, sandbox=lambda _: transport, journal=journal) as runner:
        names = list(providers.providers)
        began = loop.time()
        await asyncio.gather(*(_ask(runner, names[n % 4], n) for n in range(count)))
        emulators = {name: apps[providers[name].base_url] for name in names}
        report("asked once", await runner.tasks(), emulators)
        async for _ in runner.resume():
            pass
        report("and resumed once", await runner.tasks(), emulators)
        print(f"{(loop.time() - began) / 60:.0f} minutes of the providers' time")


async def _ask(runner: Runner, provider: str, number: int) -> None:
    with suppress(Kling26Error):  # What became of it is in the journal.
        await runner.generate(VideoRequest(f"Heron {number}"), provider, sandbox=True)


def report(when: str, tasks: list, emulators: dict[str, Emulator]) -> None:
    states = Counter(task.state for task in tasks)
    accepted = [task for emulator in emulators.values() for task in emulator.accepted]
    per_request = Counter(task.clip.prompt for task in accepted)
    known = {task.task_id for task in tasks if task.task_id}
    open_without_id = {task.prompt for task in tasks if task.state in OPEN and not task.task_id}
    lost = [
        task for task in accepted
        if task.id not in known and task.clip.prompt not in open_without_id
    ]  # fmt: skip
    ended = states["failed"]
    print(
        f"{when}: {len(tasks)} tasks: {states['stored']} delivered, {states['refused']} refused, "
        f"{ended} failed at the provider, {states['unknown']} unknown, "
        f"{states['succeeded'] + states['submitted'] + states['submitting']} still open, "
        f"{len(lost)} lost, {sum(n > 1 for n in per_request.values())} paid twice"
    )


def virtual(count: int, seed: int) -> None:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(chaos(Path(home), count, seed))
    print(f"{time.perf_counter() - began:.0f} s here")


def blow(database: str, count: int, seed: int, keep: bool) -> bool:
    """The storm on a database; prints its line and returns whether all went well."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{database} {time.monotonic() - began:4.0f} s: {line}", flush=True)

    judgement = storm(database, count, seed, say, keep)
    say(str(judgement))
    return not judgement.cases


def main() -> None:
    parser = argparse.ArgumentParser(description="Chaos, in virtual time and for real.")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=26)
    parser.add_argument("--only", choices=("virtual", "sqlite", "postgres"))
    parser.add_argument("--keep", action="store_true", help="Leave the storm's files.")
    given = parser.parse_args()
    # An orderly end, which leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.only in (None, "virtual"):
        virtual(given.tasks, given.seed)
    storms = [name for name in ("sqlite", "postgres") if given.only in (None, name)]
    well = [blow(name, given.tasks, given.seed, given.keep) for name in storms]
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
