"""
Several processes and machines that share one journal on PostgreSQL.

The server is Debian's, started here with a data directory of its own; its only door is a socket
in there.
"""

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import evolve
from kling26.core.errors import JournalBusy
from kling26.core.journal import database as database_module
from kling26.core.journal import engine as engine_module
from kling26.core.journal.journal import Journal
from kling26.core.journal.rows import lock_request
from kling26.core.journal.schema import TASKS
from kling26.core.journal.task import Task
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import Conditions, Server, build_site, environment

from .test_schema import SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4
from .test_worker import draft

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install kling26[postgres]")

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
    Path(found).parent for found in [shutil.which("initdb")] if found
]

pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.skipif(
        not BINARIES, reason="PostgreSQL's server is not installed (Debian: apt install postgresql)"
    ),
]

WORKER = """
import sys
from kling26.core import VideoRequest, generate
for seed in map(int, sys.argv[1].split(",")):
    print(generate(VideoRequest("A heron lands", seed=seed), "{provider}", timeout=60).task)
"""


class Cluster:
    """A PostgreSQL server with nothing in it."""

    def __init__(self) -> None:
        # The server refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="kling26-postgres-"))
        shutil.chown(self.folder, user)
        self._demotion = {"user": user} if os.geteuid() == 0 else {}
        #: An SQLAlchemy URL.
        self.url = f"postgresql+psycopg://kling@/postgres?host={self.folder}"
        self._run("initdb", "-A", "trust", "-U", "kling", "--no-sync")

    def start(self) -> None:
        self._run("pg_ctl", "-o", f"-c listen_addresses= -k {self.folder} -F", "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [BINARIES[-1] / command, "-D", self.folder / "data", *arguments], check=True,
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, **self._demotion,
        )  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder)


@pytest.fixture
def database(cluster: Cluster) -> str:
    return cluster.url


@pytest.fixture
def journal(database: str) -> Iterator[Journal]:
    """The shared journal, empty."""
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    journal = Journal(database)
    yield journal
    asyncio.run(journal.close())


def rows(journal: Journal) -> list[Task]:
    """What the journal says now."""
    return asyncio.run(journal.tasks())


class Office:
    """Worker processes that share a journal and make videos at served emulators."""

    def __init__(self, provider: str, url: str, journal: str, home: Path) -> None:
        self.provider = provider
        self.home = home
        keys = ("KIE_API_KEY", "APIKLEY_API_KEY", "COMETAPI_KEY", "RUNCOMFY_TOKEN")
        self.environment = (
            dict(os.environ)
            | environment(load_sandboxes()[provider], url)
            | dict.fromkeys(keys, "key-of-the-office")
            | {"KLING26_JOURNAL": journal}
        )

    def worker(self, seeds: str, home: str = "home") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", WORKER.format(provider=self.provider), seeds],
            env=self.environment | {"KLING26_HOME": str(self.home / home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def finished(worker: subprocess.Popen[str]) -> list[str]:
    out, err = worker.communicate(timeout=90)
    assert worker.returncode == 0, err
    return out.split()


@pytest.mark.parametrize(("provider", "homes"), [("kie", "one home"), ("cometapi", "a home each")])
def test_workers_with_equal_requests_pay_once_and_all_deliver(
    journal: Journal, tmp_path: Path, provider: str, homes: str
) -> None:
    site = build_site([load_sandboxes()[provider]], Conditions(queued=0.2, running=0.3))
    with Server(site) as server:
        office = Office(provider, server.url, journal.url, tmp_path)
        each = homes == "a home each"
        workers = [office.worker("1,2", f"home-{n}" if each else "home") for n in range(3)]
        tasks = [finished(worker) for worker in workers]

    assert tasks[0] == tasks[1] == tasks[2]
    assert len(site.apps[provider].accepted) == 2
    assert {task.state for task in rows(journal)} == {"stored"}


def test_a_worker_that_is_killed_is_succeeded_by_another(journal: Journal, tmp_path: Path) -> None:
    site = build_site([load_sandboxes()["kie"]], Conditions(queued=3600.0))
    with Server(site) as server:
        office = Office("kie", server.url, journal.url, tmp_path)
        first = office.worker("1")
        wait_until(lambda: any(task.state == "submitted" for task in rows(journal)))
        first.kill()
        first.communicate()
        (accepted,) = site.apps["kie"].accepted
        site.apps["kie"].settle(accepted.id)

        assert len(finished(office.worker("1"))) == 1

    assert len(site.apps["kie"].accepted) == 1
    assert [task.state for task in rows(journal)] == ["stored"]


def test_what_a_stuck_server_was_asked_is_not_done_once_it_is_free(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request to pay that was given up must not be recorded as sent afterwards."""
    monkeypatch.setattr(database_module, "SILENCE", 0.0)
    monkeypatch.setattr(database_module, "SPARE", 2.0)
    other = sa.create_engine(journal.url)

    async def work() -> tuple[Task, Task]:
        task, _ = await journal.claim(draft("A heron"), None)
        assert task.owner
        with other.begin() as lock:
            lock.execute(sa.text("LOCK TABLE tasks IN EXCLUSIVE MODE"))
            with pytest.raises(JournalBusy, match="did not answer"):
                await journal.mark_sent(task.owner)
        before = await journal.get(task.id)
        assert await journal.mark_sent(task.owner)
        return before, await journal.get(task.id)

    before, after = asyncio.run(work())

    other.dispose()
    assert (before.standing, before.attempts) == ("unsent", 0)
    assert (after.standing, after.attempts) == ("unclear", 1)


def test_who_begins_while_the_server_restarts_waits_for_it(
    cluster: Cluster, journal: Journal
) -> None:
    async def read() -> list[Task]:
        reading = asyncio.create_task(journal.tasks())
        await asyncio.to_thread(cluster.start)
        return await reading

    cluster.stop()

    assert asyncio.run(read()) == []


def test_who_was_connected_before_a_restart_goes_on_after_it(
    cluster: Cluster, journal: Journal
) -> None:
    async def read() -> list[Task]:
        await journal.tasks()
        cluster.stop()
        reading = asyncio.create_task(journal.tasks())
        await asyncio.to_thread(cluster.start)
        return await reading

    assert asyncio.run(read()) == []


def test_who_is_stopped_in_a_transaction_holds_nobody_up(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by a signal, say, or with the machine it runs on; then it begins anew."""
    monkeypatch.setattr(engine_module, "IDLE_TIMEOUT", 0.2)
    stopped, begun, over = Journal(journal.url), threading.Event(), threading.Event()
    heron, seen = draft("A heron"), list[int]()

    def half(connection: sa.Connection) -> None:
        lock_request(connection, heron)
        begun.set()
        over.wait(30.0)
        seen.append(connection.scalar(sa.select(sa.func.count()).select_from(TASKS)) or 0)

    async def work() -> None:
        stopping = asyncio.create_task(stopped.database.run(half))
        await asyncio.to_thread(begun.wait)
        task, new = await journal.claim(heron, None)
        assert new
        over.set()
        await stopping
        assert seen == [1]  # What the others have done meanwhile.
        again, new = await stopped.claim(draft("A heron"), None)
        await stopped.close()
        assert (again.id, new) == (task.id, False)

    asyncio.run(work())


def test_the_clock_of_the_server_counts(journal: Journal) -> None:
    """A host whose clock is an hour ahead prunes nothing of the last hour."""

    async def work() -> list[Task]:
        task, _ = await journal.claim(draft("A heron"), None)
        assert task.owner
        await journal.update(task.owner, "refused", last=True)
        monkey = pytest.MonkeyPatch()
        with monkey.context() as patch:
            ahead = time.time() + 3600.0
            patch.setattr(time, "time", lambda: ahead)
            return await Journal(journal.url).prune(1800.0)

    assert asyncio.run(work()) == []


def test_of_equal_requests_for_any_provider_at_once_one_is_recorded(journal: Journal) -> None:
    """Each host would ask another provider first."""
    names = [f"company-{number}" for number in range(8)]
    drafts = [evolve(draft("A heron"), provider=each, fingerprint=each) for each in names]
    hosts = [Journal(journal.url) for _ in names]

    async def all_at_once() -> list[tuple[Task, bool]]:
        await asyncio.gather(*(host.heartbeat() for host in hosts))  # All are connected.
        claims = [host.claim(each, None, names) for host, each in zip(hosts, drafts, strict=True)]
        claimed = await asyncio.gather(*claims)
        for host in hosts:
            await host.close()
        return claimed

    claimed = asyncio.run(all_at_once())

    assert len({task.id for task, _ in claimed}) == 1
    assert [new for _, new in claimed].count(True) == 1
    assert len(rows(journal)) == 1


def test_a_database_without_an_encoding_keeps_every_letter(journal: Journal) -> None:
    """As `initdb` makes them in the locale C."""
    engine = sa.create_engine(journal.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("DROP DATABASE IF EXISTS plain"))
        form = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        connection.execute(sa.text(f"CREATE DATABASE plain {form}"))
    engine.dispose()
    plain = Journal(journal.url.replace("/postgres?", "/plain?"))

    async def work() -> list[Task]:
        await plain.claim(draft("Ein Reiher über dem Möwensee, 鹭"), None)
        try:
            return await plain.tasks()
        finally:
            await plain.close()

    assert [task.prompt for task in asyncio.run(work())] == ["Ein Reiher über dem Möwensee, 鹭"]


def put(journal: Journal, dump: str) -> None:
    """Write an old journal into the database."""
    engine = sa.create_engine(journal.url)
    with engine.begin() as connection:
        for statement in dump.removesuffix(";\n").split(";\n"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()


def test_a_journal_of_schema_1_is_brought_forward_once_by_workers_at_once(journal: Journal) -> None:
    put(journal, SCHEMA_1)
    journals = [Journal(journal.url) for _ in range(4)]

    async def all_at_once() -> list[list[Task]]:
        found = await asyncio.gather(*(each.tasks() for each in journals))
        for each in journals:
            await each.close()
        return found

    found = asyncio.run(all_at_once())

    expected = [("k26-owl", 55.0, None), ("k26-fox", 0.35, None), ("k26-crow", None, None)]
    assert [[(task.id, task.cost, task.cost_unit) for task in tasks] for tasks in found] == (
        [expected] * len(journals)
    )


@pytest.mark.parametrize(
    "dump", [SCHEMA_2, SCHEMA_3, SCHEMA_4], ids=["schema 2", "schema 3", "schema 4"]
)
def test_an_older_journal_is_brought_forward_and_goes_on(journal: Journal, dump: str) -> None:
    put(journal, dump)

    (stoat,) = [task for task in rows(journal) if task.prompt == "A stoat leaps"]
    (wolf,) = [task for task in rows(journal) if task.prompt.startswith("A wolf")]
    (seal,) = [task for task in rows(journal) if task.prompt.startswith("A seal")]

    assert (stoat.seed, stoat.standing) == (2**64 - 1, "over")
    assert (wolf.standing, wolf.ticket and wolf.ticket.task_id) == ("at_provider", wolf.task_id)
    assert seal.options["mode"] == "pro"
    assert asyncio.run(finish(journal, wolf)).cost_unit == "CNY"


async def finish(journal: Journal, task: Task) -> Task:
    """Take a task over and record its cost."""
    taken = await journal.take_over(task)
    assert taken
    assert taken.owner
    assert await journal.update(taken.owner, "succeeded", cost=2.5, cost_unit="CNY")
    return await journal.get(task.id)


def wait_until(condition) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
