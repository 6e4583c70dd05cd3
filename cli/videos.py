"""The commands that make videos, and bring tasks to their end."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from attrs import frozen
from cyclopts import Parameter

from ..core.errors import JournalError, Kling26Error
from ..core.provider import Provider
from ..core.settings import TIMEOUT
from . import texts
from .console import as_object, result, say
from .exits import NOT_DELIVERED, exit_status
from .parameters import AS_USUAL, AsJson, Asked, Prompt, TaskName, Timeout, seconds
from .work import Session, carry

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.runner.cancel import Cancellation
    from ..core.runner.results import Outcome, Video


@frozen
class _End:
    """How a task ended: its row, if that is known, its provider, and the video or the error."""

    task: "Task | None"
    provider: Provider | None
    video: "Video | None"
    error: Kling26Error | None


def generate(
    prompt: Prompt,
    /,
    *,
    asked: Asked = AS_USUAL,
    as_json: Annotated[bool, Parameter(name="--json", help="Print one JSON object.")] = False,
) -> int:
    """
    Make a video, and print the path of its file.

    The same command again costs nothing: it continues where the first one stopped, or gives the
    stored video. Another --seed makes another video.
    """
    own, timeout, request = asked.own_options(), seconds(asked.timeout), asked.request(prompt)

    async def work(session: Session[_End]) -> _End:
        try:
            video = await session.runner.generate(
                request,
                asked.provider,
                own,
                output=asked.output,
                sandbox=asked.sandbox or None,
                timeout=timeout,
                progress=session.display.listen,
            )
        except Kling26Error as error:
            if error.task is None:
                raise
            with suppress(JournalError):
                task = await session.runner.task(error.task)
                return _End(task, session.providers.get(task.provider), None, error)
            raise
        return _End(None, None, video, None)

    return _show(carry(work, idle=texts.NOTHING_SENT), as_json)


def resume(*tasks: TaskName, timeout: Timeout = TIMEOUT, as_json: AsJson = False) -> int:
    """
    Carry tasks to their end: these, or all that are open.

    Each video is written to the --output that it was asked for with; the paths are printed.
    """
    limit = seconds(timeout)

    async def work(session: Session[_End]) -> None:
        listen = session.display.listen
        async for outcome in session.runner.resume(tasks, timeout=limit, progress=listen):
            session.give(_end(session, outcome))

    statuses: list[int] = []
    carry(
        work,
        idle=texts.resume_interrupted(tasks),
        found=lambda end: statuses.append(_show(end, as_json, among=True)),
    )
    if not statuses:
        say(texts.NO_OPEN_TASKS)
    # The worst by its meaning is the highest, too.
    return max(statuses, default=0)


def resubmit(task: TaskName, /, *, timeout: Timeout = TIMEOUT, as_json: AsJson = False) -> int:
    """
    Resubmit a task whose outcome is unknown; you may be charged twice.

    It is unknown because the answer to its paid request was lost. Check first whether the provider
    has it; where the provider can be asked for it, that is done for you.
    """
    limit = seconds(timeout)

    async def work(session: Session[_End]) -> _End:
        listen = session.display.listen
        outcome = await session.runner.resubmit(task, timeout=limit, progress=listen)
        return _end(session, outcome)

    return _show(carry(work, idle=texts.interrupted_among([task])), as_json)


def cancel(task: TaskName, /) -> int:
    """
    Cancel a task, if that is still possible and free.

    Otherwise it goes on, its video is kept, and the exit status is 5.
    """

    async def work(session: Session[None]) -> "tuple[Cancellation, Provider | None]":
        done = await session.runner.cancel(task)
        return done, session.providers.get(done.task.provider)

    done, provider = carry(work, idle=texts.CANCEL_INTERRUPTED)
    result(texts.cancellation_text(done, provider))
    return 0 if done.cancelled else NOT_DELIVERED


def _end(session: Session[_End], outcome: "Outcome") -> _End:
    provider = session.providers.get(outcome.task.provider)
    return _End(outcome.task, provider, outcome.video, outcome.error)


def _show(end: _End, as_json: bool, among: bool = False) -> int:
    """Print how a task ended, perhaps `among` others; returns the exit status that says so."""
    error, text = end.error, None
    if error is not None:
        text = texts.error_text(error, end.task, end.provider)
        say(f"{error.task}: {text}" if among else text)
    if as_json:
        result(as_object(error, end.task, end.video, text))
    elif end.video is not None:
        result(str(end.video.file))
    return 0 if error is None else exit_status(error)
