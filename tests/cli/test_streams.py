"""Where standard streams are missing, full or not read, results and statuses are as ever."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from kling26.cli import streams

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the streams")

LINE = ("generate", "A fox", "--sandbox")
FOUND = "so this costs nothing; another --seed makes a new video."


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any) -> Any:
    return user_of(tmp_path_factory.mktemp("user"))


@pytest.fixture(scope="module")
def file(user: Any) -> Path:
    """The video that the command line makes, or finds again."""
    made: Path = user.call(*LINE).file
    return made


def shell(user: Any, how: str, *line: str, python: tuple[str, ...] = ("-m", "kling26.cli")) -> Any:
    """Run a command with its streams changed: the exit status, stdout and stderr."""
    ran = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {how}', sys.executable, *python, *line],
        cwd=user.folder, env=user.environ, capture_output=True, text=True,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr.replace("\n", " ").strip()


@pytest.mark.usefixtures("file")
def test_a_video_is_written_where_all_three_are_missing(user: Any) -> None:
    assert shell(user, "<&- >&- 2>&-", *LINE, "--output", "fox.mp4") == (0, "", "")
    assert (user.folder / "fox.mp4").exists()


def test_a_program_in_python_makes_one_and_gives_no_file_their_numbers(user: Any) -> None:
    program = (
        "import os; from kling26 import Runner, VideoRequest, generate\n"
        "generate(VideoRequest('A moth'), sandbox=True, output='moth.mp4')\n"
        "open('told', 'w').write(repr([os.readlink(f'/proc/self/fd/{n}') for n in range(3)]))"
    )
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")

    assert shell(user, "<&- >&- 2>&-", python=("-c", program)) == (0, "", "")
    assert (user.folder / "told").read_text() == repr(["/dev/null"] * 3)


def test_without_stderr_the_result_alone_is_on_stdout(user: Any, file: Path) -> None:
    assert shell(user, "2>&-", *LINE) == (0, f"{file}\n", "")
    assert shell(user, "2>&-", "sing") == (2, "", "")


def test_without_stdout_the_path_is_told_on_stderr(user: Any, file: Path) -> None:
    status, out, err = shell(user, ">&-", *LINE)

    assert (status, out) == (0, "")
    assert f"{FOUND} The video is here: {file}" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_stream_loses_no_result(user: Any, file: Path) -> None:
    status, out, err = shell(user, ">/dev/full", *LINE, "--json")

    assert (status, out) == (1, "")
    assert f"{FOUND} The video is here: {file}" in err
    assert err.endswith(" The output cannot be written: No space left on device.")
    assert shell(user, "2>/dev/full", *LINE) == (0, f"{file}\n", "")
    assert shell(user, ">/dev/full", "--version")[::2] == (
        1, "The output cannot be written: No space left on device.",
    )  # fmt: skip


def test_a_path_that_nobody_reads_is_told_on_stderr(user: Any, file: Path) -> None:
    running = user.start(*LINE)
    running.process.stdout.close()
    running.process.wait()
    with running.process.stderr as stderr:
        assert f"{FOUND}\nThe video is here: {file}\n" in stderr.read()
    assert running.process.returncode == 1


def test_a_wrapper_that_has_closed_a_stream_gets_the_status(user: Any) -> None:
    program = (
        "import os, sys; os.close(2); sys.argv = ['kling26', 'sing']\n"
        "from kling26.cli import main; main()"
    )
    assert shell(user, "", python=("-c", program)) == (2, "", "")


def test_an_interrupt_has_its_status_without_stdout(user: Any) -> None:
    faults = {"KLING26_SANDBOX_FAULTS": "success_without_url," * 14}
    running = user.start("generate", "A snail", "--sandbox", **faults)
    running.process.stdout.close()
    running.until("generating").interrupt().process.wait()
    with running.process.stderr as stderr:
        assert "Interrupted. The video is being made by kie.ai's emulator" in stderr.read()
    assert running.process.returncode == 130


PRINTS = """
import atexit, logging, os, subprocess, sys
print("printed")
os.write(1, b"written")
subprocess.run(["echo", "echoed"])
sys.__stdout__.write("original")
logging.basicConfig(stream=sys.stdout, force=True)
logging.warning("logged")
atexit.register(print, "at the end")
raise BaseException("panic")
"""


def test_what_plug_ins_print_is_not_among_the_results(user: Any, file: Path) -> None:
    (user.folder / "kling26_acme.py").write_text(PRINTS)
    info = user.folder / "kling26_acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kling26-acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kling26]\nacme = kling26_acme\n")
    path = os.pathsep.join(filter(None, [str(user.folder), os.environ.get("PYTHONPATH")]))
    ran = user.run(*LINE, "--json", PYTHONPATH=path)

    assert (ran.status, ran.object["file"]) == (0, str(file))
    for words in ("printed", "written", "echoed", "original", "WARNING:root:logged", "at the end"):
        assert words in ran.err
    assert 'The plug-in "kling26-acme:acme" was skipped: BaseException: panic\n' in ran.err


# -- in this process ---------------------------------------------------------------------------


def test_a_pipe_that_does_not_block_takes_everything_in_its_time() -> None:
    source, target = os.pipe()
    os.set_blocking(target, False)
    heard: list[str] = []

    def listen() -> None:
        with open(source, encoding="utf-8") as pipe:
            heard.append(pipe.read())

    reader = threading.Thread(target=listen)
    text = "A line.\n" * 100_000
    with open(target, "w", encoding="utf-8") as stream:
        stream.write("What others have left. ")
        channel = streams.Channel(stream)
        reader.start()
        assert channel.put(text)
    reader.join()

    assert heard == [f"What others have left. {text}"]


@pytest.mark.parametrize(
    ("encoding", "text", "data"),
    [
        ("utf-8", "fü\udcff.mp4", b"f\xc3\xbc\xff.mp4"),
        ("latin-1", "fü\udcff.mp4", b"f\xfc\xff.mp4"),
        ("ascii", "f\udcc3\udcbc.mp4", b"f\xc3\xbc.mp4"),
        ("ascii", "fü狐.mp4", rb"f\xfc\u72d0.mp4"),
    ],
)
def test_every_name_can_be_printed(tmp_path: Path, encoding: str, text: str, data: bytes) -> None:
    with (tmp_path / "out").open("w", encoding=encoding) as stream:
        streams.write(stream, text)
    assert (tmp_path / "out").read_bytes() == data


def test_what_is_left_in_a_broken_stream_does_not_change_the_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = os.pipe()
    os.close(source)
    with open(target, "w", encoding="utf-8") as stream:
        stream.write("Nobody reads this.")
        monkeypatch.setattr(sys, "stdout", stream)
        streams.settle()
        stream.flush()
        monkeypatch.undo()
