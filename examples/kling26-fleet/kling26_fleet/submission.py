"""From the rows of a file to the queue: all are checked before any is queued."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from kling26.core import Kling26Error, Row, Runner, UsageError

from kling26_fleet.fleet import Fleet
from kling26_fleet.orders import Order, pack
from kling26_fleet.outcomes import Outcomes
from kling26_fleet.outputs import make_folders, output_of
from kling26_fleet.queue import TASK


@frozen
class Submission:
    """How many rows were queued, and how many wait in the queue or are under way already."""

    queued: int
    known: int


async def submit(
    rows: Sequence[Row],
    provider: str | None,
    template: str | None,
    fleet: Fleet,
    outcomes: Outcomes,
) -> Submission:
    """
    Queue rows; raises `UsageError`, and queues none, if one of them cannot be made.

    What was said of the same rows when they were queued before is forgotten.
    """
    async with Runner(fleet.settings) as runner:
        orders = [
            await _order(row, number, provider or runner.settings.provider, template, runner)
            for number, row in enumerate(rows, 1)
        ]
    make_folders([order.output for order in orders if order.output is not None])
    packed = [pack(order, fleet.pictures) for order in orders]
    before = {_key(row["args"]): row for row in await outcomes.rows(fleet.queue)}
    going = {key for key, row in before.items() if row["status"] in ("todo", "doing")}
    new = {key: each for each in packed if (key := _key(each)) not in going}
    await outcomes.forget([before[key]["id"] for key in new if key in before])
    if new:
        task = outcomes.queue.configure_task(TASK, queue=fleet.queue)
        await task.batch_defer_async(*new.values())
    return Submission(len(new), len(packed) - len(new))


def _key(packed: Mapping[str, Any]) -> str:
    """What is the same for the same row of the same file."""
    return json.dumps(packed, sort_keys=True)


async def _order(
    row: Row, number: int, provider: str, template: str | None, runner: Runner
) -> Order:
    name = f"row {number} {row.labels.get('name', '')}".strip()
    chosen = row.provider or provider
    try:
        await runner.check(row.request, chosen, row.options)
        output = output_of(row, number, chosen, template)
    except Kling26Error as error:
        raise UsageError(f"{name.capitalize()}: {error}") from error
    options = row.options if isinstance(row.options, Mapping) else None
    return Order(name, row.request, chosen, options, output, runner.settings.sandbox)
