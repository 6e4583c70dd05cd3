"""The commands that make videos, and finish or cancel tasks."""

import time
from typing import TYPE_CHECKING, Annotated

from attrs import frozen
from cyclopts import Parameter

from ..core.errors import Kling26Error
from ..core.provider import Provider
from ..core.settings import TIMEOUT
from . import texts
from .console import as_object, result, say
from .exits import NOT_DELIVERED, exit_status
from .parameters import (
    NO_FLAGS,
    TASKS,
    AsJson,
    Flags,
    Prompt,
    Quiet,
    TaskName,
    TaskNames,
    Timeout,
)
from .progress_texts import made_text
from .stdin import read_prompt
from .work import Session, run_work

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.cancel import Cancellation
    from ..core.runner.results import Outcome, Video


@frozen
class _End:
    """How a task ended: its row, if known, its provider, and the video or the error."""

    task: "Task | None"
    provider: Provider | None
    video: "Video | None"
    error: Kling26Error | None
    #: How long it took, in seconds.
    took: float = 0.0


def generate(prompt: Prompt, /, *, flags: Flags = NO_FLAGS) -> int:
    """
    Make a video, and print the path of its file.

    The same command again costs nothing: it resumes the task, or returns the stored video.
    """
    own, began = flags.own_options(), time.time()
    text = read_prompt(flags.timeout) if prompt == "-" else prompt
    request, limit = flags.request(text), flags.timeout - (time.time() - began)

    async def work(session: Session[_End]) -> _End:
        import asyncio  # Not for --help, whose start it would slow down.

        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            video = await session.runner.generate(
                request,
                flags.provider,
                own,
                output=flags.output,
                sandbox=flags.sandbox or None,
                timeout=limit,
                progress=session.display.listen,
            )
        except Kling26Error as error:
            if error.task is None:
                raise
            task = await session.runner.latest(error.task)
            return _End(task, session.providers.get(str(error.provider)), None, error)
        provider = session.providers.get(video.provider)
        return _End(None, provider, video, None, clock() - started)

    end = run_work(work, idle=texts.NOTHING_SENT, limit=limit, quiet=flags.quiet)
    status = _show(end, flags.as_json)
    if end.video is not None and not flags.quiet:
        say(made_text(end.video, end.provider, end.took, began))
    return status


def resume(
    *tasks: TaskNames, timeout: Timeout = TIMEOUT, as_json: AsJson = False, quiet: Quiet = False
) -> int:
    """
    Finish all unfinished tasks, or the ones you name.

    Each video is also written to the --output that it was requested with; the paths are printed.
    """

    async def work(session: Session[_End]) -> None:
        listen = session.display.listen
        async for outcome in session.runner.resume(tasks, timeout=timeout, progress=listen):
            session.give(_end(session, outcome))

    statuses: list[int] = []
    run_work(
        work,
        idle=texts.resume_interrupted(tasks),
        paid=True,
        found=lambda end: statuses.append(_show(end, as_json, among=True)),
        limit=timeout,
        quiet=quiet,
    )
    if not statuses:
        say(texts.NO_OPEN_TASKS)
    # The worst is also the highest.
    return max(statuses, default=0)


def resubmit(
    task: TaskName,
    /,
    *,
    timeout: Timeout = TIMEOUT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """
    Submit an unknown task again; you may be charged twice.

    Its outcome is unknown because the answer to the paid request was lost. Check your account at
    the provider first; where kling26 can look the task up, it does so before paying again.
    """

    async def work(session: Session[_End]) -> _End:
        listen = session.display.listen
        outcome = await session.runner.resubmit(task, timeout=timeout, progress=listen)
        return _end(session, outcome)

    end = run_work(work, idle=texts.CHECK_TASK, limit=timeout, paid=True, quiet=quiet)
    return _show(end, as_json)


def adopt(
    task: TaskName,
    task_id: Annotated[
        str,
        Parameter(name="ID", help="The id of the task on the provider's page.", group=TASKS),
    ],
    /,
    *,
    timeout: Timeout = TIMEOUT,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """
    Finish an unknown task by its id on the provider's page.

    Its outcome is unknown because the answer to the paid request was lost. If the video is on the
    provider's page, this fetches it at no further cost, also into the --output that it was
    requested with.
    """

    async def work(session: Session[_End]) -> _End:
        listen = session.display.listen
        outcome = await session.runner.adopt(task, task_id, timeout=timeout, progress=listen)
        return _end(session, outcome)

    end = run_work(work, idle=texts.CHECK_TASK, limit=timeout, paid=True, quiet=quiet)
    return _show(end, as_json)


def cancel(task: TaskName, /) -> int:
    """
    Cancel a task, if the provider can do that free of charge.

    Otherwise the task continues, its video can be fetched with `resume`, and the exit status is 5.
    """

    async def work(session: Session[None]) -> "tuple[Cancellation, Provider | None]":
        done = await session.runner.cancel(task)
        return done, session.providers.get(done.task.provider)

    done, provider = run_work(work, idle=texts.CHECK_TASK, paid=True)
    result(texts.cancellation_text(done, provider))
    return 0 if done.cancelled else NOT_DELIVERED


def _end(session: Session[_End], outcome: "Outcome") -> _End:
    provider = session.providers.get(outcome.task.provider)
    return _End(outcome.task, provider, outcome.video, outcome.error)


def _show(end: _End, as_json: bool, among: bool = False) -> int:
    """Print how a task ended, perhaps `among` others; returns its exit status."""
    error, text = end.error, None
    if error is not None:
        text = texts.error_text(error, end.task, end.provider)
        say(f"{error.task}: {text}" if among else text)
    file = None if end.video is None else end.video.file
    if as_json:
        result(as_object(error, end.task, end.video, text), file)
    elif file is not None:
        result(str(file), file)
    return 0 if error is None else exit_status(error)
