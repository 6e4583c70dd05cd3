"""What to say of a task whose provider is not here: which plug-in it is from, and what to do."""

from collections.abc import Mapping

from ..installed import PlugIn, normalized
from ..journal.task import Task
from ..plugins import Registry
from ..status import Standing
from ..text import join_sentences, sanitize

_FOR: Mapping[Standing, str] = {
    "unsent": "send the request",
    "unclear": "find out what became of the video",
    "at_provider": "fetch the video",
    "made": "fetch the video",
    "stored": "fetch the video again",
}


def absence(task: Task, registry: Registry) -> str | None:
    """
    Why a task cannot go on without its plug-in, and what to do; None if its provider is here.

    What is done at a shell, or in ComfyUI, is theirs to say.
    """
    if task.provider in registry.providers:
        return None
    name = sanitize(task.provider, 60)
    if task.plugin is None:
        missing = f'The provider "{name}" is not installed.'
        what = "Install its plug-in again"
    else:
        plugin = sanitize(task.plugin, 120)
        missing = f'The provider "{name}" is not here; the plug-in "{plugin}" made this task.'
        what = "Install it again"
    return join_sentences(missing, _why(task, registry) or _again(what, task))


def _again(what: str, task: Task) -> str:
    aim = _FOR.get(task.standing)
    return f"{what} to {aim}." if aim else ""


def not_named(plug_in: PlugIn) -> str:
    """Why a plug-in that is installed is left out."""
    name = sanitize(plug_in.distribution, 80)
    return f'KLING26_LOAD_PLUGINS is set, and does not name "{name}".'


def _why(task: Task, registry: Registry) -> str | None:
    """Why a plug-in that is installed is not loaded; None if it is not installed."""
    distribution = normalized((task.plugin or "").partition(" ")[0])
    for each in registry.left_out:
        if distribution == normalized(each.distribution) or (
            not distribution and each.name == task.provider
        ):
            return not_named(each)
    for problem in registry.problems:
        whose, _, entry = problem.plugin.partition(":")
        if distribution == normalized(whose) or (not distribution and entry == task.provider):
            return str(problem)
    return None
