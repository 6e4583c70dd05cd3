"""
A provider's answer as an error or a state: what it means in our words, then its own.

`Provider.error` and `Provider.state` are what plug-ins call.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx

from .errors import (
    KeyRejected,
    NoSuchTask,
    OutOfCredit,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
)
from .status import State
from .text import sanitize, sentence

logger: logging.Logger = logging.getLogger("kling26.providers")

#: What an error says of the provider; its own words come after a colon.
SENTENCES: Mapping[type[ProviderError], str] = {
    Refused: "{title} refused the request",
    KeyRejected: "{title} does not accept the key",
    OutOfCredit: "The account at {title} has too little credit",
    TryLater: "{title} takes no more requests right now",
    NoSuchTask: "{title} does not know the task",
    Unavailable: "{title} is in trouble",
    ProviderError: "{title} said",
}


def message(kind: type[ProviderError], title: str, words: object, code: object) -> str:
    """
    What an error of a kind says.

    >>> message(KeyRejected, "Acme", "Unknown key.", 401)
    'Acme does not accept the key: Unknown key (code 401).'
    """
    said = sanitize(words) if words else "it gave no reason"
    if (number := code_text(code)) is not None:
        said = f"{said.removesuffix('.')} (code {number})."
    start = next(SENTENCES[each] for each in kind.__mro__ if each in SENTENCES)
    return f"{start.format(title=title)}: {sentence(said, 400)}"


def code_text(code: object) -> str | None:
    """A provider's own code as text, None where there is none."""
    return None if code in (None, "") else sanitize(code, 40)


def read_state(title: str, said: str, known: Mapping[str, State]) -> State:
    """Our word for a state; one that is not known is logged, and ends nothing."""
    if said not in known:
        _log_unknown(title, said[:40])
    return known.get(said, "running")


@cache
def _log_unknown(title: str, said: str) -> None:
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
