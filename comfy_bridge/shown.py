"""A task as ComfyUI's page is told of it."""

from typing import TYPE_CHECKING

from ..core.journal.task import Task
from ..core.runner.objects import Object, task_object
from .public import bare, public

if TYPE_CHECKING:
    from ..core.runner.runner import Runner


def page_object(task: Task, runner: "Runner") -> Object:
    """The object of a task, with the bare names of files, and without paths of the machine."""
    facts = task_object(task, runner.registry.providers.get(task.provider), text=task.error)
    for name in ("image", "end_image"):
        if isinstance(image := facts[name], str) and not image.startswith(("http", "sha256:")):
            facts[name] = bare(image)
    facts["file"] = None if task.file is None else bare(task.file)
    facts["outputs"] = [bare(each) for each in task.outputs]
    facts["error"] = None if task.error is None else public(task.error)
    return facts
