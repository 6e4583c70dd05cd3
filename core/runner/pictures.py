"""The pictures of a task, saved until they have been sent."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from ..errors import ImageRefused, JournalError
from ..images import ImageFile
from ..journal.files import Store
from ..journal.journal import Journal
from ..journal.task import Task, image_id
from ..request import ImageOption
from ..threads import in_thread


class PictureMissing(Exception):
    """The picture has to be sent, and is not here; the message says so."""


async def save_pictures(
    store: Store, files: Mapping[ImageOption, ImageFile]
) -> dict[ImageOption, str]:
    """Save pictures; returns their names."""
    return {option: await in_thread(store.save_image, image) for option, image in files.items()}


async def drop_pictures(store: Store, journal: Journal, names: Iterable[str]) -> None:
    """Delete saved pictures that no task will send."""
    with suppress(JournalError):  # Then it is not known.
        for name in names:
            if not await journal.needs_image(name):
                store.delete_image(name)


async def load_pictures(
    store: Store, task: Task, known: Mapping[ImageOption, ImageFile]
) -> dict[ImageOption, ImageFile]:
    """The pictures of a task, from memory as far as they are `known`; raises `PictureMissing`."""
    return {
        option: known[option]
        if option in known
        else await in_thread(_load, store, task, option, name)
        for option, name in task.image_files.items()
    }


def _load(store: Store, task: Task, option: ImageOption, name: str) -> ImageFile:
    try:
        image = store.load_image(name)
    except ImageRefused as error:
        raise PictureMissing(str(error)) from error
    if getattr(task, option) != image_id(image):
        raise PictureMissing(f"The picture saved for task {task.id} is damaged.")
    return image
