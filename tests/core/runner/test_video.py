"""The process that checks videos: whatever a file does to it, we go on, and nothing is left."""

import asyncio
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import psutil
import pytest
from kling26.core.runner import process, video
from kling26.core.runner.video import UnplayableVideo, VideoChecker
from kling26.testing.clock import run

from ..videos import SECONDS, record


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The suite's own process stays out of it."""
    monkeypatch.setattr(video._Checks, "current", None)
    yield
    if (checks := video._Checks.current) is not None:
        checks.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vidéo \udce9.mp4"  # Also a name that is not UTF-8.
    path.write_bytes(record(sound=None))
    return path


def ours() -> list[psutil.Process]:
    """The process that checks this test's videos, if there is one."""
    checks = video._Checks.current
    if checks is None or checks._process is None:
        return []
    return [psutil.Process(checks._process._process.pid)]


async def verdict(checker: VideoChecker, path: Path) -> str | None:
    try:
        await checker.check(path, SECONDS)
    except UnplayableVideo as error:
        return str(error)
    return None


def test_one_process_checks_the_videos_of_all_runners_and_ends_with_the_last(path: Path) -> None:
    async def work() -> None:
        one, other = VideoChecker(), VideoChecker()
        found = await asyncio.gather(*(verdict(each, path) for each in (one, other) for _ in "ab"))
        assert found == [None] * 4
        (child,) = ours()
        await one.aclose()
        assert await verdict(other, path) is None
        assert ours() == [child]
        await other.aclose()
        assert not child.is_running()

    run(work())


def test_what_is_wrong_with_a_video_is_said_and_the_next_one_is_checked(path: Path) -> None:
    async def work() -> None:
        checker, whole = VideoChecker(), path.read_bytes()
        path.write_bytes(whole[:-100])
        assert await verdict(checker, path) == "its end is missing"
        path.write_bytes(whole)
        assert await verdict(checker, path) is None
        with pytest.raises(FileNotFoundError):
            await checker.check(path.with_name("gone.mp4"))
        await checker.aclose()

    run(work())


def test_the_first_picture_of_a_video_is_a_small_jpeg(path: Path) -> None:
    path.write_bytes(record(sound=None, frames=2, size=(640, 360)))

    async def work() -> None:
        checker = VideoChecker()
        picture = await checker.picture(path, 160)
        with av.open(io.BytesIO(picture)) as container:
            assert container.format.name == "jpeg_pipe"
            shown = container.streams.video[0]
            assert (shown.width, shown.height) == (160, 90)
        path.write_bytes(b"no video")
        with pytest.raises(UnplayableVideo, match="it is not a video file"):
            await checker.picture(path, 160)
        assert len(ours()) == 1
        await checker.aclose()

    run(work())


def test_the_process_sees_no_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_API_KEY", "secret-key-of-a-user")

    async def work() -> None:
        checker = VideoChecker()
        await checker.check(path)
        (child,) = ours()
        assert "secret" not in f"{child.environ()} {child.cmdline()}"
        assert set(child.environ()) <= set(process._ENVIRONMENT)
        await checker.aclose()

    run(work())


def test_a_process_that_was_killed_is_replaced(path: Path) -> None:
    async def work() -> None:
        checker = VideoChecker()
        await checker.check(path)
        (child,) = ours()
        child.kill()
        assert await verdict(checker, path) is None
        assert ours() != [child]
        await checker.aclose()

    run(work())


#: A program that answers as told.
STAND_IN = "import sys, os, time; print('ready', flush=True); sys.stdin.readline(); "


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (STAND_IN + "os.abort()", "the check of it failed"),
        (STAND_IN + "time.sleep(99)", "it takes too long to check"),
        pytest.param(
            STAND_IN + "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\n"
            "while True: pass",
            "it takes too long to check",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="needs limits"),
        ),
    ],
    ids=["crash", "hang", "time"],
)
def test_a_video_that_is_too_much_for_the_process_is_unplayable(
    path: Path, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    monkeypatch.setattr(process, "_PROGRAM", program)
    if "sleep" in program:
        monkeypatch.setattr(process, "_CHECK_TIME", 0.2)

    async def work() -> None:
        checker = VideoChecker()
        assert await verdict(checker, path) == said
        await checker.aclose()

    run(work())


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_video_that_takes_too_much_memory_is_unplayable_and_the_next_one_is_checked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = process._PROGRAM.replace("serve()", "serve(memory=24_000_000)")
    monkeypatch.setattr(process, "_PROGRAM", small)
    large = path.with_name("large.mp4")
    large.write_bytes(record(sound=None, frames=2, size=(4096, 2160)))

    async def work() -> None:
        checker = VideoChecker()
        assert await verdict(checker, large) is not None  # FFmpeg does not always say why.
        assert await verdict(checker, path) is None
        await checker.aclose()

    run(work())


@pytest.mark.parametrize("program", ["1 / 0", "print('something else')", "import nothing_at_all"])
def test_where_no_process_can_be_started_videos_are_checked_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(process, "_PROGRAM", program)
    run(checked_here(path))


@pytest.mark.parametrize("python", ["", "/usr/bin/blender", "/no/such/python3"])
def test_a_program_that_is_not_python_is_not_started(
    path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    run(checked_here(path))


async def checked_here(path: Path) -> None:
    checker, whole = VideoChecker(), path.read_bytes()
    assert await verdict(checker, path) is None
    path.write_bytes(whole[:-1])
    assert await verdict(checker, path) == "its end is missing"
    with pytest.raises(FileNotFoundError):
        await checker.check(path.with_name("gone.mp4"))
    assert ours() == []
    await checker.aclose()


def test_a_check_that_nobody_waits_for_any_more_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PROGRAM", STAND_IN + "time.sleep(99)")

    async def work() -> None:
        checker = VideoChecker()
        checking = asyncio.create_task(verdict(checker, path))
        while not (child := ours()):
            await asyncio.sleep(0.01)
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)
        await checker.aclose()
        assert not child[0].is_running()

    began = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - began < 20


PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from kling26.core.runner.video import VideoChecker

path = Path(os.fsdecode(sys.argv[1]))
checker = VideoChecker()
asyncio.run(checker.check(path))
child = checker._checks._process._process.pid
"""


def run_program(path: Path, more: str, before: str = "") -> str:
    """What a program prints that has checked a video."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", before + PROGRAM + more, path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_program_that_never_closes_its_runner_leaves_no_process(path: Path) -> None:
    assert not psutil.pid_exists(int(run_program(path, "print(child)")))


def test_a_program_that_is_killed_leaves_no_process(path: Path) -> None:
    child = psutil.Process(int(run_program(path, "print(child, flush=True); os._exit(0)")))

    assert psutil.wait_procs([child], timeout=20)[1] == []


LATE = """
import atexit

@atexit.register
def check_late():
    {before}
    try:
        asyncio.run(checker.check(path))
        print("checked")
        path.write_bytes(path.read_bytes()[:-1])
        asyncio.run(checker.check(path))
    except Exception as error:
        print(type(error).__name__)
    asyncio.run(checker.aclose())

"""


@pytest.mark.parametrize("runner", ["pass", "checker = VideoChecker()"], ids=["old", "new"])
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
def test_a_video_that_comes_while_the_interpreter_exits_is_checked(
    path: Path, runner: str, last: bool
) -> None:
    """What is registered last runs first, so in one case our own process is gone already."""
    late = LATE.format(before=f"global checker; {runner}")
    said = run_program(path, *(("", late) if last else (late,)))

    assert said.split("\n") == ["checked", "UnplayableVideo"]


@pytest.mark.parametrize("what", ["process", "thread", "timer"])
def test_where_nothing_can_be_started_any_more_videos_are_checked_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """As Python 3.12 has it while the interpreter exits."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("can't start anything at interpreter shutdown")

    place = {
        "process": (subprocess, "Popen"),
        "thread": (video, "DaemonThreads"),
        "timer": (process.threading, "Timer"),
    }[what]
    monkeypatch.setattr(*place, refuse)
    run(checked_here(path))


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_program_checks_videos_in_a_process_of_its_own(path: Path) -> None:
    said = run_program(
        path,
        """
if os.fork() == 0:
    other = VideoChecker()
    asyncio.run(other.check(path))
    print("another" if other._checks._process._process.pid != child else "the same", flush=True)
    os._exit(0)
os.wait()
asyncio.run(checker.check(path))
print("still there" if checker._checks._process._process.pid == child else "gone")
""",
    )

    assert said.split("\n") == ["another", "still there"]


def test_the_process_finds_nothing_of_the_rest_of_the_package() -> None:
    folder = Path(process.__file__).parent
    program = (
        f"import sys; sys.path.append({str(folder)!r}); import playable.serve; "
        "print([name for name in sys.modules if 'kling26' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
