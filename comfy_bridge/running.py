"""
One run of the node: from its inputs to the stored video.

The paid task lives on the background loop. What happens here, on the event loop of one prompt,
only watches it: Cancel, a failing neighbour or the end of the prompt leave it alone.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..core.api import shared_runner
from ..core.errors import (
    ImageRefused,
    Kling26Error,
    NotApplicable,
    NotDelivered,
    UnknownProvider,
)
from ..core.images import ImageFile
from ..core.provider import Provider
from ..core.runner import background
from . import comfyui, error_texts, texts
from .asked import Asked
from .clients import language_of
from .figures import join
from .pictures import picture
from .progress import Watch
from .shown import page_object
from .words import Words, words

if TYPE_CHECKING:
    from ..core.runner.results import Video

logger: logging.Logger = logging.getLogger("kling26")

#: What counts in ComfyUI until the user says otherwise: there, one click can ask for new videos
#: without end (Run (Instant) with a seed that changes).
DEFAULTS: Mapping[str, str] = {"KLING26_MAX_TASKS_PER_HOUR": "30"}
#: How often the node looks whether Cancel was pressed, in seconds.
_LOOK_EVERY = 0.1
#: How long the journal may take to say which plug-in a provider was from, in seconds, and among
#: how many of the newest tasks it is looked for.
_MEMORY, _REMEMBERED = 2.0, 500
#: Work that goes on after a node has stopped; kept so that it is not collected half-way.
_afterwards: "set[Future[None]]" = set()


class NodeError(Kling26Error):
    """What a run of the node raises: its text says what happened and what to do in ComfyUI."""


def failed(error: Kling26Error, watch: Watch) -> NodeError:
    """The error for ComfyUI to show; its text is on the node then."""
    return NodeError(
        watch.fail(error),
        provider=error.provider,
        task=error.task,
        task_id=error.task_id,
        code=error.code,
        remedy=error.remedy,
    )


async def starting_image(
    words: Words, image: Any, image_url: str, providers: Sequence[Provider]
) -> str | ImageFile | None:
    """
    What the video starts from: the node's image, the URL of one, or nothing.

    `providers` are those that may make it.
    """
    url = image_url.strip()
    if image is None:
        if url and not url.lower().startswith(("https://", "http://")):
            # Anything else would be read as a file of this machine.
            raise ImageRefused(error_texts.no_url(words))
        return url or None
    if url:
        raise ImageRefused(error_texts.two_images(words))
    return await asyncio.to_thread(picture, image, providers)


async def ending_image(image: Any, providers: Sequence[Provider]) -> ImageFile | None:
    """What the video ends with, if anything; where no provider takes one, core says so."""
    if image is None:
        return None
    takers = [each for each in providers if each.limits.end_image]
    return await asyncio.to_thread(picture, image, takers)


async def with_maker(error: Kling26Error, words: Words) -> Kling26Error:
    """The error; that of an absent provider also names the plug-in that made its videos before."""
    if not isinstance(error, UnknownProvider) or error.provider is None:
        return error
    plugin = None
    with suppress(Kling26Error, TimeoutError):  # The journal need not answer for that.
        async with asyncio.timeout(_MEMORY):
            plugin = await asyncio.wrap_future(background.start(_maker_of(error.provider)))
    if plugin is None:
        return error
    text = join(words, error.message, words("inputs.made_by", plugin=plugin))
    return UnknownProvider(text, provider=error.provider)


async def _maker_of(provider: str) -> str | None:
    """The plug-in of the newest task that a provider has made, if the journal knows it."""
    newest = reversed(await shared_runner(DEFAULTS).tasks(limit=_REMEMBERED))
    return next((each.plugin for each in newest if each.provider == provider), None)


async def check(asked: Asked, watch: Watch) -> None:
    """Raise what a run would raise before anything is sent, as far as that is for core to judge."""
    future = background.start(_check(asked))
    await _done(future, watch)
    try:
        future.result()
    except CancelledError:
        raise NotDelivered(texts.run_stopped(watch.words)) from None


async def _check(asked: Asked) -> None:
    given = asked.given
    await shared_runner(DEFAULTS).check(
        asked.request, given.name, given.options, sandbox=asked.sandbox
    )


async def run(asked: Asked, watch: Watch) -> "Video":
    """The video of a request; raises an error for the person at the screen, or an interruption."""
    if comfyui.interrupted():
        watch.say(texts.cancelled(watch.words, watch.title))
        raise comfyui.interruption()
    future = background.start(_generate(asked, watch))
    try:
        await _done(future, watch)
    except asyncio.CancelledError:
        _leave(future, watch, cancelled=comfyui.interrupted())
        if _being_cancelled():
            raise
        raise comfyui.interruption() from None
    except type(comfyui.interruption()):
        _leave(future, watch, cancelled=True)
        raise
    video = _result(future, watch)
    watch.provider = watch.maker(video.provider)
    watch.say(texts.done(watch.words, watch.title, video), "done")
    return video


def _result(future: "Future[Video]", watch: Watch) -> "Video":
    """What the background loop has made of it; raises `NodeError` in words for ComfyUI."""
    try:
        return future.result()
    except Kling26Error as error:
        raise failed(error, watch) from error
    except CancelledError:
        # Never to be passed on as asyncio's: that would stop ComfyUI's queue for good.
        raise failed(NotDelivered(texts.run_stopped(watch.words)), watch) from None
    except Exception as error:
        watch.fail(error)
        raise


async def _generate(asked: Asked, watch: Watch) -> "Video":
    given = asked.given
    return await shared_runner(DEFAULTS).generate(
        asked.request, given.name, given.options, sandbox=asked.sandbox, progress=watch
    )


async def _done(future: "Future[Any]", watch: Watch) -> None:
    """Wait for it to end; raises ComfyUI's interruption when Cancel is pressed."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: object) -> None:
        with suppress(RuntimeError):  # The prompt's loop may be gone by then.
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(wake)
    while not future.done():
        if comfyui.interrupted():
            raise comfyui.interruption()
        await watch.board.show()
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _LOOK_EVERY)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _leave(future: "Future[Video]", watch: Watch, cancelled: bool) -> None:
    """Stop watching; after Cancel, the provider is asked to cancel where that is possible."""
    if cancelled:
        watch.say(texts.cancelling(watch.words, watch.title))
        _after(_cancel(future, watch))
    else:
        watch.say(texts.left(watch.words, watch.title))


def tell_of(client: str | None) -> Callable[[str], None] | None:
    """What tells a page how a task stands, by its id; None if no page asked for it."""
    if client is None:
        return None
    return lambda task: _after(_tell(task, client))


async def _tell(task: str, client: str) -> None:
    runner = shared_runner(DEFAULTS)
    row = await runner.latest(task)
    if row is not None:
        said = words(language_of(client))
        comfyui.send("kling26.task", page_object(row, runner, said), client)


def _after(work: Coroutine[Any, Any, None]) -> None:
    """Do it on the background loop, whatever becomes of the prompt."""
    future = background.start(work)
    _afterwards.add(future)
    future.add_done_callback(_afterwards.discard)


async def _cancel(future: "Future[Video]", watch: Watch) -> None:
    """Cancel the task where that is possible and free, and say what really happened."""
    while watch.task is None and not future.done():  # The journal is just taking it in.
        await asyncio.sleep(0.05)
    if watch.task is None:
        watch.say(texts.cancelled(watch.words, watch.title))
        return
    try:
        watch.say(await _cancelled(watch.task, watch))
    except Kling26Error as error:
        logger.info("Cancelling %s: %s", watch.task, error)
        watch.say(texts.stopped_waiting(watch.words, watch.title, watch.rehearsal))


async def _cancelled(task: str, watch: Watch) -> str:
    """What came of cancelling a task, in words."""
    runner = shared_runner(DEFAULTS)
    try:
        done = await runner.cancel(task)
    except NotApplicable:  # It has ended in the meantime.
        return texts.stopped(watch.words, watch.title, await runner.task(task))
    if done.cancelled:
        return texts.told(watch.words, done.message)
    return texts.stopped(watch.words, watch.title, done.task)
