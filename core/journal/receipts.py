"""
Receipts: what a provider answered to a paid request, on disk before anyone reads it.

Each is a file in the home folder. Room for it is reserved before the request leaves, so that a disk
that fills up meanwhile does not lose the answer.
"""

import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from attrs import frozen

from ..atomic import sync_folder
from ..errors import JournalError
from ..home import advise
from ..redaction import spellings
from ..text import sanitize
from .files import Store

#: How much room is reserved, in bytes. The answers of all known providers take less than 2,000.
_ROOM = 16_384
_WORD = re.compile(rb"[0-9a-f]{24}")
_NAME = re.compile(r"(?P<task>.+)\.(?P<attempt>\d+)-[0-9a-f]{8}")


@frozen
class Receipt:
    """
    What arrived of the answer to one attempt to pay; `status` is 0 if nothing is known to have.

    `whole` says whether all of it arrived and was kept; `kept` is when, in seconds since the epoch.
    """

    attempt: int
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    whole: bool = False
    kept: float = 0.0

    @classmethod
    def unsent(cls, attempt: int, kept: float) -> "Receipt":
        """What says that the request of an attempt never left."""
        return cls(attempt, whole=True, kept=kept)

    @property
    def is_unsent(self) -> bool:
        return self.whole and not self.status


@frozen
class Receipts:
    """The receipts in the home folder of a store. Its methods wait for the disk."""

    store: Store

    @property
    def folder(self) -> Path:
        return self.store.home / "receipts"

    def reserve(self, task: str, attempt: int) -> Path:
        """
        Reserve room for the answer to an attempt; returns its file.

        Raises `JournalError` if there is none: then nothing must be sent.
        """
        path = self.folder / f"{task}.{attempt}-{token_hex(4)}"
        try:
            self._make_folder()
            self.store.stay_open()
            _write(path, bytes(_ROOM), "xb", _private)
            sync_folder(self.folder)
        except OSError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            where = sanitize(self.folder, 200)
            problem = f"The provider's answer could not be kept in {where}"
            raise JournalError(advise(problem, error)) from error
        return path

    def keep(self, path: Path, receipt: Receipt, key: str) -> None:
        """
        Write a receipt into the room reserved for it, without the key, which it may quote.

        If the home has been moved meanwhile, that room has moved with it. Raises `OSError`; then
        there may be a part of it.
        """
        data = _packed(receipt, key)
        try:
            _write(path, data, "r+b", self.store.open_anywhere)
        except FileNotFoundError:
            self._make_folder()
            _write(path, data, "xb", _private)

    def read(self, task: str, key: str) -> list[Receipt]:
        """What is kept of a task's answers, by attempt; `key` takes the place of a quoted one."""
        found = []
        for path, attempt in self._files(task):
            try:
                found.append(_unpacked(attempt, path.read_bytes(), key))
            except OSError:
                found.append(Receipt(attempt))
        return sorted(found, key=lambda each: (each.attempt, each.kept))

    def discard(self, task: str) -> None:
        """Delete a task's receipts, as far as that is possible."""
        for path, _ in self._files(task):
            with suppress(OSError):
                path.unlink()

    def _files(self, task: str) -> Iterable[tuple[Path, int]]:
        try:
            names = os.listdir(self.folder)
        except OSError:
            return
        for name in names:
            parts = _NAME.fullmatch(name)
            if parts is not None and parts["task"] == task:
                yield self.folder / name, int(parts["attempt"])

    def _make_folder(self) -> None:
        new = not self.folder.is_dir()
        self.store.folder("receipts", 0o700)  # Not in another home, if that one has been moved.
        if new:
            sync_folder(self.store.home)


# -- the form of a file ------------------------------------------------------------------------
#
# A line with a random word; then, with that word and a digit for each spelling of the key, a line
# of JSON, and the body. After a write that was cut short, zeros of the reserved room may follow.


def _packed(receipt: Receipt, key: str) -> bytes:
    facts = {
        "status": receipt.status,
        "headers": receipt.headers,
        "whole": receipt.whole,
        "kept": receipt.kept,
        "length": len(receipt.content),
        "checksum": zlib.crc32(receipt.content),
    }
    text = json.dumps(facts).encode() + b"\n" + receipt.content
    word = token_hex(12).encode()
    while word in text:
        word = token_hex(12).encode()
    for place, spelling in enumerate(spellings(key)):
        text = text.replace(spelling.encode(), _stand_in(word, place))
    return word + b"\n" + text


def _unpacked(attempt: int, data: bytes, key: str) -> Receipt:
    """The receipt in a file; one that is damaged is all content, and not whole."""
    word, _, text = data.partition(b"\n")
    if not _WORD.fullmatch(word):
        return Receipt(attempt, content=data.strip(b"\0"))
    for place, spelling in enumerate(spellings(key)):
        text = text.replace(_stand_in(word, place), spelling.encode())
    head, _, content = text.partition(b"\n")
    try:
        facts = json.loads(head)
        return _receipt(attempt, facts, content)
    except (ValueError, TypeError, KeyError):
        return Receipt(attempt, content=text.strip(b"\0"))


def _receipt(attempt: int, facts: Mapping[str, Any], content: bytes) -> Receipt:
    content = content[: facts["length"]]
    undamaged = zlib.crc32(content) == facts["checksum"]
    return Receipt(
        attempt,
        int(facts["status"]),
        tuple((str(name), str(value)) for name, value in facts["headers"]),
        content.rstrip(b"\0") if not undamaged else content,
        bool(facts["whole"]) and undamaged,
        float(facts["kept"]),
    )


def _stand_in(word: bytes, place: int) -> bytes:
    return word + str(place).encode()


# -- the disk ----------------------------------------------------------------------------------


def _write(path: Path, data: bytes, mode: str, opener: Callable[[str, int], int]) -> None:
    """Write a file, new or in place, and wait until the disk has it."""
    # Not truncated first: that would give the reserved room away.
    with open(path, mode, buffering=0, opener=opener) as file:
        try:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            file.truncate()
        finally:
            os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    """A file that only its owner can read."""
    return os.open(path, flags, 0o600)
