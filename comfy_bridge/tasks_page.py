"""
The routes behind the panel: the tasks in the journal, their videos, and what can be done with them.

Whatever takes long goes on in the background; what is answered is how the task stands by then.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.api import shared_runner
from ..core.errors import Kling26Error, NotApplicable, UnknownTask
from ..core.journal.task import Task
from ..core.runner.objects import Object
from ..core.spending import DAY, HOUR, left
from ..core.text import sanitize
from . import routes
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
    return Answer(200, await routes.on_background(_overview(only_open, limit)))


async def _overview(only_open: bool, limit: int) -> Object:
    from ..core.runner.totals import start_of_day, start_of_month, total

    runner = shared_runner(DEFAULTS)
    found, providers = await runner.tasks(only_open, limit), runner.registry.providers
    now = runner.journal.clock()
    month = await runner.journal.since(start_of_month(now))
    today = [task for task in month if task.created >= start_of_day(now)]
    sums = {name: total(tasks, providers) for name, tasks in (("today", today), ("month", month))}
    totals = {name: {"usd": each.usd, "units": dict(each.units)} for name, each in sums.items()}
    opened = found if only_open and len(found) < limit else await runner.tasks(only_open=True)
    return {
        "tasks": [page_object(task, runner) for task in found],
        "totals": {"open": len(opened), **totals},
        "budget": await _budget(runner),
        "started": _STARTED,
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
    return Answer(200, page_object(await _task(runner, call), runner))


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
    name = call.parts["task"].strip()
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
        return Answer(200, page_object(await act(runner, task, call), runner))
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
    return NotApplicable(words("routes.over", task=task.id, state=task.state), task=task.id)
