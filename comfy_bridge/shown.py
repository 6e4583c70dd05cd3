"""A task as ComfyUI's page is told of it."""

from pathlib import PurePath
from typing import Any

from ..core.journal.task import Task
from ..core.plugins import Registry
from ..core.runner.objects import Object, task_object


def shown(task: Task, registry: Registry) -> Object:
    """The task's object; its files by their bare names, for no path of the machine leaves it."""
    told = task_object(task, registry.providers.get(task.provider), text=task.error)
    outputs: Any = told["outputs"]
    return told | {"file": _bare(told["file"]), "outputs": [_bare(each) for each in outputs or ()]}


def _bare(path: Any) -> str | None:
    return None if path is None else PurePath(path).name
