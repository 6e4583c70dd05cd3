"""The commands that make videos, and finish or cancel tasks."""

import time
from typing import TYPE_CHECKING, Annotated

from attrs import evolve
from cyclopts import Parameter

from ..core.errors import Kling26Error, ProviderError
from ..core.journal.task import Task
from ..core.progress import Progress
from ..core.provider import Provider
from ..core.settings import TIMEOUT
from . import interrupts, texts
from .console import as_object, result, say
from .dry_run import dry_run
from .endings import Ending, ending, paid_before, say_made, show_ending, stored_video
from .exits import NOT_DELIVERED
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
from .several import count, expect
from .stdin import read_prompt
from .tables import paragraph
from .tally import Tally
from .work import Interrupted, Session, named, run_work

if TYPE_CHECKING:
    from ..core.runner.cancel import Cancellation


def generate(prompt: Prompt, /, *, flags: CountedFlags = NO_FLAGS) -> int:
    """
    Make a video, and print the path of its file.

    The same command again costs nothing: it resumes the task, or returns the stored video.
    """
    own, began, start = flags.own_options(), time.time(), time.monotonic()
    text = read_prompt(flags.timeout) if prompt == "-" else prompt
    request, limit = flags.request(text), flags.timeout - (time.monotonic() - start)
    if flags.count is not None:
        from .batch.takes import make_takes  # What it needs is loaded for nothing else.

        return make_takes(request, own, flags, flags.count, limit)
    if flags.dry_run:
        return dry_run(request, own, flags, limit)

    async def work(session: Session[Ending]) -> Ending:
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
            return Ending(task, session.providers.get(str(error.provider)), None, error)
        took, provider = clock() - started, session.providers.get(made.provider)
        if isinstance(made, Task):
            video = stored_video(made, provider, flags.output)
            return Ending(made, provider, video, None, took, reused=made.id in found)
        return Ending(await runner.latest(made.task), provider, made, None, took)

    end = run_work(work, idle=interrupts.NOTHING_SENT, limit=limit, quiet=flags.quiet)
    video, status = end.video, show_ending(end, flags.as_json)
    if video is None and end.error is None and end.task is not None and not flags.quiet:
        say("\n".join(paragraph(texts.taken_text(end.task, end.provider), "")))
    # That an equal request was paid for earlier has been said at the beginning.
    if video is not None and not (video.reused and paid_before(video, began)):
        say_made(end, flags.quiet)
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

    async def work(session: Session[Ending]) -> Tally | None:
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
                end = ending(session, outcome, began, here)
                count(session.display, outcome, end.provider)
                session.give(evolve(end, among=tally is not None))
        return tally

    statuses: dict[str, int] = {}

    def show(end: Ending) -> None:
        name = end.task.id if end.task else ""
        statuses[name] = show_ending(end, as_json, among=True)
        say_made(end, quiet)

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

    async def work(session: Session[Ending]) -> Ending:
        runner, listen = session.runner, session.display.listen
        session.tasks.append(await runner.task(task))
        outcome = await runner.resubmit(task, timeout=timeout, progress=listen)
        return ending(session, outcome, began)

    end = run_work(work, idle=interrupts.CHECK_TASK, limit=timeout, paid=True, quiet=quiet)
    status = show_ending(end, as_json)
    say_made(end, quiet)
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

    async def work(session: Session[Ending]) -> Ending:
        runner, listen = session.runner, session.display.listen
        unknown = await runner.task(task)
        session.tasks.append(unknown)
        try:
            outcome = await runner.adopt(unknown.id, task_id, timeout=timeout, progress=listen)
        except ProviderError as error:  # The task stays as it was.
            provider = session.providers.get(unknown.provider)
            text = texts.not_adopted(error, unknown, provider)
            return Ending(unknown, provider, None, error, text=text)
        # It was paid for when it was lost, not when it was found.
        return Ending(
            outcome.task,
            session.providers.get(outcome.task.provider),
            outcome.video,
            outcome.error,
            None,
        )

    end = run_work(work, idle=interrupts.CHECK_TASK, limit=timeout, paid=True, quiet=quiet)
    status = show_ending(end, as_json)
    say_made(end, quiet)
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
