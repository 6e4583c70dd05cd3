"""
The routes behind the panel: the tasks in the journal, their videos, and what can be done with them.

Whatever takes long goes on in the background; what is answered is how the task stands by then.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.api import shared_runner
from ..core.errors import Kling26Error, NotApplicable, UnknownProvider, UnknownTask
from ..core.journal.task import Task
from ..core.pasted import bare
from ..core.runner.objects import Object
from ..core.spending import DAY, HOUR, left
from ..core.text import sanitize
from . import routes
from .error_texts import what_happened
from .money_page import limits_object
from .routes import Answer, BadRequest, Call, Picture, Video
from .running import DEFAULTS
from .shown import page_object
from .words import Words

if TYPE_CHECKING:
    from ..core.runner.results import Outcome
    from ..core.runner.runner import Runner

#: How many tasks are told of at most, unless more are asked for.
_USUAL, _MOST = 1000, 10_000
_NAME = re.compile(r"k26-[0-9a-f]{4,64}")
#: How long an action is waited for before how the task stands is answered, in seconds: to see
#: whether it fails at once; and as long as a provider may take to say whether it knows an id.
_AT_ONCE, _CHECKED = 1.0, 18.0
_LOOK_EVERY = 0.1
#: When this process began to serve, in seconds since the epoch.
_STARTED = time.time()

Act = Callable[["Runner", Task, Call], Coroutine[Any, Any, Task]]
_under_way: "set[asyncio.Task[Any]]" = set()


def add_routes() -> None:
    """Serve them."""
    one = "/kling26/tasks/{task}"
    routes.add("GET", "/kling26/tasks", _list)
    routes.add("GET", one, _show)
    routes.add("GET", f"{one}/video", _video)
    routes.add("GET", f"{one}/thumbnail", _thumbnail)
    actions = {"resume": _resume, "resubmit": _resubmit, "cancel": _cancel, "adopt": _adopt}
    for name, act in {**actions, "forget": _forget}.items():
        routes.add("POST", f"{one}/{name}", _doing(act))


# -- looking -----------------------------------------------------------------------------------


async def _list(call: Call) -> Answer:
    only_open, limit = call.flag("open"), call.number("limit", _USUAL, _MOST)
    return Answer(200, await routes.on_background(_overview(only_open, limit, call.words)))


async def _overview(only_open: bool, limit: int, words: Words) -> Object:
    runner = shared_runner(DEFAULTS)
    found = await runner.tasks(only_open, limit)
    return {
        "tasks": [page_object(task, runner, words) for task in found],
        "totals": await _totals(runner, found if len(found) < limit else None, only_open),
        "budget": await _budget(runner),
        "started": _STARTED,
    }


async def _totals(runner: "Runner", known: Sequence[Task] | None, only_open: bool) -> Object:
    """How many there are and are open, and the sums; `known` are all tasks, or all open ones."""
    from ..core.runner.totals import start_of_day, start_of_month, total

    now, all_known = runner.journal.clock(), None if only_open else known
    opened = await runner.tasks(only_open=True) if known is None else known
    recent = await runner.journal.since(start_of_month(now)) if all_known is None else all_known

    def since(moment: float) -> Object:
        sums = total((t for t in recent if t.created >= moment), runner.registry.providers)
        return {"usd": sums.usd, "units": dict(sums.units)}

    return {
        "tasks": await runner.journal.count() if all_known is None else len(all_known),
        "open": sum(task.open for task in opened),
        "today": since(start_of_day(now)),
        "month": since(start_of_month(now)),
    }


async def _budget(runner: "Runner") -> Object:
    """The limits, and what was spent and is left of them."""
    budget = runner.settings.budget
    spent = await runner.journal.spent()
    rest = left(budget, spent)
    return {
        **limits_object(budget),
        "spent_usd": rest.spent_usd,
        "left_usd": rest.left_usd,
        "tasks_left": rest.tasks_left,
        "tasks_in_day": spent.tasks(DAY),
        "tasks_in_hour": spent.tasks(HOUR),
    }


async def _show(call: Call) -> Answer:
    return await routes.on_background(_object(call))


async def _object(call: Call) -> Answer:
    runner = shared_runner(DEFAULTS)
    return Answer(200, page_object(await _task(runner, call), runner, call.words))


async def _video(call: Call) -> Video:
    return Video(await routes.on_background(_stored(call)))


async def _stored(call: Call) -> Path:
    """Where the video of a task is; raises `UnknownTask`, or `BadRequest` if there is none."""
    from ..core.journal.files import Store
    from .thumbnails import stored_video

    runner = shared_runner(DEFAULTS)
    path = stored_video(Store(runner.settings.home), (await _task(runner, call)).id)
    if path is None:
        raise BadRequest(call.words("routes.no_video"), 404)
    return path


async def _thumbnail(call: Call) -> Picture:
    return await routes.on_background(_picture(call))


async def _picture(call: Call) -> Picture:
    from ..core.journal.files import Store
    from ..core.runner.video import UnplayableVideo
    from .thumbnails import thumbnail

    video = await _stored(call)
    store = Store(shared_runner(DEFAULTS).settings.home)
    try:
        return Picture(await thumbnail(store, video.stem, video))
    except UnplayableVideo as error:
        raise BadRequest(call.words("routes.no_picture", problem=error), 404) from error
    except OSError as error:
        raise BadRequest(call.words("routes.no_video"), 404) from error


async def _task(runner: "Runner", call: Call) -> Task:
    """The task of a path, by its whole id; raises `UnknownTask`."""
    name = bare(call.parts["task"])
    if not _NAME.fullmatch(name):
        raise UnknownTask(f'The journal has no task "{sanitize(name, 60)}".')
    task = await runner.task(name)
    if task.id != name:
        raise UnknownTask(f'The journal has no task "{name}".')
    return task


# -- doing -------------------------------------------------------------------------------------


def _doing(act: Act) -> routes.Work:
    async def work(call: Call) -> Answer:
        return await routes.on_background(_done(act, call))

    return work


async def _done(act: Act, call: Call) -> Answer:
    runner = shared_runner(DEFAULTS)
    task = await _task(runner, call)
    try:
        return Answer(200, page_object(await act(runner, task, call), runner, call.words))
    except UnknownProvider as error:
        # The task is there, and its plug-in is not: 404 would say the contrary.
        raise BadRequest(what_happened(call.words, error), 409) from error
    except Kling26Error as error:
        if error.task is None:
            error.about(task=task.id, provider=task.provider)
        raise


async def _resume(runner: "Runner", task: Task, call: Call) -> Task:
    if task.standing == "over":
        raise _over(task, call.words)

    async def work() -> "Outcome":
        async for outcome in runner.resume([task.id]):
            found = outcome
        return found

    return await _followed(runner, task, work(), lambda _: False, _AT_ONCE)


async def _resubmit(runner: "Runner", task: Task, call: Call) -> Task:
    work = runner.resubmit(task.id)
    return await _followed(runner, task, work, lambda now: now.state != "unknown", _CHECKED)


async def _adopt(runner: "Runner", task: Task, call: Call) -> Task:
    work = runner.adopt(task.id, call.text("task_id"))
    found = await _followed(runner, task, work, lambda now: now.standing != "unclear", _CHECKED)
    if found.standing == "unclear":
        title = runner.registry[task.provider].title
        raise Kling26Error(call.words("routes.no_answer", provider=title))
    return found


async def _cancel(runner: "Runner", task: Task, call: Call) -> Task:
    if task.standing in ("stored", "over"):
        raise _over(task, call.words)
    done = await runner.cancel(task.id)
    if not done.cancelled:
        raise NotApplicable(done.message, task=task.id, provider=task.provider)
    return done.task


async def _forget(runner: "Runner", task: Task, _: Call) -> Task:
    return await runner.forget(task.id)


async def _followed(
    runner: "Runner",
    task: Task,
    work: Coroutine[Any, Any, "Outcome"],
    settled: Callable[[Task], bool],
    seconds: float,
) -> Task:
    """
    How a task stands once it is settled, the work has ended, or after so many seconds.

    The work goes on. Raises the error that it has ended with, unless the task has ended with it.
    """
    going = asyncio.ensure_future(work)
    _under_way.add(going)
    going.add_done_callback(_under_way.discard)
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.wait([going], timeout=_LOOK_EVERY)
        if going.done():
            outcome = going.result()
            if outcome.error is not None and outcome.task.standing not in ("stored", "over"):
                raise outcome.error
            return outcome.task
        now = await runner.task(task.id)
        if settled(now):
            return now
    return await runner.task(task.id)


def _over(task: Task, words: Words) -> NotApplicable:
    return NotApplicable(
        words("routes.over", task=task.id, state=words(f"state.{task.state}")), task=task.id
    )
