"""The storm of `benchmarks/chaos.py` sees what must not happen. The storm itself takes minutes."""

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kling26.core.journal.task import Task
from kling26.sandbox import Clip, EmulatedTask

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="the benchmarks are not here")

PROMPT = "A heron lands"


@pytest.fixture
def storm(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The storm's modules, which are not part of the package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import storm.hosts
    import storm.judging
    import storm.truth

    yield storm
    for name in [name for name in sys.modules if name.partition(".")[0] == "storm"]:
        del sys.modules[name]


class Scene:
    """One order at kie.ai, and what a storm has left of it."""

    def __init__(self, storm: Any, home: Path) -> None:
        self.storm, self.home = storm, home
        self.truth = storm.truth.Truth(seed=1)
        self.rows: list[Task] = []
        self.processes: dict[str, Any] = {}
        (home / "videos").mkdir(parents=True)

    def accept(self, task_id: str, *, failure: str | None = None, created: float = 100.0) -> None:
        clip = Clip(PROMPT)
        self.truth.emulators["kie"].tasks.save(
            EmulatedTask(
                id=task_id, model="kling", body={}, clip=clip, base="", created=created,
                starts=created, ends=created + 1.0, failure=failure,
            )
        )  # fmt: skip
        self.truth._videos["kie", task_id] = b"the whole video"

    def row(self, state: Any, task_id: str | None = None, video: bytes | None = None) -> None:
        from kling26.core import Ticket

        ticket = None if task_id is None else Ticket(task_id)
        task = Task(
            id=f"k26-{len(self.rows)}", provider="kie", realm="real", fingerprint="", state=state,
            prompt=PROMPT, sound=False, duration=5, aspect_ratio="16:9", seed=1, options={},
            created=1.0, updated=1.0, ticket=ticket,
        )  # fmt: skip
        self.rows.append(task)
        if video is not None:
            (self.home / "videos" / f"{task.id}.mp4").write_bytes(video)

    def answered(self, text: bytes, *, written: float, killed: float | None = None) -> None:
        """An answer to the process at 127.26.0.2, which is killed some seconds later."""
        now = time.monotonic()
        exchange = self.storm.truth.Exchange("kie", "127.26.0.2")
        exchange.body.extend(b'{"input": {"prompt": "%s"}}' % PROMPT.encode())
        exchange.answer.extend(text)
        exchange.status, exchange.written, exchange.hung_up = 200, now + written, now + 60.0
        self.truth.exchanges.append(exchange)
        process = self.storm.hosts.Process.__new__(self.storm.hosts.Process)
        process.naps, process.killed = [], None if killed is None else now + killed
        self.processes["127.26.0.2"] = process

    @property
    def judgement(self) -> Any:
        order = self.storm.hosts.Order(1, PROMPT, "kie")
        return self.storm.judging.Judge(
            self.truth, self.processes, [order], {PROMPT: self.rows}, [self.home]
        ).judge()

    @property
    def kinds(self) -> list[str]:
        return [case.kind for case in self.judgement.cases]


@pytest.fixture
def scene(storm: Any, tmp_path: Path) -> Scene:
    return Scene(storm, tmp_path)


def test_a_video_that_is_stored_whole_is_all_that_there_should_be(scene: Scene) -> None:
    scene.accept("a")
    scene.row("stored", "a", b"the whole video")

    assert scene.kinds == []


def test_what_was_accepted_twice_was_paid_twice_unless_the_first_had_failed(scene: Scene) -> None:
    scene.accept("a", failure="no luck")
    scene.accept("b", created=200.0)
    scene.row("failed", "a")
    scene.row("stored", "b", b"the whole video")
    assert scene.kinds == []

    scene.accept("a")
    assert "paid twice" in scene.kinds


@pytest.mark.parametrize("state", ["refused", "submitted", "stored"])
def test_a_video_that_is_nowhere_is_lost(scene: Scene, state: str) -> None:
    scene.accept("a")
    scene.row(state, None if state == "refused" else "a")

    assert set(scene.kinds) == {"lost"}


def test_a_file_that_is_not_the_video_is_half(scene: Scene) -> None:
    scene.accept("a")
    scene.row("stored", "a", b"the whole vid")

    assert scene.kinds == ["half files"]


def test_an_answer_that_could_be_read_leaves_nothing_unknown(scene: Scene) -> None:
    scene.accept("a")
    scene.row("unknown")
    assert scene.kinds == []

    scene.answered(b'{"data": {"taskId": "a"}}', written=0.0, killed=0.3)
    assert scene.kinds == []
    assert scene.judgement.killed_before_reading == 1

    scene.answered(b'{"data": {"taskId": "a"}}', written=0.0, killed=3.0)
    assert scene.kinds == ["unknown although a whole answer had come"]


def test_nothing_but_refusals_leaves_nothing_unknown(scene: Scene) -> None:
    scene.row("unknown")
    scene.answered(b'{"code": 429, "msg": "later"}', written=0.0)

    assert scene.kinds == ["unknown although a whole answer had come"]


def test_a_key_is_seen_wherever_it_is_but_in_its_own_file(storm: Any, tmp_path: Path) -> None:
    _, key = storm.hosts.KEYS["KIE_API_KEY"]
    (tmp_path / "keys.toml").write_text(key)
    assert list(storm.judging.seen_keys([tmp_path])) == []

    (tmp_path / "a.log").write_text(f"Authorization: Bearer {key}")
    (case,) = storm.judging.seen_keys([tmp_path])
    assert case.what.startswith("KIE_API_KEY's in ")
