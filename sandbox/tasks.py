"""The tasks that an emulator has accepted, in memory or as files shared between processes."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Literal

from attrs import Factory, asdict, define

from ..core.home import make_private
from .video import Clip

TaskPhase = Literal["queued", "running", "succeeded", "failed", "cancelled", "unknown"]


@define(kw_only=True)
class EmulatedTask:
    """An accepted task, which a provider would charge for. Times are seconds since the epoch."""

    id: str
    model: str
    #: The JSON of the submit.
    body: Mapping[str, object]
    clip: Clip
    #: The emulator's URL as the client reached it, for the links in webhook calls.
    base: str
    created: float
    starts: float
    ends: float
    #: The client's own id of the task.
    external_id: str | None = None
    callback_url: str | None = None
    #: Why the task will fail, if it will.
    failure: str | None = None
    cancelled: bool = False
    #: When each link to the video expires, and when the first one appears.
    links: list[float] = Factory(list)
    url_from: float = 0.0
    #: The pictures, the first frame before the last: their bytes, or their URLs elsewhere. Tasks in
    #: a folder have the digest of the bytes instead, since what is rehearsed may be confidential.
    images: tuple[bytes | str, ...] = ()

    def phase(self, now: float) -> TaskPhase:
        """The phase that the task is in at a time."""
        if self.cancelled:
            return "cancelled"
        if now < self.starts:
            return "queued"
        if now < self.ends:
            return "running"
        return "failed" if self.failure else "succeeded"

    def began(self, now: float) -> bool:
        """Whether the making of the video has begun by then: not if the task ended in the queue."""
        return self.starts <= min(now, self.ends)


class Tasks:
    """All tasks of one emulator, in memory."""

    def __init__(self) -> None:
        self._known: dict[str, EmulatedTask] = {}

    def __iter__(self) -> Iterator[EmulatedTask]:
        return iter(list(self._known.values()))

    def find(self, task_id: str) -> EmulatedTask | None:
        """The task with this id."""
        return self._known.get(task_id)

    def find_external(self, external_id: str) -> EmulatedTask | None:
        """The task with this id of the client's own."""
        return next((task for task in self if task.external_id == external_id), None)

    def new_id(self, milliseconds: int, spell: Callable[[int], str]) -> str:
        """An unused id, made from the time as providers make theirs; it is reserved."""
        return next(name for ms in count(milliseconds) if self._reserve(name := spell(ms)))

    def save(self, task: EmulatedTask) -> None:
        """Add a task, or keep its changes."""
        self._known[task.id] = task

    def _reserve(self, task_id: str) -> bool:
        return task_id not in self._known


class FolderTasks(Tasks):
    """All tasks of one emulator, as files shared between processes, in a folder made for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __iter__(self) -> Iterator[EmulatedTask]:
        found = [task for path in self._folder.glob("*.json") if (task := self._read(path))]
        return iter(sorted(found, key=lambda task: (task.created, task.id)))

    def find(self, task_id: str) -> EmulatedTask | None:
        # The id comes from a URL, and must not lead out of the folder.
        return self._read(self._path(task_id)) if re.fullmatch(r"[\w.-]{1,100}", task_id) else None

    def save(self, task: EmulatedTask) -> None:
        path = self._path(task.id)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({**asdict(task), "images": list(map(_digest, task.images))}))
        draft.replace(path)

    def _reserve(self, task_id: str) -> bool:
        make_private(self._folder)
        try:
            self._path(task_id).open("x").close()
        except FileExistsError:
            return False
        return True

    def _read(self, path: Path) -> EmulatedTask | None:
        try:
            text = path.read_text()
        except FileNotFoundError:
            return None
        if not text:  # Reserved by another process, but not written yet.
            return None
        values = json.loads(text)
        images = tuple(values.pop("images", ()))
        return EmulatedTask(**{**values, "clip": Clip(**values["clip"]), "images": images})

    def _path(self, task_id: str) -> Path:
        return self._folder / f"{task_id}.json"


def _digest(image: bytes | str) -> str:
    return image if isinstance(image, str) else f"sha256:{sha256(image).hexdigest()}"
