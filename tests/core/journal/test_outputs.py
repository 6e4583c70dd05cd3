"""Outputs: what is accepted before paying can be written after, and nobody's file is lost."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from kling26.core import OutputRefused
from kling26.core.journal.outputs import Output, check_output, write_output

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other names and kinds of file")

#: The number of a user who is not root.
NOT_ROOT = 65534


@pytest.fixture
def video(home: Path) -> Path:
    path = home / "videos" / "k26-1.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a video")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder, in which nothing is left over but what the test has put there."""
    folder = tmp_path / "folder"
    folder.mkdir()
    yield folder
    assert not list(folder.glob(".k26-*"))


def refused(output: str | Path, home: Path) -> str:
    """Why an output is refused."""
    with pytest.raises(OutputRefused) as caught:
        check_output(output, home)
    start, _, why = str(caught.value).rpartition('": ')
    assert start.startswith('The video cannot be written to "/')
    assert why.endswith(".")
    return why[:-1]


# -- before paying -----------------------------------------------------------------------------

NAMES = {
    "fox.mp4": "fox.mp4",
    "no suffix": "fox",
    "blanks": "a red fox .mp4",
    "another alphabet": "狐" * 80,
    "255 bytes": "x" * 251 + ".mp4",
    "a dash": "-o.mp4",
    "a dot": ".fox.mp4",
    "quotes and a backslash": "a'b\"c\\d.mp4",
    "a line break": "a\nb.mp4",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_whatever_name_is_accepted_can_be_written(
    folder: Path, home: Path, video: Path, name: str
) -> None:
    output = check_output(folder / name, home)
    assert list(folder.iterdir()) == []

    write_output(video, output)

    assert (folder / name).read_bytes() == b"a video"


FOLDER = "it is a folder; name a file in it"
NAMED = "it names a folder; give a file"
TOO_LONG = "File name too long"
REFUSED = {
    "": FOLDER,
    ".": FOLDER,
    "..": FOLDER,
    "there": FOLDER,
    "there/": FOLDER,
    "link": FOLDER,
    "new/": NAMED,
    "there/..": FOLDER,
    "there/.": FOLDER,
    "nowhere/fox.mp4": "there is no such folder",
    "file/fox.mp4": "there is no such folder",
    "dangling": "there is no such folder",
    "loop": "Too many levels of symbolic links",
    "x" * 256: TOO_LONG,
    "x" * 300 + ".mp4": TOO_LONG,
    "狐" * 86: TOO_LONG,
    "x/" * 2500 + "fox.mp4": TOO_LONG,
    "a\0b.mp4": "it is not a file name",
    "\ud800.mp4": "its name is not valid UTF-8",
    "~nobody-of-that-name/fox.mp4": "there is no such user",
    "pipe": "it is a pipe",
    "socket": "it is a socket",
    "/dev/null": "it is a device",
    "/dev/stdin/fox.mp4": "there is no such folder",
    "read-only.mp4/": NAMED,
}


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: ascii(name[:20]))
def test_what_cannot_be_written_is_refused_before_paying(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "there").mkdir()
    (folder / "file").touch()
    (folder / "link").symlink_to("there")
    (folder / "dangling").symlink_to("nowhere/fox.mp4")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket")  # The whole path might be too long for a socket.
    before = sorted(folder.rglob("*"))

    with listening:
        assert refused(name, home) == REFUSED[name]

    assert sorted(folder.rglob("*")) == before


def test_a_folder_that_is_gone_while_one_is_in_it_is_no_place(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    with pytest.raises(OutputRefused, match=r'to "fox\.mp4": the working folder has been deleted'):
        check_output("fox.mp4", home)


def test_what_a_program_prints_is_not_replaced(folder: Path, home: Path) -> None:
    """As in `kling26 generate … --output /dev/stdout > fox.mp4`."""
    program = (
        "import sys; from pathlib import Path; from kling26.core.journal.outputs import *\n"
        "try: check_output(sys.argv[1], Path(sys.argv[2]))\n"
        "except Exception as error: print(error)"
    )
    line = [sys.executable, "-c", program, "/dev/stdout", str(home)]
    with (folder / "fox.mp4").open("wb") as stdout:
        subprocess.run(line, stdout=stdout, check=True)

    assert "the output of this program goes there" in (folder / "fox.mp4").read_text()


OWN = ["journal.sqlite3", "journal.sqlite3-wal", "keys.toml", "config.toml", "videos/k26-1.mp4"]


@pytest.mark.parametrize("name", OWN)
def test_no_file_of_our_own_is_replaced(home: Path, tmp_path: Path, video: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(home / name)

    assert refused(home / name, home) == "kling26 keeps its own files there"
    assert refused(tmp_path / "link", home) == "kling26 keeps its own files there"
    assert check_output(home / "fox.mp4", home)
    assert video.exists()


@pytest.mark.skipif(getattr(os, "geteuid", int)() != 0, reason="needs two users")
@pytest.mark.parametrize(
    ("mode", "file_mode", "accepted"),
    [(0o755, None, False), (0o777, None, True), (0o777, 0o444, False), (0o777, 0o666, True),
     (0o1777, 0o666, False), (0o1777, None, True), (0o666, None, False)],
)  # fmt: skip
def test_where_a_user_may_not_write_is_refused(
    home: Path, mode: int, file_mode: int | None, accepted: bool
) -> None:
    with TemporaryDirectory() as folder:  # That of pytest is for its user alone.
        path = Path(folder, "fox.mp4")
        if file_mode is not None:
            path.touch()
            path.chmod(file_mode)
        path.parent.chmod(mode)
        os.seteuid(NOT_ROOT)
        try:
            if accepted:
                assert check_output(path, home).path == path
            else:
                assert refused(path, home) == "you have no permission to write there"
        finally:
            os.seteuid(0)


# -- once it is paid ---------------------------------------------------------------------------


def test_a_file_that_was_there_is_replaced(folder: Path, home: Path, video: Path) -> None:
    (folder / "fox.mp4").write_text("old")
    output = check_output(folder / "fox.mp4", home)

    write_output(video, output)

    assert (folder / "fox.mp4").read_bytes() == b"a video"


def replace(path: Path) -> None:
    path.with_name("new").write_text("new")
    path.with_name("new").replace(path)


def write_into(path: Path) -> None:
    path.write_text("new")


def lead_elsewhere(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name("elsewhere").write_text("new")
    path.symlink_to("elsewhere")


def put_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def put_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


CHANGES = {
    "another file": replace,
    "another text": write_into,
    "a link to another file": lead_elsewhere,
    "a folder": put_folder,
    "a pipe": put_pipe,
}


@pytest.mark.parametrize("before", [None, "old"], ids=["nothing", "a file"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_has_put_there_since_stays(
    folder: Path, home: Path, video: Path, before: str | None, change: str
) -> None:
    path = folder / "fox.mp4"
    if before is not None:
        path.write_text(before)
        os.utime(path, (1, 1))
    output = check_output(path, home)
    CHANGES[change](path)
    there = path.lstat()

    with pytest.raises(OSError, match=r"another file was put there|it is a"):
        write_output(video, output)

    assert os.path.samestat(path.lstat(), there)
    assert not path.is_file() or path.read_text() == "new"


def test_our_own_copy_is_not_somebody_elses(folder: Path, home: Path, video: Path) -> None:
    """As after a crash that kept it out of the journal."""
    output = check_output(folder / "fox.mp4", home)
    write_output(video, output)

    assert write_output(video, output) == check_output(folder / "fox.mp4", home).found


def test_a_file_that_was_there_and_is_gone_is_no_reason_to_write_nothing(
    folder: Path, home: Path, video: Path
) -> None:
    (folder / "fox.mp4").write_text("old")
    output = check_output(folder / "fox.mp4", home)
    (folder / "fox.mp4").unlink()

    write_output(video, output)

    assert (folder / "fox.mp4").read_bytes() == b"a video"


def test_a_link_stays_and_its_target_is_written(folder: Path, home: Path, video: Path) -> None:
    (folder / "fox.mp4").symlink_to("target.mp4")

    write_output(video, check_output(folder / "fox.mp4", home))

    assert (folder / "fox.mp4").is_symlink()
    assert (folder / "target.mp4").read_bytes() == b"a video"


def test_a_folder_that_is_gone_is_told(folder: Path, home: Path, video: Path) -> None:
    (folder / "films").mkdir()
    output = check_output(folder / "films" / "fox.mp4", home)
    (folder / "films").rmdir()

    with pytest.raises(FileNotFoundError):
        write_output(video, output)


def test_an_output_of_an_older_journal_replaces_nothing(folder: Path, video: Path) -> None:
    (folder / "fox.mp4").write_text("old")

    with pytest.raises(OSError, match="another file"):
        write_output(video, Output(folder / "fox.mp4"))
