"""
The wording of a provider's errors, and the meaning of its states.

Plug-ins call `Provider.error` and `Provider.state`, which use this module.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from . import wire
from .errors import (
    KeyRejected,
    NoSuchTask,
    OutOfCredit,
    ProviderError,
    Refused,
    TryLater,
    Unavailable,
    UnexpectedReply,
)
from .status import State
from .text import sanitize, sentence

if TYPE_CHECKING:
    import httpx

logger: logging.Logger = logging.getLogger("kling26.providers")

#: A year, in seconds; no longer wait can be asked for.
_LONGEST_WAIT = 365 * 86_400.0
#: What errors mean: by a pattern of their words, else by their code, else by their HTTP status.
Errors = Mapping[int | str | re.Pattern[str], type[ProviderError]]
#: What an error of a service usually means, by its HTTP status.
USUAL: Errors = {
    401: KeyRejected,
    402: OutOfCredit,
    403: KeyRejected,
    404: NoSuchTask,
    408: Unavailable,  # Who gave up waiting, and for what, it does not say.
    409: UnexpectedReply,  # Something is there already: perhaps what an earlier request made.
    425: UnexpectedReply,  # Something is under way, and did not end there.
    429: TryLater,
}
#: Those after which nobody knows whether there is a task, unless a provider does.
_UNCLEAR = (408, 409, 425)
#: How the message of an error begins; the provider's own words follow a colon.
SENTENCES: Mapping[type[ProviderError], str] = {
    Refused: "{title} refused the request",
    KeyRejected: "{title} does not accept the key",
    OutOfCredit: "The account at {title} has too little credit",
    TryLater: "{title} is not accepting requests right now",
    NoSuchTask: "{title} does not know the task",
    Unavailable: "{title} is temporarily unavailable",
    ProviderError: "{title} said",
}
#: How an object calls the words and the code of an error, the usual names first.
_WORDS = (
    *("message", "msg", "error_message", "errorMessage", "error_msg", "description"),
    *("detail", "title"),
)
_CODES = ("code", "error_code", "errorCode", "error_type")
#: The "type" of a problem (RFC 9457), which is about the HTTP status, or a page to read.
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S*", re.IGNORECASE)


def message(kind: type[ProviderError], title: str, words: object, code: object) -> str:
    """
    The message of an error of that kind.

    >>> message(KeyRejected, "Acme", "Unknown key.", 401)
    'Acme does not accept the key: Unknown key (code 401).'
    """
    start = next(SENTENCES[each] for each in kind.__mro__ if each in SENTENCES)
    return f"{start.format(title=title)}: {reason_text(words, code)}"


def reason_text(words: object, code: object) -> str:
    """
    The provider's own words and code, with a full stop.

    >>> reason_text(None, 500)
    'no reason given (code 500).'
    """
    said = sanitize(words) if words else "no reason given"
    if (number := code_text(code)) is not None:
        said = f"{said.removesuffix('.')} (code {number})."
    return sentence(said, 400)


def code_text(code: object) -> str | None:
    """A provider's own code as text, or None."""
    return None if code in (None, "") else sanitize(code, 40)


def read_state(
    title: str, said: object, known: Mapping[str, State], url: str | None = None
) -> State:
    """
    Our name for a state, whatever its case.

    An unknown one is logged; it counts as succeeded if there is a `url`, else as running.
    """
    found = wire.state(said, known)
    if found is not None:
        return found
    state: State = "running" if url is None else "succeeded"
    _log_unknown(title, str(said)[:40], state)
    return state


@cache
def _log_unknown(title: str, said: str, state: State) -> None:
    """Once per process: every poll would log it again."""
    meaning = "still running" if state == "running" else state
    logger.warning("%s reported the unknown state %r; it is treated as %s.", title, said, meaning)


def find_error(answer: object) -> tuple[str | None, str | None]:
    """
    The words and the code of an error, from where services usually put them; None for what is not.

    >>> find_error({"error": {"code": "no_credit", "message": "The account is empty."}})
    ('The account is empty.', 'no_credit')
    >>> find_error({"detail": [{"msg": "Too long.", "type": "value_error"}]})
    ('Too long.', 'value_error')
    >>> find_error({"type": "about:blank", "title": "Unprocessable", "detail": "Too long."})
    ('Too long.', None)
    """
    words: str | None = None
    code: str | None = None
    for place in _error_places(answer):
        if isinstance(place, Mapping):
            words = words or _first_text(place, _WORDS)
            code = code or _first_text(place, _CODES)
            # Of the whole, a "type" is not that of the error.
            code = code or (None if place is answer else _type(place))
        else:
            words = words or wire.text(place)
    return words, code


def _error_places(answer: object) -> Iterator[object]:
    """What may say what is wrong: the parts that are about errors, then the whole."""
    inner = [wire.get(answer, name) for name in ("error", "errors", "detail")]
    for place in (*inner, answer):
        first = place[0] if isinstance(place, list) and place else place
        if isinstance(first, Mapping | str):
            yield first


def _type(place: Mapping[str, Any]) -> str | None:
    said = wire.text(place.get("type"))
    return None if said is None or _URI.fullmatch(said) else said


def _first_text(place: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := wire.text(place.get(name)))), None)


def meaning(
    errors: Errors, status: int, words: str | None, code: str | None
) -> type[ProviderError] | None:
    """What an error means, by its words, its code or its HTTP status; None if none is listed."""
    known: dict[str, type[ProviderError]] = {}
    for key, kind in errors.items():
        if not isinstance(key, re.Pattern):
            known[str(key)] = kind
        elif key.search(words or ""):
            return kind
    if code in known:
        return known[code]
    if status >= 500 or re.fullmatch("5[0-9]{2}", code or ""):
        return Unavailable
    if status >= 400:
        return known.get(str(status), UnexpectedReply if status in _UNCLEAR else None)
    # Under HTTP 200, only a code that is a usual "no" is clear.
    is_usual = re.fullmatch("4[0-9]{2}", code or "")
    return Refused if is_usual and int(is_usual[0]) not in _UNCLEAR else UnexpectedReply


def retry_after(reply: "httpx.Response") -> float | None:
    """
    The wait that a reply asks for, in seconds, by number or date (RFC 9110, 10.2.3).

    A date counts from the server's own, so that this machine's clock does not matter. None for
    anything else.
    """
    value = reply.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), _LONGEST_WAIT)
    until, since = _date(value), _date(reply.headers.get("date", ""))
    if until is None:
        return None
    wait = (until - (since or datetime.now(UTC))).total_seconds()
    return min(max(0.0, wait), _LONGEST_WAIT)


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
