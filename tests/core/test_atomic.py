"""Files that are replaced whole, and nothing but files."""

import os
import stat
from pathlib import Path

import pytest
from kling26.core.atomic import NotAFile, look_at, read_file, replacing


def write(path: Path, text: str = "new") -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def test_a_file_is_replaced_and_nothing_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    write(path)

    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_it_is_for_its_owner_alone_unless_said_otherwise(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    with replacing(tmp_path / "b.txt", mode=0o666):
        pass

    (tmp_path / "c.txt").touch()
    modes = [stat.S_IMODE((tmp_path / f"{name}.txt").stat().st_mode) for name in "abc"]
    assert modes[0] == 0o600
    assert modes[1] == modes[2]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(KeyboardInterrupt), replacing(path):
        raise KeyboardInterrupt

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_is_told_even_if_the_folder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def vanish() -> None:
        with replacing(folder / "a.txt") as temporary:
            temporary.unlink()
            folder.rmdir()

    with pytest.raises(FileNotFoundError):
        vanish()


def test_a_link_stays_and_leads_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target, link = tmp_path / "dotfiles" / "a.txt", tmp_path / "a.txt"
    target.write_text("old")
    link.symlink_to(Path("dotfiles", "a.txt"))

    write(link)

    assert (link.is_symlink(), link.read_text(), target.read_text()) == (True, "new", "new")


def test_a_link_to_nothing_yet_leads_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "b.txt")

    write(tmp_path / "a.txt")

    assert (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "b.txt").read_text() == "new"


def test_another_name_of_the_file_keeps_the_old_contents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "b.txt").hardlink_to(tmp_path / "a.txt")

    write(tmp_path / "a.txt")

    assert [(tmp_path / name).read_text() for name in ("a.txt", "b.txt")] == ["new", "old"]


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/null")


KINDS = {"folder": make_folder, "pipe": make_pipe, "device": make_device}


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_a_file_is_read_or_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.txt"
    KINDS[kind](path)
    before = path.stat()

    with pytest.raises(NotAFile, match=f"it is a {kind}"):
        write(path)
    with pytest.raises(NotAFile, match=f"it is a {kind}"):
        read_file(path)

    assert os.path.samestat(path.stat(), before)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    assert look_at(tmp_path / "a.txt") is None
