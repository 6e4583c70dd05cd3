"""Transactions that wait max_group share one commit, and nothing else."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import define, field
from kling26.core.errors import JournalError
from kling26.core.journal.database import Database
from kling26.core.journal.group_commit import GroupCommit


@define(eq=False)
class Held(Executor):
    """A thread that does what it was asked when the test lets it."""

    asked: list[Callable[[], object]] = field(factory=list)

    def submit(self, fn: Callable[..., object], /, *_: object, **__: object) -> "Future[object]":  # type: ignore[override]
        self.asked.append(fn)
        return Future()

    def go_on(self) -> None:
        asked, self.asked = self.asked, []
        for each in asked:
            each()


@define(eq=False)
class Desk:
    """A line at a table of words, what was told before each commit, and how many there were."""

    engine: sa.Engine
    thread: Held = field(factory=Held)
    commits: int = 0
    told_early: list[bool] = field(factory=list)
    wanted: "list[Future[object]]" = field(factory=list)
    broken: bool = False
    commit: GroupCommit = field(init=False)

    def __attrs_post_init__(self) -> None:
        sa.event.listen(self.engine, "commit", self._commit)
        self.commit = GroupCommit(self.thread, self.engine.begin, self._translating, max_group=3)

    def _commit(self, _: sa.Connection) -> None:
        self.told_early += [each.done() for each in self.wanted]
        if self.broken:
            raise OSError("the disk is gone")
        self.commits += 1

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise JournalError(f"no: {error}") from error

    def write(self, word: str, then: Exception | None = None) -> "Future[object]":
        def work(connection: sa.Connection) -> str:
            connection.execute(sa.text("INSERT INTO words VALUES (:word)"), {"word": word})
            if then is not None:
                raise then
            return word

        wanted = self.commit.submit(work)
        self.wanted.append(wanted)
        return wanted

    @property
    def words(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.text("SELECT word FROM words ORDER BY rowid")))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/words")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE words (word TEXT UNIQUE)"))
    yield Desk(engine)
    engine.dispose()


def test_what_waits_together_is_committed_once_in_its_order(desk: Desk) -> None:
    wanted = [desk.write(word) for word in ("one", "two", "three")]
    desk.thread.go_on()
    assert [each.result(0) for each in wanted] == ["one", "two", "three"] == desk.words
    assert desk.commits == 1


def test_nobody_is_told_before_the_commit(desk: Desk) -> None:
    desk.write("one")
    desk.write("two")
    desk.thread.go_on()
    assert desk.told_early == [False, False]


def test_no_more_than_a_few_keep_the_lock_from_other_processes(desk: Desk) -> None:
    for number in range(7):
        desk.write(f"{number}")
    desk.thread.go_on()
    assert (desk.commits, len(desk.words)) == (3, 7)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_fails_is_undone_alone(desk: Desk, place: int) -> None:
    wrong = ValueError("this one is wrong")
    wanted = [desk.write(f"{n}", wrong if n == place else None) for n in range(3)]
    desk.thread.go_on()
    assert wanted[place].exception(0) is wrong
    others = [f"{n}" for n in range(3) if n != place]
    assert [each.result(0) for each in wanted if each is not wanted[place]] == others == desk.words


def test_what_the_database_refuses_is_undone_alone_and_translated(desk: Desk) -> None:
    wanted = [desk.write(word) for word in ("one", "one", "two")]
    desk.thread.go_on()
    assert isinstance(wanted[1].exception(0), JournalError)
    assert desk.words == ["one", "two"]


def test_a_commit_that_fails_fails_for_all_of_them(desk: Desk) -> None:
    desk.broken = True
    wanted = [desk.write("one"), desk.write("two", ValueError("wrong")), desk.write("three")]
    desk.thread.go_on()
    errors = [each.exception(0) for each in wanted]
    assert [str(each) for each in errors] == [
        "no: the disk is gone",
        "wrong",
        "no: the disk is gone",
    ]
    # What is added to one, such as the task, must not appear in another.
    assert errors[0] is not errors[2]
    assert desk.words == []


def test_when_all_is_undone_by_the_database_the_others_are_done_again(desk: Desk) -> None:
    def undo(connection: sa.Connection) -> None:
        connection.execute(sa.text("INSERT INTO words VALUES ('undone')"))
        # As SQLite itself does when the disk is full.
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("ROLLBACK")
        raise OSError("the disk is full")

    first, wrong, last = desk.write("one"), desk.commit.submit(undo), desk.write("two")
    desk.thread.go_on()
    assert (first.result(0), last.result(0)) == ("one", "two")
    assert str(wrong.exception(0)) == "no: the disk is full"
    assert desk.words == ["one", "two"]


def test_what_was_cancelled_before_it_began_never_runs(desk: Desk) -> None:
    wanted = [desk.write(word) for word in ("one", "two", "three")]
    assert wanted[0].cancel()
    assert wanted[2].cancel()
    desk.thread.go_on()
    assert desk.words == ["two"]


def test_what_has_begun_cannot_be_cancelled(desk: Desk) -> None:
    wanted: list[Future[object]] = []

    def work(_: sa.Connection) -> bool:
        return wanted[0].cancel()

    wanted.append(desk.commit.submit(work))
    desk.thread.go_on()
    assert wanted[0].result(0) is False


def test_what_comes_while_a_journal_is_written_shares_its_commit(tmp_path: Path) -> None:
    """As the tasks of one process do; forty of them take one commit, and not forty."""
    commits: list[object] = []
    everybody_is_here = threading.Event()

    def first(connection: sa.Connection) -> int:
        sa.event.listen(connection.engine, "commit", commits.append)
        everybody_is_here.wait(30)
        return 0

    async def work() -> list[int]:
        journal = Database(f"sqlite:///{tmp_path}/journal")
        numbers = [journal.run(first), *(journal.run(lambda _, n=n: n) for n in range(1, 40))]
        running = asyncio.gather(*numbers)
        await asyncio.sleep(0)  # All of them stand in line.
        everybody_is_here.set()
        found = await running
        await journal.close()
        return found

    assert asyncio.run(work()) == list(range(40))
    assert len(commits) == 1
