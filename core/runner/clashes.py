"""Where the videos of many rows are written: two of them must not have one place."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import define, field, frozen

from ..atomic import full_path

#: The same file, a file inside the other one, or a folder that the other one is in.
Kind = Literal["same", "inside", "around"]


@frozen
class Clash:
    """Why a path cannot be written to: how it lies to another one, and whose that is."""

    kind: Kind
    other: str


@define
class Places:
    """Files that are to be written, or kept, and whose each of them is."""

    _files: dict[str, str] = field(factory=dict, init=False)
    _folders: dict[str, str] = field(factory=dict, init=False)

    def add(self, path: str | Path, whose: str) -> Clash | None:
        """
        Take a place; if it cannot be had beside those before it, return why.

        What is no path is left out: that is said where it is checked.
        """
        try:
            key = place_key(path)
        except (OSError, RuntimeError, ValueError):
            return None
        if (clash := self._clash(key)) is not None:
            return clash
        self._files[key] = whose
        for folder in _above(key):
            self._folders.setdefault(folder, whose)
        return None

    def _clash(self, key: str) -> Clash | None:
        if key in self._files:
            return Clash("same", self._files[key])
        if key in self._folders:
            return Clash("around", self._folders[key])
        over = next((self._files[each] for each in _above(key) if each in self._files), None)
        return None if over is None else Clash("inside", over)


def _above(key: str) -> Iterator[str]:
    """The folders that a path is in, but for the root."""
    while (folder := os.path.dirname(key)) != key:
        key = folder
        yield key


def place_key(path: str | Path) -> str:
    """What paths to one file share, on whatever file system: some ignore capitals and accents."""
    real = os.path.realpath(full_path(Path(path).expanduser()))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", real).casefold())
