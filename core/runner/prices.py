"""What a video will cost, as far as that is known before it is paid for."""

import asyncio
import hashlib
import json
import logging
from contextlib import suppress

from attrs import define, field

from ..errors import JournalError
from ..http.pacing import now
from ..journal.journal import Journal
from ..money import Price, in_usd, list_price, price_in_usd, price_of, pricing
from ..request import VideoRequest
from .order import Target

logger: logging.Logger = logging.getLogger("kling26")

#: How long the answer to a question for a price counts, in seconds, and how long a failure does.
_LASTS, _FAILURE_LASTS = 3600.0, 60.0
#: How long a provider may take to answer it, in seconds: the video must not wait for its price.
_TIMEOUT = 5.0


@define
class _Quote:
    """A price in USD that a provider has told, until it is too old; None if it told none."""

    lock: asyncio.Lock = field(factory=asyncio.Lock)
    usd: float | None = None
    until: float = 0.0


@define
class Prices:
    """
    The prices of videos: what the provider says, else its list price, else what the same took last.

    What a provider has said counts for an hour, also for other processes, unless they are not
    `kept` in the journal.
    """

    journal: Journal
    kept: bool = True
    _quotes: dict[str, _Quote] = field(factory=dict, init=False)

    async def of(self, request: VideoRequest, target: Target) -> Price:
        """The price of a request; raises no error."""
        told = await self.told(request, target)
        return await self._usual(request, target) if told.source is None else told

    async def told(self, request: VideoRequest, target: Target) -> Price:
        """The price as the provider tells or lists it; raises no error."""
        provider = target.provider
        if provider.can("quote"):
            usd = await self._quoted(request, target)
            if usd is not None:
                return price_in_usd(provider, usd, "quote")
        usd = list_price(provider, request, target.options)
        return Price() if usd is None else price_in_usd(provider, usd, "list")

    async def _quoted(self, request: VideoRequest, target: Target) -> float | None:
        asked = question(request, target)
        quote = self._quotes.setdefault(asked, _Quote())
        async with quote.lock:  # Many tasks at once ask once.
            if quote.until < now():
                quote.usd = await self._look_up(asked, request, target)
                quote.until = now() + (_FAILURE_LASTS if quote.usd is None else _LASTS)
        return quote.usd

    async def _look_up(self, asked: str, request: VideoRequest, target: Target) -> float | None:
        with suppress(JournalError):
            if (usd := await self.journal.quoted(asked, _LASTS)) is not None:
                return usd
        usd = await _ask(request, target)
        if usd is not None and self.kept:
            with suppress(JournalError):
                await self.journal.keep_quote(asked, usd)
        return usd

    async def _usual(self, request: VideoRequest, target: Target) -> Price:
        provider = target.provider
        try:
            made = await self.journal.stored(
                provider.name, target.realm, request.duration, request.sound
            )
        except JournalError:
            return Price()
        asked = pricing(provider, target.own)
        for task in made:
            if pricing(provider, task.options) == asked:
                unit = task.cost_unit or provider.cost_unit
                usd = in_usd(provider, task.cost, unit) if task.cost_usd is None else task.cost_usd
                return Price(task.cost, unit, usd, "usual")
        return Price()


def question(request: VideoRequest, target: Target) -> str:
    """A hash of what a price depends on."""
    shared = request.kind, request.duration, request.sound, request.end_image is not None
    what = [target.provider.name, target.realm, shared, pricing(target.provider, target.own)]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


async def _ask(request: VideoRequest, target: Target) -> float | None:
    provider, end = target.provider, now() + _TIMEOUT
    try:
        said: object = await target.client.ask_until(
            lambda: end, lambda: provider.quote(request, target.options)
        )
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything.
        logger.info("%s told no price: %s", provider.title, error)
        return None
    return price_of(said)
