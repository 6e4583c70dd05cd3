"""A task as ComfyUI's page is told of it."""

from typing import TYPE_CHECKING

from ..core.errors import UnknownProvider
from ..core.journal.task import Task
from ..core.runner.absence import absence
from ..core.runner.objects import Object, task_object
from .error_texts import task_error, what_happened
from .figures import join
from .public import bare
from .words import Words, words

if TYPE_CHECKING:
    from ..core.runner.runner import Runner


def page_object(task: Task, runner: "Runner", said: Words | None = None) -> Object:
    """
    The task's object, with its error in the words of a language.

    Its files have their bare names, for no path of the machine leaves it.
    """
    provider = runner.registry.providers.get(task.provider)
    facts = task_object(task, provider)
    for name in ("image", "end_image"):
        if isinstance(image := facts[name], str) and not image.startswith(("http", "sha256:")):
            facts[name] = bare(image)
    facts["file"] = None if task.file is None else bare(task.file)
    facts["outputs"] = [bare(each) for each in task.outputs]
    said = said or words()
    why = absence(task, runner.registry) if task.open and task.state != "stored" else None
    absent = None if why is None else what_happened(said, UnknownProvider(why))
    told = [each for each in (task_error(said, task, provider), absent) if each]
    return facts | {"error": join(said, *told) if told else None}
