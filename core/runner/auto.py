"""
"auto": whoever of the user's providers can.

The next provider gets a task only where the one before it certainly took nothing: it has no key or
does not accept it, has too little credit, asks for a long wait, or cannot be reached. What it says
of the request itself, the next one would say too; and what it may have taken is never sent twice.
"""

import asyncio
from collections.abc import Mapping, Sequence

from attrs import define, evolve, frozen

from ..errors import (
    KeyRejected,
    Kling26Error,
    MissingKey,
    NetworkSettingsError,
    OutOfCredit,
    Refused,
    Remedy,
    SettingsError,
    TryLater,
    Unavailable,
    Unreachable,
)
from ..images import ImageFile
from ..journal.journal import Journal
from ..journal.task import Passed, Task
from ..money import Price
from ..request import ImageOption
from ..text import join_sentences, join_words, sentence
from ..threads import in_thread
from .context import TakenOver
from .order import Order, Resolver, Target
from .prices import Prices

#: What says that nothing was taken, and nothing about the request.
_PASSING = (MissingKey, KeyRejected, OutOfCredit, TryLater, Unreachable, Unavailable)


def may_pass(task: Task, error: Kling26Error) -> bool:
    """Whether another provider may make a task after this error."""
    settings = isinstance(error, NetworkSettingsError)  # They are wrong for every provider.
    return task.auto and task.standing == "unsent" and isinstance(error, _PASSING) and not settings


@frozen
class Choice:
    """
    Who is to make a video, for what price; `passed` are those who were passed over so far.

    `reasons` has a sentence on why each of them was, or on several at once.
    """

    target: Target
    price: Price
    passed: Sequence[Passed] = ()
    reasons: Sequence[str] = ()


class Replaced(Exception):
    """The chosen provider makes the same video already, as the task `other`."""

    def __init__(self, other: Task) -> None:
        super().__init__(other.id)
        self.other = other


async def choose(order: Order, prices: Prices, passed: Sequence[Passed] = ()) -> Choice:
    """
    Who is to make the video of an order: of several, the cheapest with a key, or the preferred one.

    Those in `passed` are not asked again. Raises `MissingKey`, and `Refused` if nobody is left.
    """
    if not order.auto:
        target = order.targets[0]
        _ = target.client  # Without a key, there must be no row.
        return Choice(target, await prices.of(order.request, target))
    before = {each.provider for each in passed}
    targets = [each for each in order.targets if each.provider.name not in before]
    ready, keyless = _with_keys(targets)
    without = [target for target, _ in keyless]
    unfit = [each for each in order.passed if each.provider not in before]
    reasons = [*(each.why for each in (*passed, *unfit)), *_reasons(keyless)]
    if not ready:
        raise _taken_by_none(reasons) if passed else _no_key(without, reasons)
    told = await asyncio.gather(*(prices.told(order.request, each) for each in ready))
    priced = list(zip(ready, told, strict=True))
    if not order.in_order:
        priced.sort(key=lambda pair: (pair[1].usd is None, pair[1].usd or 0.0))
    target, price = priced[0]
    if price.source is None:
        price = await prices.of(order.request, target)
    settled = max((each.attempts for each in passed), default=0)
    skipped = [*unfit, *(Passed(each.provider.name, sentence(why)) for each, why in keyless)]
    known = [*passed, *(evolve(each, attempts=settled) for each in skipped)]
    return Choice(target, price, tuple(known), reasons)


def _with_keys(
    targets: Sequence[Target],
) -> tuple[list[Target], list[tuple[Target, Kling26Error]]]:
    """The targets whose client can be made, and the others, with the reason."""
    ready: list[Target] = []
    others: list[tuple[Target, Kling26Error]] = []
    for target in targets:
        try:
            _ = target.client
        except NetworkSettingsError:
            raise
        except (MissingKey, SettingsError) as error:
            others.append((target, error))
        else:
            ready.append(target)
    return ready, others


def _reasons(keyless: Sequence[tuple[Target, Kling26Error]]) -> list[str]:
    """Why providers cannot be asked: those without a key are in one sentence."""
    titles = [each.provider.title for each, why in keyless if isinstance(why, MissingKey)]
    words = [sentence(why) for _, why in keyless if not isinstance(why, MissingKey)]
    return [*words, f"There is no API key for {join_words(titles)}."] if titles else words


def _taken_by_none(reasons: Sequence[str]) -> Refused:
    """The error when all were passed over."""
    refusal = Refused(join_sentences("No provider took this request.", *reasons))
    refusal.reasons = reasons
    return refusal


def _no_key(targets: Sequence[Target], reasons: Sequence[str]) -> MissingKey:
    """The error when nobody can be asked."""
    first = targets[0].provider
    variables = join_words(each.provider.key_variable for each in targets)
    return MissingKey(
        join_sentences(*reasons, f"Set {variables}."),
        remedy=Remedy("set_key", variable=first.key_variable, page=first.key_page),
    )


@define
class Turns:
    """Lets one provider after the other have a go at a task."""

    resolver: Resolver
    prices: Prices
    journal: Journal

    async def others(self, task: Task, files: Mapping[ImageOption, ImageFile]) -> bool:
        """Whether a task has other providers, before or after the one that it is with."""
        if any(each.attempts for each in task.passed):
            return True
        order = await self._order(task, files)
        passed = {task.provider, *(each.provider for each in task.passed)}
        ready, _ = _with_keys([t for t in order.targets if t.provider.name not in passed])
        return bool(ready)

    async def next(
        self, task: Task, error: Kling26Error, files: Mapping[ImageOption, ImageFile]
    ) -> tuple[Task, Target]:
        """
        Let the next provider make a task, after the `error` of the one before.

        `files` are its pictures. Raises `Refused` if there is no other, `MissingKey` if none has
        a key, `Replaced`, and `TakenOver`.
        """
        assert task.owner is not None
        order = await self._order(task, files)
        nothing_tried = isinstance(error, MissingKey) and not task.attempts
        why = Passed(task.provider, sentence(error, 1000), task.attempts)
        try:
            choice = await choose(order, self.prices, (*task.passed, why))
        except Refused as refusal:
            if nothing_tried and not any(each.attempts for each in task.passed):
                raise error from None
            refusal.remedy = error.remedy
            raise refusal from error
        turned = _turned(task, order, choice)
        row = await self.journal.turn_to(task.owner, turned)
        if row is None:
            raise TakenOver
        if row.id != task.id:
            raise Replaced(row)
        return row, choice.target

    async def _order(self, task: Task, files: Mapping[ImageOption, ImageFile]) -> Order:
        return await in_thread(self.resolver.order_again, task, task.request(files))


def _turned(task: Task, order: Order, choice: Choice) -> Task:
    """The task as the chosen provider's."""
    target = choice.target
    return evolve(
        task,
        provider=target.provider.name,
        plugin=target.plugin,
        realm=target.realm,
        fingerprint=target.fingerprint(order.request),
        options=target.own,
        price_usd=choice.price.usd,
        passed=choice.passed,
        error=None,
        code=None,
        remedy=None,
    )
