"""Keys kept out of what is shown and stored: providers may quote them."""

import json
import logging
import os
import re
import traceback
from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, AnyStr
from urllib.parse import quote

from .errors import Kling26Error, ProviderError
from .pasted import plain_key

if TYPE_CHECKING:
    import httpx

#: Who logs URLs, or what a provider says; a filter is for one logger, and not for those below it.
_LOGGERS = (
    "kling26", "kling26.plugins", "kling26.providers", "httpx", "httpcore.connection",
    "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
)  # fmt: skip
#: The variables that may contain a key, by their names: no other's value is ever sent as one.
KEY_VARIABLE = re.compile(
    "[a-z][a-z0-9_]*?(key|token|secret|password|credentials?)(_?[0-9]+)?", re.IGNORECASE | re.ASCII
)
#: A shorter key is no secret, and replacing it would only garble the words it occurs in.
_SHORTEST = 8


def spellings(key: str) -> list[str]:
    """The key as it may be quoted, the longest first: plain, in a URL, in a JSON string."""
    if not key:
        return []
    escaped = json.dumps(key)[1:-1]
    found = {key, quote(key), quote(key, safe=""), escaped, escaped.replace("/", r"\/")}
    return sorted(found, key=lambda each: (-len(each), each))


@lru_cache(maxsize=32)
def _pattern(key: str) -> re.Pattern[str]:
    """The key, with any of its letters escaped as in a URL or in JSON, also more than once."""
    in_base64 = re.escape(b64encode(key.encode("utf-8", "replace")).decode().rstrip("="))
    return re.compile("".join(map(_escaped, key)) + f"|{in_base64}=*")


def _escaped(letter: str) -> str:
    # Bounded, or a body of nothing but backslashes would take hours.
    octets = letter.encode("utf-8", "replace")
    in_url = "".join(f"%(?:25){{0,3}}(?i:{octet:02x})" for octet in octets)
    return rf"(?:\\{{0,7}}{re.escape(letter)}|{in_url}|\\{{1,7}}u(?i:{ord(letter):04x}))"


def redact(text: AnyStr, key: str) -> AnyStr:
    """The text with ``[key]`` instead of the key, also where a shortened text ends within it."""
    if len(key) < _SHORTEST:
        return text
    if isinstance(text, bytes):
        return re.sub(_pattern(key).pattern.encode(), b"[key]", text)
    text = _pattern(key).sub("[key]", text)
    for each in spellings(key):
        for length in range(len(each) - 1, _SHORTEST - 1, -1):
            text = text.replace(f"{each[:length]}…", "[key]…")
    return text


def environment_keys() -> tuple[str, ...]:
    """What the variables of the environment have that are named as a key's."""
    found = [
        key
        for name, value in os.environ.items()
        if KEY_VARIABLE.fullmatch(name)
        for key in (value.strip(), plain_key(value, (name,))[0])
    ]
    return tuple(dict.fromkeys(found))


def redact_environment(text: str) -> str:
    """The text without what any variable of the environment has that is named as a key's."""
    for key in environment_keys():
        text = redact(text, key)
    return text


class _WithoutKeys(logging.Filter):
    """Removes the keys that are in use from what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        for key in self.keys:
            text = redact(text, key)
        if text != record.getMessage():
            record.msg, record.args = text, ()
        return True


_LOGS = _WithoutKeys()


def keep_out_of_logs(key: str) -> None:
    """Never log this key: providers may quote it in what is logged, and httpx logs URLs."""
    _LOGS.keys.add(key)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_LOGS)


def redact_error(error: Kling26Error, key: str) -> None:
    """Remove the key from an error: from its words, its reply, and the errors it came from."""
    if not key:
        return
    error.message = redact(error.message, key)
    error.args = (error.message,)
    error.code = None if error.code is None else redact(error.code, key)
    if isinstance(error, ProviderError) and error.reply is not None:
        error.reply = _redact_reply(error.reply, key)
    _forget_requests(error)
    chain = "".join(traceback.format_exception(error))
    if redact(chain, key) != chain:
        error.__cause__, error.__suppress_context__ = None, True


def _forget_requests(error: BaseException) -> None:
    """Let the errors that this one came from not hold their requests, which are signed."""
    seen: BaseException | None = error
    while seen is not None:
        if hasattr(seen, "_request"):
            seen._request = None  # httpx's, which has no public way to do so.
        seen = seen.__cause__ or seen.__context__


def _redact_reply(reply: "httpx.Response", key: str) -> "httpx.Response":
    """A copy without the key, and without the request, which is signed with it."""
    import httpx

    return httpx.Response(
        reply.status_code,
        headers=[(redact(name, key), redact(value, key)) for name, value in reply.headers.raw],
        content=redact(reply.content, key),
    )
