"""Forgetting tasks: their rows, and all that the home folder has of them."""

from ..errors import NotApplicable
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.receipts import Receipts
from ..journal.task import Task
from ..threads import in_thread
from .pictures import drop_pictures
from .unclear import own, run_by_another


async def forget(journal: Journal, store: Store, task: Task) -> None:
    """
    Delete a task that has ended, or of which the user knows that it was never taken.

    Raises `NotApplicable` for one that is paid for and not here yet, or that somebody runs.
    """
    if task.standing in ("at_provider", "made"):
        raise NotApplicable(
            f"Task {task.id} is paid for and its video is not here yet, so it is not forgotten.",
            task=task.id,
        )
    if not await journal.forget(await own(journal, task)):
        raise run_by_another(task)
    await delete_files(journal, store, task)


async def delete_files(journal: Journal, store: Store, task: Task) -> None:
    """Delete what the home folder has of a task that is no longer in the journal."""
    await in_thread(store.delete_video, task.id)
    await in_thread(Receipts(store).discard, task.id)
    await drop_pictures(store, journal, task.image_files.values())
