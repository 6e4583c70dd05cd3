"""
What the command line says while it runs, in one place.

Core says what happened, how a task stands and, as data, what helps; the words for the person at a
shell, with the commands to type, are here. What is wrong with a command line is in `usage`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from ..core.errors import JournalBusy, Kling26Error, NotDelivered, Remedy, UnknownTask
from ..core.journal.task import Task
from ..core.provider import Provider
from ..core.settings import PREFIX
from ..core.spending import LIMITS
from ..core.status import Standing
from ..core.text import join_sentences, sanitize
from .key_texts import SET_ANY_KEY, set_key
from .progress_texts import title

if TYPE_CHECKING:
    from ..core.runner.cancel import Cancellation

Providers = Mapping[str, Provider]


# -- how a task stands -------------------------------------------------------------------------


@frozen
class _Words:
    """How a task stands, how a rehearsed one does, and what to do about it."""

    state: str
    rehearsed: str
    next: str


_FETCH = "Fetch it with: kling26 resume {task}"
#: What a plug-in is to be installed for, where the command says that too.
_TWICE = re.compile(r" to fetch the video(?: again)?\.(?=.* Fetch it (?:again )?with: )")
#: It may have been sent: what answers 429, for example, has not taken it.
_UNSENT = "The request has not been accepted yet."
_HERE = "The video is here: {file}"
_OVER = "The task has ended without a video."
_STANDINGS: Mapping[Standing, _Words] = {
    "unsent": _Words(
        _UNSENT, _UNSENT, "kling26 resume {task} sends it; kling26 cancel {task} drops it."
    ),
    "unclear": _Words(
        "{title} had not answered yet, so the video may have been paid for.",
        "{title} had not answered yet.",
        "Find out with: kling26 resume {task}",
    ),
    "at_provider": _Words(
        "The video is paid for and being made at {title} as {task_id}.",
        "The video is being made by {title} as {task_id}.",
        _FETCH,
    ),
    "made": _Words(
        "The video is paid for and finished at {title}, but not here yet.",
        "The video is finished at {title}, but not here yet.",
        _FETCH,
    ),
    "stored": _Words(_HERE, _HERE, "Try again with: kling26 resume {task}"),
    "over": _Words(_OVER, _OVER, ""),
}


def task_text(task: Task, provider: Provider | None, absent: str | None = None) -> str:
    """
    Where the video of a task is, why there is none, or how to get it; "" if there is nothing.

    `absent` says what to do first if its provider is not installed.
    """
    if task.standing == "stored":
        here = task.file is not None and Path(task.file).exists()
        if not here:
            again = f"Fetch it again with: kling26 resume {task.id}"
            return _joined("The stored video is gone.", absent, again)
        owed = f"Its --output is still to be written: kling26 resume {task.id}"
        return join_sentences(str(task.file), owed) if task.owed else str(task.file)
    if task.error is not None:
        return failure_text(task, provider, absent)
    if task.standing == "over":
        return ""
    return _joined(state_text(task, provider), absent, next_text(task))


def failure_text(task: Task, provider: Provider | None, absent: str | None = None) -> str:
    """Why a task has no video, or not yet, and how to go on where that is possible."""
    known = sanitize(task.error, 1000)
    if not task.open:
        return known
    return _joined(known, absent, *_going_on(task.remedy, _about(task, provider)))


def _joined(*texts: str | None) -> str:
    """Texts as one, in which only the command says that it fetches the video."""
    return _TWICE.sub(".", join_sentences(*(each or "" for each in texts)))


def cancellation_text(done: "Cancellation", provider: Provider | None) -> str:
    """What came of cancelling a task, and how to go on with it if it was not cancelled."""
    task = done.task
    following = () if done.cancelled else _going_on(task.remedy, _about(task, provider))
    return join_sentences(done.message, *following)


def state_text(task: Task, provider: Provider | None) -> str:
    """How a task stands."""
    words = _STANDINGS[task.standing]
    return (words.rehearsed if task.sandbox else words.state).format(
        title=title(task.provider, provider, task.sandbox),
        task_id=sanitize(task.task_id, 80),
        file=task.file,
    )


def next_text(task: Task) -> str:
    """What to do about a task as it stands."""
    return _STANDINGS[task.standing].next.format(task=task.id)


def taken_text(task: Task, provider: Provider | None) -> str:
    """That a provider has taken a task, whose video is to be fetched later."""
    who = title(task.provider, provider, task.sandbox)
    return f"{who} has taken the task as {sanitize(task.task_id, 80)}. {next_text(task)}"


def sent_now(task: Task) -> str:
    """That an unsent task is sent now; "again" only if it may have been taken before."""
    # Older rows do not count that, but keep what to do about a lost answer.
    lost = task.remedy is not None and task.remedy.do in ("adopt", "resubmit")
    again = "again " if task.resubmits or lost else ""
    return f"{task.id} is sent {again}now, which is paid for."


def not_adopted(error: Kling26Error, task: Task, provider: Provider | None) -> str:
    """Why an unknown task was given no id, and what to do about it."""
    return join_sentences(
        error_text(error, None, provider),
        f"Task {task.id} is still unknown",
        unknown_text(task, provider),
    )


def unknown_text(task: Task, provider: Provider | None) -> str:
    """What to do about a task whose outcome is unknown."""
    return join_sentences(*_unknown(task.remedy or Remedy("adopt"), _about(task, provider)))


# -- errors, and what helps --------------------------------------------------------------------


@frozen
class _About:
    """The task to go on with, who makes its video, and what to do about its standing."""

    task: str
    name: str
    provider: Provider | None
    next: str
    rehearsal: bool = False


def _about(task: Task, provider: Provider | None) -> _About:
    return _About(task.id, task.provider, provider, next_text(task), task.sandbox)


def error_text(
    error: Kling26Error, task: Task | None = None, provider: Provider | None = None
) -> str:
    """What went wrong, and what to do; `task` is the one it is about, where its row is known."""
    return _joined(str(error), *_what_helps(error, task, provider))


def in_lines(text: str, error: Kling26Error) -> str:
    """The text of an error, with the reasons of several providers on lines of their own."""
    reasons = _reasons(error)
    known = " ".join(reasons)
    if not known or known not in text:
        return text
    before, _, after = text.partition(known)
    lines = [before.strip(), *(f"    {reason}" for reason in reasons), after.strip()]
    return "\n".join(filter(None, lines))


def _reasons(error: Kling26Error) -> Sequence[str]:
    """Those of several providers, none of which took a request; empty for any other error."""
    return error.reasons if len(error.reasons) > 1 else ()


def _what_helps(error: Kling26Error, task: Task | None, provider: Provider | None) -> Iterable[str]:
    if isinstance(error, UnknownTask):
        return ["kling26 tasks lists them."]
    if isinstance(error, JournalBusy):
        return ["Try again."]
    if _reasons(error):
        return []  # Each of them tells what would help there.
    if isinstance(error, NotDelivered) and task is None and error.task is None:
        return ["Check the tasks with: kling26 tasks"]
    if isinstance(error, NotDelivered) or (task is not None and task.open):
        name, fetch = str(error.task), _FETCH.format(task=error.task)
        about = _About(name, str(error.provider), provider, fetch)
        return _going_on(error.remedy, about if task is None else _about(task, provider))
    if task is not None and task.sandbox:
        return []  # An emulator's reasons are made up: nothing has to change.
    paid = "Nothing was paid." if error.task is None and _is_budget(error.remedy) else ""
    return [paid, _advice(error.remedy, error.provider, provider)]


def _going_on(remedy: Remedy | None, about: _About) -> Iterable[str]:
    """How to go on with a task that is paid for, may be, or is still to be sent."""
    if remedy is None or remedy.do == "wait":
        return [about.next]
    if remedy.do in ("adopt", "resubmit"):
        return _unknown(remedy, about)
    if remedy.do == "resume" and remedy.page is not None:
        return [f"Check {remedy.page}, or try again with: kling26 resume {about.task}"]
    advice = "" if about.rehearsal else _advice(remedy, about.name, about.provider)
    return [advice, about.next]


def _unknown(remedy: Remedy, about: _About) -> Iterable[str]:
    """What to do about a task that nobody knows to be paid for or not."""
    task = about.task
    if about.rehearsal:
        return [
            f"If a real task is on its provider's page, kling26 adopt {task} ID fetches it.",
            f"Submit this one again with: kling26 resubmit {task}",
        ]
    if about.provider is not None and about.provider.can("find"):
        look = f"kling26 resume {task} looks for it again at no cost."
    else:
        look = f"Check {remedy.page or f'your account at {title(about.name, about.provider)}'}"
    return [
        look,
        f"If the video is there, fetch it by its id: kling26 adopt {task} ID",
        f"If it is not, submit it again with: kling26 resubmit {task}",
    ]


def _advice(remedy: Remedy | None, name: str | None, provider: Provider | None) -> str:
    """What helps before another try; "" where the error's own sentence says it."""
    if remedy is None:
        return ""
    if remedy.do == "set_key":
        return _set_key(remedy, name, provider)
    if _is_budget(remedy):
        return _raise_limit(str(remedy.option))
    return _ADVICE.get(remedy.do, "")


def _set_key(remedy: Remedy, name: str | None, provider: Provider | None) -> str:
    if name is None:
        return SET_ANY_KEY
    if provider is not None:
        return set_key(name, provider.key_variables, remedy.page or provider.key_page)
    return set_key(name, [remedy.variable] if remedy.variable else [], remedy.page)


def _is_budget(remedy: Remedy | None) -> bool:
    return remedy is not None and remedy.do == "change" and remedy.option in LIMITS


def _raise_limit(setting: str) -> str:
    """How to allow more than the budget does; the environment counts, wherever else it is set."""
    return f"Set {PREFIX}{setting.upper()} to a larger number, or to none for no limit."


def before_again(error: Kling26Error, provider: Provider | None, rehearsal: bool) -> str:
    """
    What helps the rows of a run that were held back, worded for the middle of a sentence.

    After a rehearsal nothing has to change at a provider: what an emulator says is made up.
    """
    remedy = error.remedy
    if remedy is None:
        return ""
    who = title(error.provider or "the provider", provider)
    if _is_budget(remedy):
        return f"set the budget higher ({PREFIX}{str(remedy.option).upper()})"
    if remedy.do == "change" and remedy.option in _LIMITS_OF_A_RUN:
        return f"raise {_LIMITS_OF_A_RUN[remedy.option]}"
    if rehearsal:
        return ""
    ways = {"set_key": f"set a working key for {who}", "top_up": f"top up the account at {who}"}
    return ways.get(remedy.do, "")


#: The limits of one run, by what errors call them.
_LIMITS_OF_A_RUN: Mapping[str | None, str] = {
    "max_cost": "--max-cost",
    "max_tasks": "--max-tasks",
}
#: What else helps, and is the same for everybody.
_ADVICE = {"top_up": "Top up the account and try again.", "wait": "Try again later."}


def bug(what: str) -> str:
    """What to say of an error that should not happen."""
    return join_sentences(
        f"This is a bug in kling26: {what}", "Run it again with --verbose to see where."
    )


# -- the journal -------------------------------------------------------------------------------

NO_TASKS = "No tasks yet."
NO_SUCH_TASKS = "No task matches."
NO_OPEN_TASKS = "No open tasks."


def pruned(tasks: int, videos: int) -> str:
    if not tasks:
        return "No tasks ended that long ago."
    return f"Forgot {count(tasks, 'task')} and deleted {count(videos, 'stored video')}."


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
