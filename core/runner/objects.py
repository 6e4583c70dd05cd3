"""
Tasks as objects in JSON, for programs: of the command line, and of the page in ComfyUI.

Every object has the same keys, and null where there is nothing. Times are in seconds since the
epoch.
"""

from collections.abc import Mapping

from ..errors import Kling26Error, Remedy
from ..journal.task import Task
from ..money import cost_unit
from ..provider import Provider
from .results import Video, cost_in_usd

Object = dict[str, object]

#: The keys, in their order.
KEYS = (
    "task", "provider", "state", "standing", "task_id", "url", "file", "outputs", "cost",
    "cost_unit", "cost_usd", "reused", "sandbox", "prompt", "image", "end_image", "sound",
    "duration", "aspect_ratio", "seed", "options", "created", "submitted", "finished", "error",
    "code", "remedy",
)  # fmt: skip
#: Those of a sum that was charged.
_COST = ("cost", "cost_unit", "cost_usd")
#: The commands of the shell that do what helps.
_COMMANDS = {
    "resume": "kling26 resume {task}",
    "adopt": "kling26 adopt {task} ID",
    "resubmit": "kling26 resubmit {task}",
    "set_key": "kling26 keys set {provider}",
}


def task_object(
    task: Task | None = None,
    provider: Provider | None = None,
    *,
    video: Video | None = None,
    error: Kling26Error | None = None,
    text: str | None = None,
    reused: bool = False,
) -> Object:
    """
    The object of a task, or of an error before there was one.

    `provider` is that of the task, if it is installed, `video` the one that a call returned,
    `reused` whether a call without one has paid nothing, and `text` what is said of the error.
    """
    facts: Object = dict.fromkeys(KEYS)
    for source in (error, task, video):
        known = {name: getattr(source, name, None) for name in KEYS}
        facts |= {name: value for name, value in known.items() if value is not None}
    if task is not None:
        facts |= _of_row(task, provider) | {"reused": reused}
    if video is not None:
        facts |= {"state": "stored", "standing": "stored", "file": str(video.file)}
        facts |= {"reused": video.reused}
    if facts["sandbox"]:
        facts |= dict.fromkeys(_COST)  # Nothing was charged, and nobody must add it up.
    remedy = what_helps(task, error)
    facts["remedy"] = None if remedy is None else remedy_object(remedy, facts)
    return facts | {"error": text}


def _of_row(task: Task, provider: Provider | None) -> Object:
    """What a row says of a task; old ones leave some of the cost out."""
    return {
        "task": task.id,
        "outputs": list(task.outputs),
        "options": dict(task.options),
        "cost_unit": cost_unit(task.cost, task.cost_unit, provider),
        "cost_usd": cost_in_usd(task, provider),
    }


def what_helps(task: Task | None, error: Kling26Error | None = None) -> Remedy | None:
    """What to do to get the video: after an error, or else about the task as it stands."""
    if error is not None and error.remedy is not None:
        return error.remedy
    if task is None:
        return None
    if not task.open:  # What an emulator says is made up: nothing has to change.
        return None if task.sandbox else task.remedy
    return task.remedy or Remedy("resume")


def remedy_object(remedy: Remedy, facts: Mapping[str, object]) -> Object:
    """What helps, and the command that does it; `facts` name the task and the provider."""
    command = _COMMANDS.get(remedy.do)
    named = command is not None and all(
        facts[name] for name in ("task", "provider") if f"{{{name}}}" in command
    )
    return {"do": remedy.do, "command": command.format_map(facts) if command and named else None}
