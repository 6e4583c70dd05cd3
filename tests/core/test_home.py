"""The home folder: found or refused in a sentence, and made for its owner alone."""

import errno
import os
import stat
from pathlib import Path

import platformdirs
import pytest
from kling26.cli.exits import exit_status
from kling26.core.errors import SettingsError
from kling26.core.home import advise, find_home, make_private
from kling26.core.settings import Settings

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions and folders")
REMEDY = "Set KLING26_HOME to a folder that you may write to."


def refusal(home: str) -> str:
    with pytest.raises(SettingsError) as caught:
        _ = Settings({"KLING26_HOME": home}).provider
    assert exit_status(caught.value) == 2
    assert str(caught.value).endswith(REMEDY)
    return str(caught.value)


@pytest.mark.parametrize("answer", ["~/.local/share/kling26", "", RuntimeError("no home")])
def test_a_user_without_a_home_is_told_what_to_set(
    monkeypatch: pytest.MonkeyPatch, answer: str | Exception
) -> None:
    """As under a number that has no account, in a container."""

    def user_data_dir(*_: object, **__: object) -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(platformdirs, "user_data_dir", user_data_dir)

    with pytest.raises(SettingsError, match=rf"This user has no home folder.* {REMEDY}$"):
        find_home({})
    assert find_home({"KLING26_HOME": os.path.abspath("here")}) == Path("here").absolute()


def test_the_quotes_and_blanks_of_an_env_file_are_no_part_of_its_name(tmp_path: Path) -> None:
    for text in (f'"{tmp_path}"', f"'{tmp_path}' ", f"  {tmp_path}\r\n", f"\ufeff{tmp_path}"):
        assert find_home({"KLING26_HOME": text}) == tmp_path


@pytest.mark.parametrize("name", ["two\nlines", "nul\0", "\x1b[31m", "a\tb"])
def test_a_name_with_control_characters_is_refused(name: str) -> None:
    assert "no line breaks or control characters" in refusal(name)


@POSIX
def test_what_cannot_be_a_home_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")

    assert "file/config.toml cannot be read: Not a directory." in refusal(f"{tmp_path}/file")
    assert "link is a link that leads nowhere." in refusal(f"{tmp_path}/link")
    assert "cannot be read: File name too long." in refusal(f"{tmp_path}/{'x' * 300}")
    assert "there is no such user" in refusal("~nobody-of-that-name/x")


@POSIX
@pytest.mark.parametrize("name", ["$HOME/kling", "${HOME}/kling", "%USERPROFILE%", "file:///x"])
def test_a_home_that_nobody_has_expanded_is_not_made(name: str) -> None:
    said = refusal(name)

    assert f'KLING26_HOME is "{name}", but that is no path on this machine.' in said


def test_a_relative_home_in_a_folder_that_is_gone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert "the working folder, which that is relative to, has been deleted" in refusal("here")


@POSIX
def test_a_new_home_is_for_its_owner_alone_with_all_above_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    make_private(tmp_path / "a" / "b")
    os.umask(before)

    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("a", "a/b")]
    assert modes == [0o700, 0o700]


@POSIX
def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    make_private(tmp_path)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


@POSIX
def test_what_is_no_folder_is_not_made_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")

    with pytest.raises(NotADirectoryError, match="it is not a folder"):
        make_private(tmp_path / "file" / "home")
    with pytest.raises(NotADirectoryError, match="leads nowhere"):
        make_private(tmp_path / "link")


def test_a_folder_that_another_process_makes_at_the_same_moment_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = Path.mkdir

    def second(folder: Path, mode: int = 0o777) -> None:
        mkdir(folder)  # The other process.
        mkdir(folder, mode)

    monkeypatch.setattr(Path, "mkdir", second)
    make_private(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_full_disk_wants_room_and_a_folder_that_was_moved_wants_nothing() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    moved = OSError(errno.ESTALE, "it has been moved")

    assert advise("X cannot be written", full) == (
        "X cannot be written: No space left on device. Make room on that disk, or set KLING26_HOME "
        "to a folder on another one."
    )
    assert advise("X cannot be read", moved) == "X cannot be read: it has been moved."
