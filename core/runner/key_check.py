"""Whether a provider accepts a key, as far as asking for the balance can tell."""

import asyncio
from collections.abc import Callable

from attrs import frozen

from ..errors import KeyRejected, OutOfCredit, ProviderError
from ..http.client import ProviderClient
from ..money import Balance
from ..provider import Provider
from .preview import balance_of

#: How long a provider may take to answer, in seconds.
_TIMEOUT = 12.0


@frozen
class KeyCheck:
    """
    What a provider says of a key.

    It is `accepted`, or not, or (None) that cannot be told: because there is no free way to ask, or
    because of a `problem`.
    """

    accepted: bool | None
    balance: Balance | None = None
    problem: ProviderError | None = None


async def check_key(provider: Provider, client: Callable[[], ProviderClient]) -> KeyCheck:
    """Ask for the balance with a client that has the key; raises `MissingKey`."""
    if not provider.can("balance"):
        return KeyCheck(None)
    try:
        async with asyncio.timeout(_TIMEOUT):
            return KeyCheck(True, await balance_of(provider, client()))
    except KeyRejected as error:
        return KeyCheck(False, problem=error)
    except OutOfCredit:
        return KeyCheck(True)
    except ProviderError as error:
        return KeyCheck(None, problem=error)
    except TimeoutError:
        late = f"{provider.title} did not answer in time."
        return KeyCheck(None, problem=ProviderError(late, provider=provider.name))
