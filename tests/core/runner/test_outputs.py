"""Outputs: each is written once it can be, and owed until then; the last request counts."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kling26.core import (
    JournalError,
    NotDelivered,
    OutputRefused,
    StillRunning,
    Video,
    VideoRequest,
)
from kling26.core.journal.journal import Journal
from kling26.core.runner.results import Outcome

from ..conftest import Stage


@pytest.fixture
def kie(stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of("kie")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


def begin(stage: Stage, output: Path, **fields: int) -> None:
    """Request a video, and go away before it is made."""
    with pytest.raises(StillRunning):
        stage.generate(output=output, timeout=5, **fields)  # type: ignore[arg-type]


def resume(stage: Stage, *names: str) -> list[Outcome]:
    async def work() -> list[Outcome]:
        async with stage.runner() as runner:
            return [outcome async for outcome in runner.resume(names)]

    return stage.run(work())


def prune(stage: Stage) -> int:
    async def work() -> int:
        async with stage.runner() as runner:
            return len(await runner.prune(-1.0))

    return stage.run(work())


def open_tasks(stage: Stage) -> int:
    return sum(task.open for task in stage.tasks())


def is_video_of(path: Path, stage: Stage, task: str) -> bool:
    return path.read_bytes() == (stage.home / "videos" / f"{task}.mp4").read_bytes()


def test_an_output_that_cannot_be_written_is_owed_until_it_is(kie: Stage, folder: Path) -> None:
    begin(kie, folder / "heron.mp4")
    folder.rmdir()

    (first,) = resume(kie)
    (second,) = resume(kie)
    assert isinstance(second.error, NotDelivered)
    assert str(first.error) == str(second.error) == (
        f"The video is stored as {kie.home}/videos/{kie.task().id}.mp4, but could not be written "
        f"to {folder}/heron.mp4: No such file or directory."
    )  # fmt: skip
    assert (kie.task().state, kie.task().open, prune(kie)) == ("stored", True, 0)

    folder.mkdir()
    (third,) = resume(kie)

    assert third.video
    assert third.video.file == folder / "heron.mp4"
    assert third.video.file.exists()
    assert (kie.task().open, resume(kie), prune(kie), kie.paid) == (False, [], 1, 1)


def test_a_full_disk_leaves_the_output_owed(
    kie: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie.generate()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", full)
        with pytest.raises(NotDelivered, match=r"heron\.mp4: No space left on device"):
            kie.generate(output=folder / "heron.mp4")

    assert list(folder.iterdir()) == []
    (outcome,) = resume(kie)
    assert outcome.video
    assert outcome.video.file.exists()


def test_one_output_that_cannot_be_written_does_not_stop_the_others(
    kie: Stage, folder: Path
) -> None:
    gone = folder / "gone"
    gone.mkdir()
    for path in (gone / "a.mp4", folder / "b.mp4", gone / "c.mp4", folder / "d.mp4"):
        begin(kie, path)
    gone.rmdir()

    (outcome,) = resume(kie)

    assert sorted(path.name for path in folder.iterdir()) == ["b.mp4", "d.mp4"]
    for name in ("a.mp4", "c.mp4"):
        assert f"could not be written to {gone / name}: No such file" in str(outcome.error)
    assert f"{gone / 'b.mp4'}" not in str(outcome.error)


def test_what_others_are_owed_is_no_failure_of_ones_own(kie: Stage, folder: Path) -> None:
    gone = folder / "gone"
    gone.mkdir()
    begin(kie, gone / "a.mp4")
    gone.rmdir()

    video = kie.generate(output=folder / "b.mp4")

    assert video.file == folder / "b.mp4"
    assert kie.task().open


def test_a_file_that_somebody_has_put_there_since_stays(kie: Stage, folder: Path) -> None:
    path = folder / "heron.mp4"
    path.write_text("old")
    begin(kie, path)
    path.write_text("not yours")

    (outcome,) = resume(kie)

    assert path.read_text() == "not yours"
    assert str(outcome.error) == (
        f"The video is stored as {kie.home}/videos/{kie.task().id}.mp4, but could not be written "
        f"to {path}: another file was put there meanwhile, and stays until you move it."
    )
    assert kie.task().open

    path.unlink()
    (outcome,) = resume(kie)
    assert outcome.video
    assert is_video_of(path, kie, kie.task().id)


def test_asking_for_it_again_means_to_replace_what_is_there_now(kie: Stage, folder: Path) -> None:
    path = folder / "heron.mp4"
    begin(kie, path)
    path.write_text("not yours")
    resume(kie)

    video = kie.generate(output=path)

    assert is_video_of(path, kie, video.task)
    assert (open_tasks(kie), kie.paid) == (0, 1)


def test_a_file_that_was_there_when_the_video_was_requested_is_replaced(
    kie: Stage, folder: Path
) -> None:
    path = folder / "heron.mp4"
    path.write_text("old")
    begin(kie, path)

    (outcome,) = resume(kie)

    assert outcome.video
    assert is_video_of(path, kie, outcome.video.task)


def test_a_copy_that_the_journal_does_not_know_of_is_no_other_file(
    kie: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash between the two, or with a journal that is busy just then."""
    begin(kie, folder / "heron.mp4")

    async def fail(*_: object) -> None:
        raise JournalError("The journal is busy.")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "mark_written", fail)
        kie.generate()
    assert (folder / "heron.mp4").exists()
    assert kie.task().open

    (outcome,) = resume(kie)

    assert outcome.error is None
    assert not kie.task().open


# -- two videos, one path ----------------------------------------------------------------------


def test_of_two_requests_the_last_one_counts_if_it_is_made_last(kie: Stage, folder: Path) -> None:
    path = folder / "heron.mp4"
    begin(kie, path, duration=5)
    begin(kie, path, duration=10)

    for task in kie.tasks():
        (outcome,) = resume(kie, task.id)
        assert outcome.error is None

    assert is_video_of(path, kie, kie.tasks()[1].id)
    assert open_tasks(kie) == 0


def test_of_two_requests_the_last_one_counts_if_it_is_made_first(kie: Stage, folder: Path) -> None:
    path = folder / "heron.mp4"
    begin(kie, path, duration=5)
    begin(kie, path, duration=10)

    for task in reversed(kie.tasks()):
        (outcome,) = resume(kie, task.id)
        assert outcome.error is None

    assert is_video_of(path, kie, kie.tasks()[1].id)
    assert len(list(kie.home.glob("videos/*.mp4"))) == 2
    assert open_tasks(kie) == 0


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["in turn", "crosswise"])
def test_two_runs_to_one_path_lose_no_video(
    kie: Stage, folder: Path, order: tuple[int, int]
) -> None:
    """The first run waits all the time, while the second one is faster or slower."""
    path = folder / "heron.mp4"

    async def one(seed: int) -> Video | NotDelivered:
        async with kie.runner(alive=True) as runner:
            await asyncio.sleep(10.0 * seed)
            kie.conditions.running = 100.0 if seed == order[1] else 20.0
            try:
                return await kie.make(runner, output=path, duration=5 * seed)
            except NotDelivered as error:
                return error

    async def both() -> list[Video | NotDelivered]:
        return await asyncio.gather(one(1), one(2))

    first, second = kie.run(both())

    assert isinstance(second, Video)
    assert is_video_of(path, kie, second.task)
    assert len(list(kie.home.glob("videos/*.mp4"))) == kie.paid == 2
    if order == (2, 1):  # The first one came to a path that was another's by then.
        assert isinstance(first, NotDelivered)
        assert "another file was put there meanwhile" in str(first)
        assert open_tasks(kie) == 1


# -- before paying -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "films/", "a\0b.mp4", "x" * 300, "/dev/null", "~nobody-x/a"])
def test_a_bad_output_is_refused_and_nothing_is_sent(kie: Stage, folder: Path, name: str) -> None:
    async def work() -> None:
        async with kie.runner() as runner:
            await runner.generate(VideoRequest("A heron"), "kie", output=name, sandbox=True)

    with pytest.raises(OutputRefused):
        kie.run(work())

    assert (kie.paid, kie.tasks(), kie.home.exists()) == (0, [], False)
