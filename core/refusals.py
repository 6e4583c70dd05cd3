"""
What providers usually say, in our words.

The errors share one signature, so that a table may choose among them::

    NO: Mapping[int, refusals.Answer] = {401: refusals.key_rejected, 429: refusals.try_later}

    raise NO.get(code, refusals.refused)(self, reply, message, code)
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Protocol

import httpx

from .errors import (
    ImageRefused,
    KeyRejected,
    NoSuchTask,
    OptionRefused,
    OutOfCredit,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
)
from .provider import Provider
from .status import State
from .text import sanitize, sentence

logger: logging.Logger = logging.getLogger("kling26.providers")


class Answer(Protocol):
    """Any of the errors below that tell of a reply."""

    def __call__(
        self, provider: Provider, reply: httpx.Response, words: object, code: object = None
    ) -> ProviderError: ...


def refused(
    provider: Provider, reply: httpx.Response, words: object, code: object = None
) -> Refused:
    """The provider's "no", in its own words."""
    return Refused(
        f"{provider.title} refused the request: {_quoted(words, code)}",
        provider=provider.name,
        code=_text(code),
    )


def key_rejected(
    provider: Provider, reply: httpx.Response, words: object, code: object = None
) -> KeyRejected:
    """The key is wrong, expired or not allowed to do this."""
    return KeyRejected(
        f"{provider.title} does not accept the key: {_quoted(words, code)} "
        f"Set {provider.key_variable}, or run: kling26 keys set {provider.name}",
        provider=provider.name,
        code=_text(code),
    )


def out_of_credit(
    provider: Provider, reply: httpx.Response, words: object, code: object = None
) -> OutOfCredit:
    """The account has too little credit."""
    return OutOfCredit(
        f"The account at {provider.title} has too little credit: {_quoted(words, code)} "
        "Top it up and run this again.",
        provider=provider.name,
        code=_text(code),
    )


def try_later(
    provider: Provider, reply: httpx.Response, words: object, code: object = None
) -> TryLater:
    """The provider took nothing and asks for patience."""
    return TryLater(
        f"{provider.title} takes no more requests right now: {_quoted(words, code)}",
        retry_after=retry_after(reply),
        provider=provider.name,
        code=_text(code),
    )


def no_such_task(
    provider: Provider, reply: httpx.Response, words: object, code: object = None
) -> NoSuchTask:
    """The provider does not know the task it was asked about."""
    return NoSuchTask(
        f"{provider.title} does not know the task: {_quoted(words, code)}",
        provider=provider.name,
        code=_text(code),
    )


def unavailable(
    provider: Provider, reply: httpx.Response, words: object, code: object = None
) -> Unavailable:
    """The provider is in trouble; what it was asked, it may have done or not."""
    return Unavailable(
        f"{provider.title} is in trouble: {_quoted(words, code)}",
        reply=reply,
        provider=provider.name,
        code=_text(code),
    )


def no_callback(provider: Provider, problem: object) -> UnexpectedReply:
    """What came to the user's webhook is not from this provider, or not in a known form."""
    return UnexpectedReply(
        f"This is no callback of {provider.title}: {sanitize(problem, 160)}.",
        provider=provider.name,
    )


def option_refused(provider: Provider, option: str, why: str) -> OptionRefused:
    """For `Provider.check`: `why` begins after the provider's title, and says what to do."""
    message = f"{provider.title} {why}"
    if option == "image":
        return ImageRefused(message, provider=provider.name)
    return OptionRefused(message, option=option, provider=provider.name)


def state(provider: Provider, said: str, known: Mapping[str, State]) -> State:
    """Our word for a state; one that is not known is logged, and ends nothing."""
    if said not in known:
        _tell_unknown(provider.title, said[:40])
    return known.get(said, "running")


@cache
def _tell_unknown(title: str, said: str) -> None:
    """Once in a process: it is asked for again and again."""
    logger.warning("%s: unknown task state %r is taken as still running.", title, said)


def retry_after(reply: httpx.Response) -> float | None:
    """The wait a reply asks for, in seconds: a number or a date (RFC 9110, section 10.2.3)."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def _quoted(words: object, code: object) -> str:
    said = sentence(words) if words else "it gave no reason."
    return said if code in (None, "") else f"{said} (code {sanitize(code, 40)})"


def _text(code: object) -> str | None:
    return None if code in (None, "") else sanitize(code, 40)
