"""Receipts on disk: exact, private, and there whatever happens to the disk."""

import errno
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kling26.core.errors import JournalError
from kling26.core.journal import receipts as module
from kling26.core.journal.files import Store
from kling26.core.journal.receipts import Receipt, Receipts

TASK = "k26-0123456789abcdef"
ANSWER = Receipt(
    1, 200, (("content-type", "application/json"), ("retry-after", "5")), b'{"id": 1}', True, 7.5
)
KEY = "sk-0123456789"


@pytest.fixture
def receipts(tmp_path: Path) -> Receipts:
    return Receipts(Store(tmp_path / "home"))


def kept(receipts: Receipts, receipt: Receipt = ANSWER, key: str = KEY) -> Path:
    path = receipts.reserve(TASK, receipt.attempt)
    receipts.keep(path, receipt, key)
    return path


def test_what_was_kept_is_read_as_it_was(receipts: Receipts) -> None:
    kept(receipts)

    assert receipts.read(TASK, KEY) == [ANSWER]
    assert receipts.read("k26-another", KEY) == []


def test_room_without_an_answer_says_that_something_was_sent(receipts: Receipts) -> None:
    receipts.reserve(TASK, 3)

    assert receipts.read(TASK, KEY) == [Receipt(3)]


def test_one_attempt_never_overwrites_another(receipts: Receipts) -> None:
    answers = [Receipt(attempt, 200, content=b"%d" % attempt, kept=attempt) for attempt in (1, 2)]
    for answer in reversed(answers):
        kept(receipts, answer)
    kept(receipts, answers[0])

    found = receipts.read(TASK, KEY)
    assert [(each.attempt, each.content) for each in found] == [(1, b"1"), (1, b"1"), (2, b"2")]


def test_what_is_discarded_is_gone_and_others_stay(receipts: Receipts) -> None:
    other = receipts.reserve(f"{TASK}0", 1)
    kept(receipts)

    receipts.discard(TASK)

    assert list(receipts.folder.iterdir()) == [other]
    receipts.discard(TASK)


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
def test_only_the_owner_can_read_them(receipts: Receipts) -> None:
    path = kept(receipts)

    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, receipts.store.home)]
    assert modes == [0o600, 0o700, 0o700]


# -- the key -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, 'sk/"quoted"/key', "ключ-0123456789", "a", "0", "id", ""])
def test_a_key_that_is_quoted_is_read_back_and_is_not_on_disk(receipts: Receipts, key: str) -> None:
    content = f'{{"id": "a0id", "key": "{key}", "again": "{key}{key}"}}'.encode()
    answer = Receipt(1, 200, (("x-key", key),), content, True, 1.0)
    path = kept(receipts, answer, key)

    assert receipts.read(TASK, key) == [answer]
    if len(key) > 2:
        assert key.encode() not in path.read_bytes()


def test_a_new_key_takes_the_place_of_the_old_one(receipts: Receipts) -> None:
    kept(receipts, Receipt(1, 200, content=f"for {KEY}".encode(), whole=True), KEY)

    (found,) = receipts.read(TASK, "sk-another")
    assert found.content == b"for sk-another"


@given(
    st.binary(max_size=300),
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=3),
)
def test_any_answer_and_any_key_are_read_back(content: bytes, key: str) -> None:
    packed = module._packed(Receipt(1, 200, (), content, True, 1.0), key)

    assert module._unpacked(1, packed + bytes(5), key).content == content


# -- disks that fail ---------------------------------------------------------------------------


def test_an_answer_fits_into_the_room_of_a_disk_that_is_full_by_then(
    receipts: Receipts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk takes what overwrites a file, and nothing beyond its end."""
    path = receipts.reserve(TASK, 1)
    room = path.stat().st_size
    assert room >= 16_384
    assert path.stat().st_blocks * 512 >= room  # Not a hole.

    kept_by_kernel = os.stat(path).st_ino
    receipts.keep(path, ANSWER, KEY)

    assert os.stat(path).st_ino == kept_by_kernel
    assert receipts.read(TASK, KEY) == [ANSWER]


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits of processes")
def test_of_an_answer_that_is_longer_than_the_room_the_beginning_is_kept(
    receipts: Receipts,
) -> None:
    import resource
    import signal

    path = receipts.reserve(TASK, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            receipts.keep(path, Receipt(1, 200, content=b'{"id": 1}' * 9000, whole=True), KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    (found,) = receipts.read(TASK, KEY)
    assert (found.status, found.whole) == (200, False)
    assert found.content.startswith(b'{"id": 1}')


@pytest.mark.parametrize("fails", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_without_room_nothing_may_be_sent(
    receipts: Receipts, monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    def fail(_: int) -> None:
        raise OSError(fails, os.strerror(fails))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(JournalError) as caught:
        receipts.reserve(TASK, 1)

    assert str(receipts.folder) in str(caught.value)
    assert os.strerror(fails).rstrip(".") in str(caught.value)
    assert receipts.read(TASK, KEY) == []


def test_a_home_that_is_no_folder_has_no_room(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(JournalError):
        Receipts(Store(tmp_path / "home")).reserve(TASK, 1)


def test_a_folder_that_was_deleted_meanwhile_is_made_again(receipts: Receipts) -> None:
    path = receipts.reserve(TASK, 1)
    path.unlink()
    receipts.folder.rmdir()

    receipts.keep(path, ANSWER, KEY)

    assert receipts.read(TASK, KEY) == [ANSWER]


@pytest.mark.parametrize("bytes_written", [0, 10, 24, 25, 60, 150, 199])
def test_a_torn_receipt_is_not_whole_but_read_as_far_as_it_goes(
    receipts: Receipts, bytes_written: int
) -> None:
    """As after a power cut: the beginning of the new content, and then the reserved zeros."""
    path = receipts.reserve(TASK, 1)
    room = path.stat().st_size
    receipts.keep(path, Receipt(1, 200, content=b'{"id": "12345"}' + b" " * 100, whole=True), KEY)
    data = path.read_bytes()
    path.write_bytes(data[:bytes_written].ljust(room, b"\0"))

    (found,) = receipts.read(TASK, KEY)
    assert not found.whole
    assert (b'"12345"' in found.content) == (b'"12345"' in data[:bytes_written])


def test_a_receipt_whose_length_was_not_set_any_more_is_whole(receipts: Receipts) -> None:
    path = kept(receipts)
    path.write_bytes(path.read_bytes().ljust(16_384, b"\0"))

    assert receipts.read(TASK, KEY) == [ANSWER]


@pytest.mark.parametrize("rest", [b"", b"{}\n", b"[1]\n", b'{"status": "x"}\nabc', b"\xff" * 50])
def test_a_damaged_receipt_is_a_fragment(receipts: Receipts, rest: bytes) -> None:
    path = kept(receipts)
    path.write_bytes(path.read_bytes()[:25] + rest)

    (found,) = receipts.read(TASK, KEY)
    assert (found.attempt, found.status, found.whole) == (1, 0, False)
    assert found.content == rest


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be moved on Windows")
def test_an_answer_is_kept_in_a_home_that_was_moved_meanwhile(
    receipts: Receipts, tmp_path: Path
) -> None:
    room = receipts.reserve(TASK, 1)
    home = receipts.store.home
    home.rename(tmp_path / "moved")

    receipts.keep(room, ANSWER, KEY)

    assert Receipts(Store(tmp_path / "moved")).read(TASK, KEY) == [ANSWER]
    assert not home.exists()


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be moved on Windows")
def test_no_receipt_makes_a_home_again_that_was_moved(receipts: Receipts, tmp_path: Path) -> None:
    """What is kept there would be found by nobody, and nothing must be sent without room for it."""
    room = receipts.reserve(TASK, 1)
    home = receipts.store.home
    home.rename(tmp_path / "moved")
    (tmp_path / "moved" / "receipts" / room.name).unlink()

    with pytest.raises(OSError, match="has been moved or deleted meanwhile"):
        receipts.keep(room, ANSWER, KEY)
    with pytest.raises(JournalError, match="has been moved or deleted meanwhile"):
        receipts.reserve(TASK, 2)

    assert not home.exists()
