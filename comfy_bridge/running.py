"""
One run of the node: from its inputs to the stored video.

The paid task lives on the background loop. What happens here, on the event loop of one prompt,
only watches it: Cancel, a failing neighbour or the end of the prompt leave it alone.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..core.api import shared_runner
from ..core.errors import (
    ImageRefused,
    KeyRejected,
    Kling26Error,
    MissingKey,
    NotApplicable,
    NotDelivered,
    OutcomeUnknown,
)
from ..core.provider import Provider
from ..core.request import ImageFile, VideoRequest
from ..core.runner import background
from ..core.settings import Settings
from ..core.text import sanitize
from . import comfyui
from .pictures import picture
from .progress import Watch

if TYPE_CHECKING:
    from ..core.runner.results import Video

logger: logging.Logger = logging.getLogger("kling26")

#: How often the node looks whether Cancel was pressed, in seconds.
_LOOK_EVERY = 0.1
#: Work that goes on after a node has stopped; kept so that it is not collected half-way.
_afterwards: "set[Future[None]]" = set()


async def starting_image(image: Any, image_url: str, provider: Provider) -> str | ImageFile | None:
    """What the video starts from: the node's picture, the picture's address, or nothing."""
    url = image_url.strip()
    if image is None:
        if url and not url.lower().startswith(("https://", "http://")):
            # Anything else would be read as a file of this machine.
            raise ImageRefused(
                "image_url takes the https:// address of a picture; for a file, use Load Image "
                "and the image input.",
                provider=provider.name,
            )
        return url or None
    if url:
        raise ImageRefused(
            "There are two pictures to start from: disconnect image, or empty image_url.",
            provider=provider.name,
        )
    return await asyncio.to_thread(picture, image, provider)


async def run(
    request: VideoRequest,
    provider: Provider,
    options: Mapping[str, object],
    *,
    sandbox: bool | None,
    watch: Watch,
) -> "Video":
    """The video of a request; raises an error for the person at the screen, or an interruption."""
    if comfyui.interrupted():
        watch.say(f"{provider.title} · cancelled; nothing was sent.")
        raise comfyui.interruption()
    future = background.start(_generate(request, provider, options, sandbox, watch))
    try:
        await _done(future, watch)
        video = future.result()
    except Kling26Error as error:
        told = in_comfyui(error, provider)
        watch.say(str(told))
        raise told from error
    except CancelledError:
        # Never to be passed on as asyncio's: that would stop ComfyUI's queue for good.
        watch.say("The run was stopped.")
        raise NotDelivered("The run was stopped; press Run to go on.") from None
    except asyncio.CancelledError:
        _leave(future, watch, cancelled=comfyui.interrupted())
        if _being_cancelled():
            raise
        raise comfyui.interruption() from None
    except BaseException as error:
        if isinstance(error, type(comfyui.interruption())):
            _leave(future, watch, cancelled=True)
        else:
            watch.say(f"{provider.title} · {sanitize(error)}")
        raise
    watch.say(_ending(video, provider, rehearsal=bool(sandbox) or Settings().sandbox))
    return video


async def _generate(
    request: VideoRequest,
    provider: Provider,
    options: Mapping[str, object],
    sandbox: bool | None,
    watch: Watch,
) -> "Video":
    return await shared_runner().generate(
        request, provider.name, options, sandbox=sandbox, progress=watch
    )


async def _done(future: "Future[Video]", watch: Watch) -> None:
    """Wait for the video; raises ComfyUI's interruption when Cancel is pressed."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: object) -> None:
        with suppress(RuntimeError):  # The prompt's loop may be gone by then.
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(wake)
    while not future.done():
        if comfyui.interrupted():
            raise comfyui.interruption()
        await watch.show()
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _LOOK_EVERY)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _leave(future: "Future[Video]", watch: Watch, cancelled: bool) -> None:
    """Stop watching; after Cancel, the provider is asked to cancel where that is possible."""
    if cancelled:
        watch.say(f"{watch.provider.title} · cancelling …")
        _after(_cancel(future, watch))
    else:
        watch.say(
            f"{watch.provider.title} · another node stopped this run. The video is still being "
            "made and is paid for once; Run again picks it up."
        )


def _after(work: Coroutine[Any, Any, None]) -> None:
    future = background.start(work)
    _afterwards.add(future)
    future.add_done_callback(_afterwards.discard)


async def _cancel(future: "Future[Video]", watch: Watch) -> None:
    """Cancel the task where that is possible and free, and say what really happened."""
    title = watch.provider.title
    while watch.task is None and not future.done():  # The journal is just taking it in.
        await asyncio.sleep(0.05)
    if watch.task is None:
        watch.say(f"{title} · cancelled; nothing was sent.")
        return
    try:
        done = await shared_runner().cancel(watch.task)
        cancelled, sentence = done.cancelled, done.message
    except NotApplicable:  # It has ended in the meantime.
        watch.say(f"{title} · stopped. Run again with the same inputs shows how it ended, free.")
        return
    except Kling26Error as error:
        logger.info("Cancelling %s: %s", watch.task, error)
        cancelled, sentence = False, str(error)
    if not cancelled:
        sentence = (
            "stopped waiting. The video is still being made and is paid for; Run again with the "
            "same inputs picks it up."
        )
    watch.say(sentence if sentence.startswith(title) else f"{title} · {sentence}")


def in_comfyui(error: Kling26Error, provider: Provider) -> Kling26Error:
    """The error as a user of the node should read it."""
    text = str(error)
    if isinstance(error, MissingKey):
        page = f" (keys: {provider.key_page})" if provider.key_page else ""
        text = (
            f"{provider.title} needs an API key: open ComfyUI's Settings, Kling 2.6, or set "
            f"{provider.key_variable}{page}. Without one, try the sandbox switch of the node."
        )
    elif isinstance(error, KeyRejected):
        text += " Set another one in ComfyUI's Settings, Kling 2.6."
    elif isinstance(error, OutcomeUnknown):
        text += " Run looks for it again, and pays nothing; another seed makes a new video."
    elif isinstance(error, NotDelivered):
        text += " Run with the same inputs fetches it, too."
    if text == str(error):
        return error
    return Kling26Error(
        text,
        provider=error.provider,
        task=error.task,
        task_id=error.task_id,
        code=error.code,
    )


def _ending(video: "Video", provider: Provider, rehearsal: bool) -> str:
    if rehearsal:
        return f"{provider.title} · done · a rehearsal, free"
    if video.reused:
        return f"{provider.title} · done · paid for before, so free; another seed makes a new one"
    if video.cost is None:
        return f"{provider.title} · done"
    return f"{provider.title} · done · {video.cost:g} {video.cost_unit or ''}".rstrip()
