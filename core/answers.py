"""The usual answers of a provider, as errors in words."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from .errors import KeyRejected, NoSuchTask, OutOfCredit, Refused, TryLater
from .provider import Provider
from .text import plain, sentence


def refused(provider: Provider, words: object, code: object = None) -> Refused:
    """The provider's "no", in its own words."""
    return Refused(
        f"{provider.title} refused the request: {_quoted(words, code)}",
        provider=provider.name,
        code=_text(code),
    )


def key_rejected(provider: Provider, words: object, code: object = None) -> KeyRejected:
    """The key is wrong, expired or not allowed to do this."""
    return KeyRejected(
        f"{provider.title} does not accept the key: {_quoted(words, code)} "
        f"Set {provider.key_variable}, or run: kling26 keys set {provider.name}",
        provider=provider.name,
        code=_text(code),
    )


def out_of_credit(provider: Provider, words: object, code: object = None) -> OutOfCredit:
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


def no_such_task(provider: Provider, words: object, code: object = None) -> NoSuchTask:
    """The provider does not know the task it was asked about."""
    return NoSuchTask(
        f"{provider.title} does not know the task: {_quoted(words, code)}",
        provider=provider.name,
        code=_text(code),
    )


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
    return said if code in (None, "") else f"{said} (code {plain(code, 40)})"


def _text(code: object) -> str | None:
    return None if code in (None, "") else plain(code, 40)
