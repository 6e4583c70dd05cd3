"""`--dry-run` of many rows: what they would do and cost, without paying or writing anything."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum
from typing import TYPE_CHECKING

import attrs
from attrs import frozen

from ...core.errors import Kling26Error
from ...core.money import usd_text
from ...core.rehearsal import is_emulator
from ...core.spending import left
from ...core.text import join_sentences, join_words, sentence
from ..money_texts import balance_text, budget_text
from ..tables import paragraph
from .flags import ManyFlags
from .plan import Plan, equal_rows

if TYPE_CHECKING:
    from ...core.runner.preview_many import Left, ManyPreview
    from ...core.runner.runner import Runner

_END = "This was a dry run: nothing was paid."


@frozen
class Numbers:
    """How many rows would do what; `equal` ask for the video of another row."""

    rows: int
    reuse: int
    join: int
    equal: int
    unknown: int
    pay: int
    left_out: int
    no_key: int
    price_usd: float
    price_unknown: int


async def preview(runner: "Runner", plan: Plan, flags: ManyFlags) -> tuple[str, bool]:
    """What a run would do, in words or as a JSON object; and whether it could send every row."""
    rehearsal = flags.sandbox or runner.settings.sandbox
    seen = await runner.preview_many(plan.rows, rehearsal)
    numbers = _numbers(plan, seen, flags, rehearsal)
    sendable = not (numbers.left_out or numbers.no_key)
    if flags.as_json:
        return _as_object(seen, numbers), sendable
    lines = (*_lines(plan, seen, numbers, flags, rehearsal), _END)
    return "\n".join(line for text in lines for line in paragraph(text, "")), sendable


def _numbers(plan: Plan, seen: "ManyPreview", flags: ManyFlags, rehearsal: bool) -> Numbers:
    found = Counter(
        "unknown" if task.state == "unknown" else "reuse" if task.standing == "stored" else "join"
        for place, task in enumerate(seen.equal)
        if task is not None and place not in seen.prices and place not in seen.keyless
    )
    left_out = seen.left_out(flags.max_cost, flags.max_tasks, rehearsal)
    prices = list(seen.prices.values())
    paid, rows = len(prices) - left_out, len(plan.rows)
    known = [price for price in prices[:paid] if price is not None]
    rest = rows - found.total() - len(prices) - len(seen.keyless)
    return Numbers(
        rows=rows,
        reuse=found["reuse"],
        join=found["join"],
        equal=rest,
        unknown=found["unknown"],
        pay=paid,
        left_out=left_out,
        no_key=len(seen.keyless),
        price_usd=round(fsum(known), 6),
        price_unknown=paid - len(known),
    )


def _as_object(seen: "ManyPreview", numbers: Numbers) -> str:
    budget = None if seen.spent is None else attrs.asdict(left(seen.budget, seen.spent))
    balances = [
        {"provider": each.target.provider.name, **attrs.asdict(each.balance)}
        for each in seen.balances
        if each.balance is not None
    ]
    return json.dumps({**attrs.asdict(numbers), "budget": budget, "balances": balances})


def _lines(
    plan: Plan, seen: "ManyPreview", numbers: Numbers, flags: ManyFlags, rehearsal: bool
) -> Iterator[str]:
    yield from equal_rows(plan)
    yield _counts(numbers)
    if numbers.pay:
        yield _costs(numbers, rehearsal)
    if numbers.left_out:
        yield f"{_rows(numbers.left_out)} would not be sent: {_limits(flags, seen)}."
    if numbers.pay and flags.max_cost is not None and seen.unlimited():
        yield "No price is known yet, so --max-cost cannot hold at first; --max-tasks can."
    for why in {str(each): each for each in seen.keyless.values()}.values():
        yield _keyless(seen, why)
    if seen.spent is not None:
        yield f"Budget: {budget_text(seen.budget, seen.spent)}."
    yield from (_balance(each) for each in seen.balances if not is_emulator(each.target.provider))


def _counts(numbers: Numbers) -> str:
    parts = [
        (numbers.reuse, "here already"),
        (numbers.join, "being made"),
        (numbers.equal, "equal to others"),
        (numbers.unknown, "unknown, and not sent again"),
        (numbers.pay, "to be paid for"),
        (numbers.no_key, "without a provider that has a key"),
    ]
    said = [f"{count} {words}" for count, words in parts if count]
    return f"{_rows(numbers.rows)}: {', '.join(said) or 'none to be paid for'}."


def _costs(numbers: Numbers, rehearsal: bool) -> str:
    begin = "A rehearsal costs nothing; real ones" if rehearsal else "Cost"
    unknown = f"the price of {numbers.price_unknown} is unknown" if numbers.price_unknown else ""
    if not numbers.price_usd:
        return f"{begin}: {unknown}."
    return f"{begin}: {usd_text(numbers.price_usd)}{f', and {unknown}' if unknown else ''}."


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"


def _limits(flags: ManyFlags, seen: "ManyPreview") -> str:
    """What holds rows back, of what is set."""
    limits: Sequence[tuple[bool, str]] = (
        (flags.max_cost is not None, "--max-cost"),
        (flags.max_tasks is not None, "--max-tasks"),
        (seen.spent is not None, "the budget"),
    )
    names = [name for is_set, name in limits if is_set]
    return f"{join_words(names, 'or')} would not allow that"


def _keyless(seen: "ManyPreview", why: Kling26Error) -> str:
    count = sum(str(each) == str(why) for each in seen.keyless.values())
    return join_sentences(f"{_rows(count)} would not be sent", sentence(why, 1000))


def _balance(each: "Left") -> str:
    title = each.target.provider.title
    known = "unknown" if each.balance is None else balance_text(each.balance)
    why = "" if each.problem is None else sentence(each.problem, 1000)
    return join_sentences(f"Balance at {title}: {known}.", why)
