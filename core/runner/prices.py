"""What a video will cost, as far as that is known before it is paid for."""

import asyncio
import logging

import attrs
from attrs import define, field

from ..errors import JournalError
from ..http.pacing import now
from ..journal.journal import Journal
from ..money import Price, amount, in_usd, list_price, price_in_usd, priced_alike, pricing_options
from .order import Order

logger: logging.Logger = logging.getLogger("kling26")

#: How long the answer to a question for a price counts, in seconds, and how long a failure does.
_LASTS, _FAILURE_LASTS = 3600.0, 60.0
#: How long a provider may take to answer it, in seconds: the video must not wait for its price.
_TIMEOUT = 5.0


@define
class _Quote:
    """A price in USD that a provider has told, until it is too old."""

    lock: asyncio.Lock = field(factory=asyncio.Lock)
    usd: float | None = None
    until: float = 0.0


@define
class Prices:
    """
    The prices of orders: what the provider says, else its list price, else what the same took last.

    What a provider has said is remembered for an hour.
    """

    journal: Journal
    _quotes: dict[object, _Quote] = field(factory=dict, init=False)

    async def of(self, order: Order) -> Price:
        """The price of an order; raises no error."""
        provider = order.target.provider
        if provider.can("quote"):
            usd = await self._quoted(order)
            if usd is not None:
                return price_in_usd(provider, usd, "quote")
        usd = list_price(provider, order.request, order.target.options)
        if usd is not None:
            return price_in_usd(provider, usd, "list")
        return await self._usual(order)

    async def _quoted(self, order: Order) -> float | None:
        quote = self._quotes.setdefault(_question(order), _Quote())
        async with quote.lock:  # Many tasks at once ask once.
            if quote.until < now():
                quote.usd = await _ask(order)
                quote.until = now() + (_FAILURE_LASTS if quote.usd is None else _LASTS)
        return quote.usd

    async def _usual(self, order: Order) -> Price:
        target, request = order.target, order.request
        try:
            made = await self.journal.stored(
                target.provider.name, target.realm, request.duration, request.sound
            )
        except JournalError:
            return Price()
        for task in made:
            if task.cost is not None and priced_alike(
                target.provider, target.options, task.options
            ):
                unit = task.cost_unit or target.provider.cost_unit
                usd = task.cost_usd or in_usd(target.provider, task.cost, unit)
                return Price(task.cost, unit, usd, "usual")
        return Price()


def _question(order: Order) -> object:
    """What a price depends on."""
    target, request = order.target, order.request
    own = attrs.asdict(target.options)  # type: ignore[arg-type]  # An attrs class, checked.
    names = [info.name for info, _ in pricing_options(target.provider)]
    shared = request.kind, request.duration, request.sound
    return target.provider.name, target.realm, shared, tuple(own[name] for name in names)


async def _ask(order: Order) -> float | None:
    provider, request, options = order.target.provider, order.request, order.target.options
    end = now() + _TIMEOUT
    try:
        said: object = await order.target.client.ask_until(
            lambda: end, lambda: provider.quote(request, options)
        )
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything.
        logger.info("%s told no price: %s", provider.title, error)
        return None
    return amount(said)
