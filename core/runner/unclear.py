"""
What the user can decide about a task of which nobody knows whether it was accepted.

It is on the provider's page, and has an id there; or it is not, and is submitted again.
"""

from ..errors import NotApplicable
from ..http.pacing import now
from ..journal.journal import Journal
from ..journal.task import Owner, Task
from ..pasted import bare
from ..status import Ticket
from ..text import sanitize
from .order import Target

#: How long a provider may take to say whether it knows a task, in seconds.
_TIMEOUT = 15.0


async def adopt(
    journal: Journal, task: Task, target: Target, task_id: str, deadline: float
) -> None:
    """
    Record the id that an unclear task has at its provider, which is asked whether it knows it.

    Raises `NotApplicable`, or the provider's error; then nothing has changed.
    """
    if task.standing != "unclear":
        raise NotApplicable(
            f"Task {task.id} is {task.state}; only an unknown task can be given an id.",
            task=task.id,
        )
    task_id = bare(task_id)
    ticket = await _free_ticket(journal, task, target, task_id)
    end = min(deadline, now() + _TIMEOUT)
    await target.client.ask_until(lambda: end, lambda: target.provider.poll(ticket))
    if not await journal.adopt(await _owner(journal, task), ticket):
        # Meanwhile, another task may have been given the same id.
        await _free_ticket(journal, task, target, task_id)
        raise run_by_another(task)


async def _free_ticket(journal: Journal, task: Task, target: Target, task_id: str) -> Ticket:
    """The ticket for a task's id at its provider; raises `NotApplicable` if that is taken."""
    provider = target.provider
    if not task_id:
        raise NotApplicable("The id is empty; give the one that the provider has.", task=task.id)
    other = await journal.find_ticket(task.provider, task.realm, task_id)
    if other is not None and other.id != task.id:
        raise NotApplicable(
            f'The id "{sanitize(task_id, 80)}" at {provider.title} is already that of task '
            f"{other.id}.",
            task=task.id,
        )
    return provider.ticket(task_id, task.request())


def check_unknown(task: Task) -> None:
    """Raise `NotApplicable` unless the task is unknown, and so can be submitted again."""
    if task.state != "unknown":
        raise NotApplicable(
            f"Task {task.id} is {task.state}; only an unknown task can be resubmitted.",
            task=task.id,
        )


async def reopen(journal: Journal, task: Task) -> None:
    """Let an unknown task be submitted again, by this worker; raises `NotApplicable`."""
    if not await journal.reopen(await _owner(journal, task), lost=True):
        raise run_by_another(task)


async def own(journal: Journal, task: Task) -> Task:
    """The task as this process's own; raises `NotApplicable` while another one runs it."""
    owned = await journal.take_over(task)
    if owned is None:
        raise run_by_another(task)
    return owned


async def _owner(journal: Journal, task: Task) -> Owner:
    owner = (await own(journal, task)).owner
    assert owner is not None, "it has just been taken over"
    return owner


def run_by_another(task: Task) -> NotApplicable:
    """The refusal of what only the process that runs a task may do."""
    return NotApplicable(f"Another process is running task {task.id}.", task=task.id)
