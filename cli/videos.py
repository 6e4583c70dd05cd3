"""The commands that make videos, and finish or cancel tasks."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from attrs import evolve, frozen
from cyclopts import Parameter

from ..core.atomic import full_path
from ..core.errors import Kling26Error, ProviderError
from ..core.journal.task import Task
from ..core.progress import Progress
from ..core.provider import Provider
from ..core.runner.results import Video, likely_cost
from ..core.settings import TIMEOUT
from . import interrupts, texts
from .console import as_object, result, say
from .dry_run import dry_run
from .exits import NOT_DELIVERED, exit_status
from .parameters import (
    NO_FLAGS,
    TASKS,
    AsJson,
    CountedFlags,
    OneObject,
    Prompt,
    Quiet,
    TaskName,
    TaskNames,
    Timeout,
)
from .progress_texts import made_among, made_text
from .several import count, expect
from .stdin import read_prompt
from .tables import paragraph
from .tally import Tally
from .work import Interrupted, Session, named, run_work

if TYPE_CHECKING:
    from ..core.runner.cancel import Cancellation
    from ..core.runner.results import Outcome


@frozen
class _End:
    """How a task ended: its row, if known, its provider, and the video or the error."""

    task: Task | None
    provider: Provider | None
    video: Video | None
    error: Kling26Error | None
    #: How long it took, in seconds; None if the video was paid for before.
    took: float | None = 0.0
    #: What is said of the error, if not the usual.
    text: str | None = None
    #: Whether it was requested before, if there is no video.
    reused: bool = False
    #: Whether the video was here before.
    here_before: bool = False
    #: Whether it is one of several.
    among: bool = False


def generate(prompt: Prompt, /, *, flags: CountedFlags = NO_FLAGS) -> int:
    """
    Make a video, and print the path of its file.

    The same command again costs nothing: it resumes the task, or returns the stored video.
    """
    own, began = flags.own_options(), time.time()
    text = read_prompt(flags.timeout) if prompt == "-" else prompt
    request, limit = flags.request(text), flags.timeout - (time.time() - began)
    if flags.count != 1:
        from .batch.takes import make_takes  # What it needs is loaded for nothing else.

        return make_takes(request, own, flags, limit)
    if flags.dry_run:
        return dry_run(request, own, flags, limit)

    async def work(session: Session[_End]) -> _End:
        import asyncio  # Not for --help, whose start it would slow down.

        clock = asyncio.get_running_loop().time
        started, runner, found = clock(), session.runner, list[str]()

        def listen(progress: Progress) -> None:
            before = progress.phase == "found" and progress.standing != "unsent"
            found.extend([progress.task] if before else [])
            session.display.listen(progress)

        run = runner.submit if flags.no_wait else runner.generate
        try:
            made = await run(
                request,
                flags.provider,
                own,
                output=flags.output,
                sandbox=flags.sandbox or None,
                timeout=limit,
                progress=listen,
            )
        except Kling26Error as error:
            if error.task is None:
                raise
            task = await runner.latest(error.task)
            return _End(task, session.providers.get(str(error.provider)), None, error)
        took, provider = clock() - started, session.providers.get(made.provider)
        if isinstance(made, Task):
            video = _stored(made, provider, flags.output)
            return _End(made, provider, video, None, took, reused=made.id in found)
        return _End(await runner.latest(made.task), provider, made, None, took)

    end = run_work(work, idle=interrupts.NOTHING_SENT, limit=limit, quiet=flags.quiet)
    video, status = end.video, _show(end, flags.as_json)
    if video is None and end.error is None and end.task is not None and not flags.quiet:
        say("\n".join(paragraph(texts.taken_text(end.task, end.provider), "")))
    # That an equal request was paid for earlier has been said at the beginning.
    if video is not None and not (video.reused and _paid_before(video, began)):
        _say_made(end, flags.quiet)
    return status


def resume(
    *tasks: TaskNames, timeout: Timeout = TIMEOUT, as_json: AsJson = False, quiet: Quiet = False
) -> int:
    """
    Finish all unfinished tasks, or the ones you name.

    It also sends what was not accepted yet, which is paid for. Each video is also written to the
    --output that it was requested with; the paths are printed.
    """
    began, here = time.time(), set[str]()

    async def work(session: Session[_End]) -> Tally | None:
        runner, display = session.runner, session.display
        meant = await named(runner, tasks) if tasks else await runner.tasks(only_open=True)
        session.tasks.extend(meant)
        here.update(task.id for task in meant if task.standing == "stored")
        tally = expect(session.display, meant, session.providers)
        for task in meant:
            if task.standing == "unsent" and not (task.sandbox or quiet):
                say(texts.sent_now(task))
        if meant:
            names = [task.id for task in meant]
            async for outcome in runner.resume(names, timeout=timeout, progress=display.listen):
                end = _end(session, outcome, began, here)
                count(session.display, outcome, end.provider)
                session.give(evolve(end, among=tally is not None))
        return tally

    statuses: dict[str, int] = {}

    def show(end: _End) -> None:
        name = end.task.id if end.task else ""
        statuses[name] = _show(end, as_json, among=True)
        _say_made(end, quiet)

    idle, go_on = interrupts.resume_interrupted(tasks), interrupts.resume_again(tasks)
    try:
        tally = run_work(work, idle, show, limit=timeout, paid=True, quiet=quiet, go_on=go_on)
    except Interrupted as interrupted:
        interrupted.tasks = [task for task in interrupted.tasks if task.id not in statuses]
        raise
    if not statuses:
        say(texts.NO_OPEN_TASKS)
    if tally is not None and not quiet:
        names = [task.id for task in tally.left]
        go_on = interrupts.resume_again(names if len(names) == 1 else [])
        for line in tally.end_lines(go_on, go_on):
            say("\n".join(paragraph(line, "")))
    # The worst is also the highest.
    return max(statuses.values(), default=0)


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

    began = time.time()

    async def work(session: Session[_End]) -> _End:
        runner, listen = session.runner, session.display.listen
        session.tasks.append(await runner.task(task))
        outcome = await runner.resubmit(task, timeout=timeout, progress=listen)
        return _end(session, outcome, began)

    end = run_work(work, idle=interrupts.CHECK_TASK, limit=timeout, paid=True, quiet=quiet)
    status = _show(end, as_json)
    _say_made(end, quiet)
    return status


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
        runner, listen = session.runner, session.display.listen
        unknown = await runner.task(task)
        session.tasks.append(unknown)
        try:
            outcome = await runner.adopt(unknown.id, task_id, timeout=timeout, progress=listen)
        except ProviderError as error:  # The task stays as it was.
            provider = session.providers.get(unknown.provider)
            text = texts.not_adopted(error, unknown, provider)
            return _End(unknown, provider, None, error, text=text)
        # It was paid for when it was lost, not when it was found.
        return _End(
            outcome.task,
            session.providers.get(outcome.task.provider),
            outcome.video,
            outcome.error,
            None,
        )

    end = run_work(work, idle=interrupts.CHECK_TASK, limit=timeout, paid=True, quiet=quiet)
    status = _show(end, as_json)
    _say_made(end, quiet)
    return status


def cancel(task: TaskName, /, *, as_json: OneObject = False) -> int:
    """
    Cancel a task, if the provider can do that free of charge.

    Otherwise the task continues, its video can be fetched with `resume`, and the exit status is 5.
    """

    async def work(session: Session[None]) -> "tuple[Cancellation, Provider | None]":
        done = await session.runner.cancel(task)
        return done, session.providers.get(done.task.provider)

    done, provider = run_work(work, idle=interrupts.CHECK_TASK, paid=True)
    text = texts.cancellation_text(done, provider)
    if as_json:
        say(text)
        result(as_object(task=done.task, text=None if done.cancelled else text, provider=provider))
    else:
        result(text)
    return 0 if done.cancelled else NOT_DELIVERED


def _stored(task: Task, provider: Provider | None, output: str | None) -> Video | None:
    """The video of a task that was found in the store, which has been written to `output`."""
    if task.standing != "stored":
        return None
    file = full_path(Path(output).expanduser()) if output is not None else Path(str(task.file))
    return Video.of(task, file, reused=True, provider=provider)


def _end(
    session: Session[_End], outcome: "Outcome", began: float, here: Collection[str] = ()
) -> _End:
    """How a task ended; `here` are those whose videos were here when the command began."""
    task, video = outcome.task, outcome.video
    took = None if video is not None and _paid_before(video, began) else time.time() - began
    provider = session.providers.get(task.provider)
    return _End(task, provider, video, outcome.error, took, here_before=task.id in here)


def _paid_before(video: Video, began: float) -> bool:
    """Whether a video was paid for before a moment, in seconds since the epoch."""
    return (video.paid or began) < began


def _say_made(end: _End, quiet: bool) -> None:
    """Say who made a video, and for what; in a few words if it is one of several."""
    if end.video is None or quiet:
        return
    likely = None if end.task is None else likely_cost(end.task)
    if end.among:
        say(made_among(end.video, likely, here_before=end.here_before))
        return
    text = made_text(end.video, end.provider, end.took, likely, here_before=end.here_before)
    say("\n".join(paragraph(text, "")))


def _show(end: _End, as_json: bool, among: bool = False) -> int:
    """Print how a task ended, perhaps `among` others; returns its exit status."""
    error, text = end.error, None
    if error is not None:
        text = end.text or texts.error_text(error, end.task, end.provider)
        shown = texts.in_lines(text, error)
        say(f"{error.task}: {shown}" if among else shown)
    file = None if end.video is None else end.video.file
    if as_json:
        result(as_object(error, end.task, end.video, text, end.provider, end.reused), file)
    elif file is not None:
        result(str(file), file)
    elif error is None and end.task is not None:  # It is left to the provider.
        result(end.task.id)
    return 0 if error is None else exit_status(error)
