"""The tasks that an emulator has accepted, in memory or as files that other processes share."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Literal

from attrs import Factory, asdict, define

from ._video import Clip

Phase = Literal["queued", "running", "succeeded", "failed", "cancelled", "unknown"]


@define(kw_only=True)
class Task:
    """An accepted task: what a provider would send a bill for."""

    id: str
    model: str
    body: Mapping[str, object]
    clip: Clip
    #: Where the emulator was reached, for the links in callbacks.
    base: str
    created: float
    starts: float
    ends: float
    external_id: str | None = None
    callback_url: str | None = None
    #: Why the task fails in the end, if it does.
    failure: str | None = None
    cancelled: bool = False
    #: When each link that was handed out expires, and when the first one appears.
    links: list[float] = Factory(list)
    url_from: float = 0.0

    def phase(self, now: float) -> Phase:
        if self.cancelled:
            return "cancelled"
        if now < self.starts:
            return "queued"
        if now < self.ends:
            return "running"
        return "failed" if self.failure else "succeeded"


class Tasks:
    """All tasks of one emulator, in memory."""

    def __init__(self) -> None:
        self._known: dict[str, Task] = {}

    def __iter__(self) -> Iterator[Task]:
        return iter(list(self._known.values()))

    def find(self, task_id: str) -> Task | None:
        return self._known.get(task_id)

    def find_external(self, external_id: str) -> Task | None:
        return next((task for task in self if task.external_id == external_id), None)

    def new_id(self, milliseconds: int, spell: Callable[[int], str]) -> str:
        """An id made from the time, as providers make theirs, and never given twice."""
        return next(name for ms in count(milliseconds) if self._reserve(name := spell(ms)))

    def save(self, task: Task) -> None:
        self._known[task.id] = task

    def _reserve(self, task_id: str) -> bool:
        return task_id not in self._known


class FolderTasks(Tasks):
    """All tasks of one emulator, as files that other processes share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __iter__(self) -> Iterator[Task]:
        found = [task for path in self._folder.glob("*.json") if (task := self._read(path))]
        return iter(sorted(found, key=lambda task: (task.created, task.id)))

    def find(self, task_id: str) -> Task | None:
        # An id comes out of an address: it must not lead out of the folder.
        return self._read(self._path(task_id)) if re.fullmatch(r"[\w.-]{1,100}", task_id) else None

    def save(self, task: Task) -> None:
        path = self._path(task.id)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(asdict(task)))
        draft.replace(path)

    def _reserve(self, task_id: str) -> bool:
        try:
            self._path(task_id).open("x").close()
        except FileExistsError:
            return False
        return True

    def _read(self, path: Path) -> Task | None:
        try:
            text = path.read_text()
        except FileNotFoundError:
            return None
        if not text:  # reserved by another process, and not yet written
            return None
        values = json.loads(text)
        return Task(**{**values, "clip": Clip(**values["clip"])})

    def _path(self, task_id: str) -> Path:
        return self._folder / f"{task_id}.json"
