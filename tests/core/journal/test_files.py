"""The home folder: what is in the store is found, and the home is one folder wherever it is."""

from pathlib import Path

import pytest
from kling26.core import ImageFile, JournalError
from kling26.core.journal.files import Store


def store_video(store: Store, task: str = "k26-1") -> Path:
    store.folder("videos")
    path = store.video_path(task)
    path.write_bytes(b"a video")
    return path


def test_a_video_is_found_by_its_task(home: Path) -> None:
    path = store_video(Store(home))

    assert Store(home).find("k26-1") == path
    assert Store(home).find("k26-2") is None


def test_a_video_is_found_in_a_home_that_was_renamed(home: Path) -> None:
    store_video(Store(home))
    moved = home.rename(home.with_name("other"))

    assert Store(moved).find("k26-1") == moved / "videos" / "k26-1.mp4"
    assert Store(home).find("k26-1") is None
    assert not home.exists()


def test_a_video_is_found_through_links(home: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    home.mkdir()
    (home / "videos").symlink_to(disk)
    (tmp_path / "link").symlink_to(home)
    store_video(Store(tmp_path / "link"))

    assert (disk / "k26-1.mp4").exists()
    assert Store(home).find("k26-1") is not None


def test_part_of_a_video_or_an_empty_file_is_none(home: Path) -> None:
    path = store_video(Store(home))
    path.rename(path.with_name(f"{path.name}.w-1.part"))
    store_video(Store(home), "k26-2").write_bytes(b"")

    assert Store(home).find("k26-1") is None
    assert Store(home).find("k26-2") is None


@pytest.mark.parametrize("instead", [False, True], ids=["nothing", "another folder"])
def test_a_home_that_was_moved_is_never_made_again(home: Path, instead: bool) -> None:
    store = Store(home)
    store.folder("videos")
    home.rename(home.with_name("other"))
    if instead:
        home.mkdir()

    with pytest.raises(OSError, match=r"the home folder .* has been moved or deleted meanwhile"):
        store.folder("videos")
    with pytest.raises(JournalError, match="has been moved or deleted meanwhile"):
        store.prepare()
    with pytest.raises(JournalError, match="has been moved or deleted meanwhile"):
        store.save_image(ImageFile(b"a picture"))

    assert not home.exists() or list(home.iterdir()) == []


def test_looking_into_a_home_is_enough_to_know_it_again(home: Path) -> None:
    home.mkdir()
    store = Store(home)
    assert store.find("k26-1") is None
    home.rename(home.with_name("other"))

    with pytest.raises(OSError, match="moved or deleted"):
        store.folder("videos")


def test_a_home_that_came_back_is_the_same(home: Path) -> None:
    store = Store(home)
    store.folder("videos")
    moved = home.rename(home.with_name("other"))
    home.symlink_to(moved)

    assert store_video(store).exists()


def test_looking_for_a_video_makes_no_home(home: Path) -> None:
    assert Store(home).find("k26-1") is None
    assert not home.exists()


def test_a_home_that_cannot_be_used_is_told_before_anything_is_paid(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "videos").symlink_to("/nowhere")

    with pytest.raises(
        JournalError, match=r"Videos cannot be stored in .*/file/home: it is not a folder"
    ):
        Store(tmp_path / "file" / "home").prepare()
    with pytest.raises(JournalError, match=r'in .*/home: "videos" there is no folder'):
        Store(tmp_path / "home").prepare()


def test_a_check_leaves_nothing_behind(home: Path) -> None:
    Store(home).prepare()

    assert list(home.rglob("*")) == [home / "videos"]
