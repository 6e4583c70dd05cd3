"""What would happen if many videos were requested: nothing is paid, and nothing is written."""

import asyncio
from collections.abc import Sequence

from attrs import define, field, frozen

from ..errors import Kling26Error, MissingKey, Refused, SettingsError
from ..http.pacing import now
from ..journal.journal import Journal
from ..journal.task import Task
from ..money import Balance
from ..spending import Budget, Spent, left
from .auto import Choice, choose
from .many import CheckedRow
from .order import Target
from .preview import balance_if_known
from .prices import Prices, question

#: How long the balances may take, in seconds.
_TIMEOUT = 10.0


@frozen
class Left:
    """The balance at a provider, or why it is not known; neither where there is no way to ask."""

    target: Target
    balance: Balance | None
    problem: Kling26Error | None


@frozen
class ManyPreview:
    """
    What many rows would do: `equal` has the task that a row would join or whose video it would get.

    `prices` has what each other row would pay in USD, None where it is not known, by its place;
    `keyless` those that nobody can be asked for, and why. `spent` is what counts in the budget, and
    `spent_on_rows` what these rows have cost so far.
    """

    equal: Sequence[Task | None]
    prices: dict[int, float | None]
    keyless: dict[int, Kling26Error]
    balances: Sequence[Left]
    budget: Budget
    spent: Spent | None
    spent_on_rows: Spent

    def unlimited(self) -> int:
        """How many rows a limit of the cost cannot hold for at first: no price is known at all."""
        if any(price for price in self.prices.values()) or self.spent_on_rows.counted(None):
            return 0
        return sum(price is None for price in self.prices.values())

    def left_out(self, max_cost: float | None, max_tasks: int | None, sandbox: bool) -> int:
        """How many rows would not be sent, by these limits or by the budget."""
        rooms = [_Room(self.spent_on_rows, max_cost, max_tasks, self.spent_on_rows)]
        if self.spent is not None and not sandbox:
            rest = left(self.budget, self.spent)
            rooms.append(_Room(Spent(), rest.left_usd, rest.tasks_left, self.spent))
        sent = 0
        for price in self.prices.values():
            if not all(room.take(price) for room in rooms):
                break
            sent += 1
        return len(self.prices) - sent


@define
class _Room:
    """What may be spent of a limit, in USD and in tasks."""

    before: Spent
    max_cost: float | None
    max_tasks: int | None
    known: Spent
    _usd: float = field(init=False)
    _tasks: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._usd = self.before.usd()
        self._tasks = sum(each.times for each in self.before.payments)

    def take(self, price: float | None) -> bool:
        """Whether there is room for one more, which is then taken."""
        cost = self.known.counted(price)
        self._usd, self._tasks = self._usd + (cost or 0.0), self._tasks + 1
        too_dear = self.max_cost is not None and round(self._usd - self.max_cost, 6) > 0
        too_dear |= cost is None and self.max_cost == 0  # It still costs something.
        return not too_dear and (self.max_tasks is None or self._tasks <= self.max_tasks)


async def preview_many(
    rows: Sequence[CheckedRow],
    equal: Sequence[Task | None],
    journal: Journal,
    prices: Prices,
    sandbox: bool,
) -> ManyPreview:
    """What checked rows would do; each distinct question is asked once."""
    choices: dict[tuple[str, ...], Choice | Kling26Error] = {}
    costs: dict[int, float | None] = {}
    keyless: dict[int, Kling26Error] = {}
    paid: set[str] = set()
    for place, (row, task) in enumerate(zip(rows, equal, strict=True)):
        names = row.order.fingerprints
        if (task is not None and not await journal.is_left(task)) or paid & {*names}:
            continue
        paid |= {*names}
        asked = tuple(question(row.order.request, each) for each in row.order.targets)
        if asked not in choices:
            choices[asked] = await _choice(row, prices)
        chosen = choices[asked]
        if isinstance(chosen, Choice):
            costs[place] = chosen.price.usd
        else:
            keyless[place] = chosen
    budget = journal.budget()
    targets = {each.target.provider.name: each.target for each in _choices(choices)}
    return ManyPreview(
        equal,
        costs,
        keyless,
        await asyncio.gather(*(_left(target) for target in targets.values())),
        budget,
        await journal.spent() if budget.limited and not sandbox else None,
        await journal.spent_on({name for row in rows for name in row.order.fingerprints}),
    )


def _choices(found: dict[tuple[str, ...], Choice | Kling26Error]) -> list[Choice]:
    return [each for each in found.values() if isinstance(each, Choice)]


async def _choice(row: CheckedRow, prices: Prices) -> Choice | Kling26Error:
    try:
        return await choose(row.order, prices)
    except (MissingKey, Refused, SettingsError) as error:
        return error


async def _left(target: Target) -> Left:
    balance, problem = await balance_if_known(target, now() + _TIMEOUT)
    return Left(target, balance, problem)
