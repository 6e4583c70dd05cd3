"""The commands that look things up, and the one that forgets them."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import Parameter

from ..core.plugins import Registry
from ..core.provider import AUTO
from ..core.runner.absence import absence
from ..core.settings import Settings
from . import (
    interrupts,
    lengths,
    listings,
    provider_objects,
    provider_pages,
    texts,
    usage,
)
from .console import answer, as_object, result, say
from .keys import installed
from .money_texts import balance_text, budget_text
from .parameters import (
    PROVIDER,
    RUNNING,
    TASKS,
    WHOLE,
    AsJson,
    ObjectPerProvider,
    OneObject,
)
from .tables import paragraph
from .totals import Wanted, total_text
from .work import Session, named, run_work

if TYPE_CHECKING:
    from ..core.journal.task import Task
    from ..core.money import Balance
    from ..core.runner.runner import Runner


def tasks(
    *names: Annotated[
        str, Parameter(name="TASK", help="Only these, by our id or the provider's.", group=TASKS)
    ],
    only_open: Annotated[
        bool, Parameter(name="--open", help="Only the unfinished ones.", group=TASKS)
    ] = False,
    provider: Annotated[
        str | None,
        Parameter(help="Only those of this provider.", metavar="NAME", group=TASKS),
    ] = None,
    since: Annotated[
        str | None,
        Parameter(
            help="Only those requested since then: 7d, 12h, 45m.",
            metavar="AGE",
            allow_leading_hyphen=True,  # So that "-1d" is said to be no length.
            group=TASKS,
        ),
    ] = None,
    limit: Annotated[
        int | None, WHOLE, Parameter(help="Only the latest so many.", metavar="N", group=TASKS)
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List your tasks, the latest last, and what they cost."""
    wanted = Wanted(
        provider=provider,
        youngest=None if since is None else time.time() - lengths.age(since, "--since"),
    )
    if limit is not None and limit < 1:
        raise usage.bad_limit(limit)

    async def work(session: Session[None]) -> "tuple[Sequence[Task], Registry, str | None]":
        runner = session.runner
        found = await named(runner, names) if names else await runner.tasks(only_open)
        limits = None if as_json else await _budget(runner)
        return [task for task in found if task.open or not only_open], runner.registry, limits

    found, registry, limits = run_work(work, idle=interrupts.INTERRUPTED)
    every, chosen = found, wanted.among(found, registry)
    listed = chosen[-limit:] if limit else chosen
    _list(listed, registry, as_json)
    if not as_json and chosen:
        total = total_text(chosen, len(listed), registry.providers)
        lines = [*paragraph(total, ""), *(paragraph(limits, "") if limits else [])]
        result("\n".join(["", *lines]))
    elif not as_json:
        say(texts.NO_SUCH_TASKS if every else texts.NO_OPEN_TASKS if only_open else texts.NO_TASKS)
    return 0


async def _budget(runner: "Runner") -> str | None:
    """How far the budget is used, if there is one."""
    budget = runner.journal.budget()
    if not budget.limited:
        return None
    return f"Budget: {budget_text(budget, await runner.journal.spent())}."


def _list(tasks: "Sequence[Task]", registry: Registry, as_json: bool) -> None:
    if as_json:
        for task in tasks:
            provider = registry.providers.get(task.provider)
            absent = absence(task, registry) if task.open and task.state != "stored" else None
            failure = texts.failure_text(task, provider, absent) if task.error else absent
            result(as_object(task=task, text=failure, provider=provider))
    elif tasks:
        result(listings.task_list(tasks, registry))


def providers(
    name: Annotated[
        str | None, Parameter(help="Show everything about this one, or auto.", group=PROVIDER)
    ] = None,
    /,
    *,
    as_json: ObjectPerProvider = False,
) -> int:
    """List the installed providers, or the limits and options of one."""
    registry = installed(shown=name is None and not as_json)
    if as_json:
        for each in _provider_objects(registry, name):
            result(json.dumps(each, default=str))
    elif name is None:
        result(provider_pages.provider_list(registry, Settings()))
    elif name == AUTO:
        result(provider_pages.auto_page(registry, Settings()))
    else:
        result(provider_pages.provider_page(Settings().configure(registry[name]), Settings()))
    return 0


def _provider_objects(registry: Registry, name: str | None) -> Iterator[Mapping[str, object]]:
    settings = Settings()
    if name == AUTO:
        yield provider_objects.auto_object(registry, settings)
        return
    for provider in registry.providers.values() if name is None else [registry[name]]:
        origin = registry.origins[provider.name]
        configured = settings.configure(provider)
        yield provider_objects.provider_object(configured, origin, settings)


def balance(
    name: Annotated[
        str | None,
        Parameter(help="The provider: kie, unless KLING26_PROVIDER names another.", group=PROVIDER),
    ] = None,
    /,
    *,
    sandbox: Annotated[
        bool, Parameter(help="Ask the emulator: no key, no network.", group=RUNNING)
    ] = False,
    as_json: OneObject = False,
) -> int:
    """Ask a provider how much is left on your account."""

    async def work(session: Session[None]) -> "tuple[str, Balance]":
        runner = session.runner
        left = await runner.balance(name, sandbox=sandbox or None)
        return name or runner.settings.provider, left

    provider, left = run_work(work, idle=interrupts.INTERRUPTED)
    answer(balance_text(left), as_json, lambda: {"provider": provider, **attrs.asdict(left)})
    return 0


def prune(
    *,
    older_than: Annotated[
        str,
        Parameter(
            help="How long ago they ended: 30d, 12h, 1h30m.",
            metavar="AGE",
            allow_leading_hyphen=True,
            group=TASKS,
        ),
    ],
    as_json: OneObject = False,
) -> int:
    """
    Forget tasks that ended long ago, and delete their stored videos.

    Open tasks stay, and so does every video that was written to an --output. A request that equals
    a forgotten one makes a new video, which is paid for again.
    """
    seconds = lengths.age(older_than, "--older-than")

    async def work(session: Session[None]) -> "Sequence[Task]":
        return await session.runner.prune(seconds)

    gone = run_work(work, idle=interrupts.PRUNE_INTERRUPTED)
    videos = sum(task.file is not None for task in gone)
    forgotten = [task.id for task in gone]
    facts = {"tasks": len(gone), "videos": videos, "forgotten": forgotten}
    answer(texts.pruned(len(gone), videos), as_json, lambda: facts)
    return 0
