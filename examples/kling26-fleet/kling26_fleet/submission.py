"""From the rows of a file to the queue: all are checked before any is queued."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
from attrs import frozen
from kling26.core import Kling26Error, OutputRefused, Runner, UsageError
from procrastinate import App

from kling26_fleet.fleet import Fleet
from kling26_fleet.orders import Order, pack
from kling26_fleet.queue import TASK
from kling26_fleet.rows import Row

#: What no file system takes in a name, or takes for a folder.
_UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|\0', "-"))


@frozen
class Submission:
    """How many rows were queued, and how many of the file wait in the queue, or run, already."""

    queued: int
    known: int


async def submit(
    rows: Sequence[Row], provider: str | None, template: str | None, fleet: Fleet, queue: App
) -> Submission:
    """Queue the rows of a file; raises `UsageError` if one of them cannot be made."""
    async with Runner(fleet.settings) as runner:
        orders = [
            await _order(number, row, provider, template, runner)
            for number, row in enumerate(rows, 1)
        ]
    outputs = [order.output for order in orders if order.output is not None]
    if len(set(outputs)) < len(outputs):
        twice = next(path for path in outputs if outputs.count(path) > 1)
        raise OutputRefused(f"Two rows are to be written to {twice}.")
    for folder in {path.parent for path in outputs}:
        folder.mkdir(parents=True, exist_ok=True)
    packed = [pack(order, fleet.pictures) for order in orders]
    known = [
        job.task_kwargs
        for status in ("todo", "doing")
        for job in await queue.job_manager.list_jobs_async(queue=fleet.queue, status=status)
    ]
    new = [each for each in packed if each not in known]
    if new:
        await queue.configure_task(TASK, queue=fleet.queue).batch_defer_async(*new)
    return Submission(len(new), len(packed) - len(new))


async def _order(
    number: int, row: Row, provider: str | None, template: str | None, runner: Runner
) -> Order:
    chosen = row.provider or provider or runner.settings.provider
    name = " ".join(filter(None, [f"row {number}", row.labels.get("name")]))
    options = row.options
    if options is not None and not isinstance(options, Mapping):
        options = attrs.asdict(options)
    try:
        await runner.check(row.request, chosen, options)
        output = row.output or template
        path = None if output is None else _path(output, number, chosen, row)
    except Kling26Error as error:
        raise UsageError(f"{name.capitalize()}: {error}") from error
    return Order(name, row.request, chosen, options, path, runner.settings.sandbox)


def _path(template: str, number: int, provider: str, row: Row) -> Path:
    """Where a row's video is written: the same path on every machine."""
    known = {**row.labels, "row": str(number), "seed": str(row.request.seed), "provider": provider}
    names = {name: value.translate(_UNSAFE) for name, value in known.items()}
    try:
        return Path(template.format_map(names)).absolute()
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise OutputRefused(f"The output {template} cannot be filled in: {error}.") from error
