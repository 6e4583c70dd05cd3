"""The commands that look things up, and the one that forgets them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..core.settings import Settings
from . import listings, texts, usage
from .console import as_object, result, say
from .keys import installed
from .parameters import AsJson
from .work import Session, run_work

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.money import Balance


def tasks(
    *,
    only_open: Annotated[
        bool,
        Parameter(name="--open", help="Only the unfinished ones."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """List your tasks, oldest first."""

    async def work(session: Session[None]) -> "tuple[Sequence[Task], texts.Providers]":
        return await session.runner.tasks(only_open), session.providers

    found, providers = run_work(work, idle=texts.INTERRUPTED)
    if as_json:
        for task in found:
            failure = texts.failure_text(task, providers.get(task.provider)) if task.error else None
            result(as_object(task=task, text=failure))
    elif found:
        result(listings.task_list(found, providers))
    else:
        say(texts.NO_OPEN_TASKS if only_open else texts.NO_TASKS)
    return 0


def providers(
    name: Annotated[str | None, Parameter(help="Show everything about this one.")] = None, /
) -> int:
    """List the installed providers, or the limits and options of one."""
    registry = installed(shown=name is None)
    if name is None:
        result(listings.provider_list(registry, Settings()))
    else:
        result(listings.provider_page(Settings().configure(registry[name]), Settings()))
    return 0


def balance(
    name: Annotated[
        str | None,
        Parameter(help="The provider: kie, unless KLING26_PROVIDER names another."),
    ] = None,
    /,
    *,
    sandbox: Annotated[bool, Parameter(help="Ask the emulator: no key, no network.")] = False,
) -> int:
    """Ask a provider how much credit is left."""

    async def work(session: Session[None]) -> "Balance":
        return await session.runner.balance(name, sandbox=sandbox or None)

    left = run_work(work, idle=texts.INTERRUPTED)
    result(f"{left.amount:.12g} {left.unit}")
    return 0


def prune(
    *,
    older_than: Annotated[
        str, Parameter(help="How long ago they ended, as in 30d, 12h or 45m.", metavar="AGE")
    ],
) -> int:
    """
    Forget tasks that ended long ago, and delete their stored videos.

    Open tasks stay, and so does every video that was written to an --output.
    """
    seconds = _age(older_than)

    async def work(session: Session[None]) -> "Sequence[Task]":
        return await session.runner.prune(seconds)

    gone = run_work(work, idle=texts.PRUNE_INTERRUPTED)
    result(texts.pruned(len(gone), sum(task.file is not None for task in gone)))
    return 0


_AGES = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def _age(text: str) -> float:
    """An age such as 30d in seconds; raises `OptionRefused`."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in _AGES):
        raise usage.bad_age(text)
    return int(number[:9]) * _AGES[unit]
