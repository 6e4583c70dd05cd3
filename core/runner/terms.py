"""On what terms orders may be paid for: alone, or as one of many that share them."""

from attrs import define, field

from ..errors import BudgetExceeded, KeyRejected, Kling26Error, MissingKey, NotSent, OutOfCredit
from ..http.pacing import now
from ..spending import Allowance
from ..text import sentence

#: After these, a provider would say the same to the next one.
_CLOSING = (OutOfCredit, KeyRejected, MissingKey)


@define(eq=False)
class Terms:
    """
    What many orders share: an `allowance`, and what becomes of the others when one of them fails.

    What is here already, or under way, is given all the same.
    """

    allowance: Allowance | None = None
    #: Until when anything may be sent, on the event loop's clock; None for ever.
    until: float | None = None
    #: The task of which it was said that the limit of the cost cannot hold for it.
    unlimited_cost: str | None = None
    #: Those to whom nothing more is sent, by name, and the error that says why.
    _closed: dict[str, Kling26Error] = field(factory=dict, init=False)
    #: Why nothing more is recorded: what is, has its share of what may be spent.
    _over: Kling26Error | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)

    @property
    def late(self) -> bool:
        """Whether there is no time left to send anything."""
        return self.until is not None and now() >= self.until

    def learn(self, error: Kling26Error, provider: str | None) -> None:
        """Take note of how an order ended that was for a provider, or for any."""
        if isinstance(error, BudgetExceeded):
            self._over = self._over or error
        elif isinstance(error, _CLOSING) and provider is not None:
            self._closed.setdefault(provider, error)

    def end(self) -> None:
        """Let nothing more be sent: nobody waits for it any more."""
        self._ended = True

    def check(self, provider: str) -> None:
        """Raise `NotSent` if what is recorded may not be sent to a provider any more."""
        if (why := self._objection(provider, None)) is not None:
            raise why

    def objection(self, provider: str) -> NotSent | None:
        """Why nothing more may be recorded for a provider; None if it may."""
        return self._objection(provider, self._over)

    def _objection(self, provider: str, over: Kling26Error | None) -> NotSent | None:
        if self._ended:
            return NotSent("Nobody waited for it any more, so it was not sent.")
        if self.late:
            return NotSent("Time ran out before it was sent.")
        why = over or self._closed.get(provider)
        if why is None:
            return None
        reason = sentence(why, 1000)
        return NotSent(
            f"It was not sent, for the same reason as another one: {reason}",
            provider=provider,
            code=why.code,
            remedy=why.remedy,
        )


#: Those of an order by itself, which nothing holds back.
FREELY: Terms = Terms()
