"""
Why a cassette is neither played nor saved: it has a secret, or does not say where it comes from.

That is less than `kling26.testing.cassettes.problems` finds: what an account has left, say, or a
header too many, is untidy, but nobody can pay with it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..core.provider import Provider
from .scrubbing import is_path, parsed
from .secrets import SHORTEST, Secrets
from .sources import Source

_NAME = re.compile(
    r"authorization|cookie|passw(or)?d|secret|token|credential|signature|^sig$|jwt|"
    r"^(x[_-])?[a-z]*[_-]?(api|access|auth|private)[_-]?key$|^(x[_-])?key$",
    re.IGNORECASE,
)
#: What stands where a secret was, whoever struck it out.
_STRUCK_OUT = re.compile(
    r"\W*(scrubbed|redacted|filtered|removed|hidden|dummy|fake|masked|sanitized|placeholder|example|"
    r"your[\w-]*|(api[_-]?|test[_-]?)?key|x+)\W*|<[^<>]+>|\$?\{[^{}]+\}|(?-i:[A-Z]+(_[A-Z]+)+)",
    re.IGNORECASE,
)
#: What a header may say beside a secret, or instead of one.
_HARMLESS = re.compile(r"bearer|basic|key|token|digest|\d+|\w{0,3}|(path|expires|max-age)=.*", re.I)
_URL = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)

_REVOKE = "strike it out, and revoke the key if anybody has seen the file"
_SOURCE = (
    'does not say in "metadata.source" from where and when it is, such as '
    '"written from https://docs.acme.example/videos on 2026-11-27"'
)


def reason_to_refuse(
    cassette: Mapping[str, Any], secrets: Secrets, text: str = "", provider: Provider | None = None
) -> str | None:
    """
    Words that follow a cassette's name, or None.

    `text` is that of its file, comments and all; `provider` is the one that it should be of.
    """
    source = Source.read(cassette["metadata"].get("source"))
    for number, each in enumerate(cassette["interactions"], 1):
        for side in ("request", "response"):
            for place in _secret_places(each[side], secrets):
                return f"has a secret in {place} of the {side} of exchange {number}; {_REVOKE}"
    if source is None:
        return _SOURCE
    if source.is_to_come:
        return f"says that it is from {source.date}, which is still to come"
    outside = _place_outside(cassette["metadata"], secrets, text)
    if outside is not None:
        return f"has a secret in {outside}; {_REVOKE}"
    stranger = None if provider is None else source.stranger(provider)
    return None if stranger is None else f"says that it is {stranger}"


def _place_outside(metadata: Mapping[str, Any], secrets: Secrets, text: str) -> str | None:
    """Where a file has a secret that is in no exchange, if it has one."""
    if any(str(part) in secrets for pair in metadata.items() for part in pair):
        return "its metadata"
    for number, line in enumerate(text.splitlines(), 1):
        if line in secrets:
            kind = "a comment" if "#" in line else "what it says"
            return f"{kind} in line {number}"
    return "several of its lines, one after the other" if secrets.knows(text) else None


def _secret_places(message: Mapping[str, Any], secrets: Secrets) -> Iterator[str]:
    """Where a request or a response has a secret; the words never quote it."""
    if "uri" in message and (message["uri"] in secrets or _is_signed(message["uri"])):
        yield "the URL"
    if "status" in message and message["status"]["message"] in secrets:
        yield "the status"
    for name, values in message["headers"].items():
        if name in secrets or any(each in secrets or _signs(name, each) for each in values):
            yield "a header"
    body = message["body"]
    if isinstance(body, Mapping) and "string" in body:
        body = body["string"]
    yield from ("the body" for text in _texts(body) if text in secrets or _has_signed_url(text))
    yield from ("the body" for name, text in _fields(body) if _reveals(name, text))


def _signs(name: str, value: str) -> bool:
    """Whether a header lets somebody in; no good reason for one is too short for it."""
    words = [word for word in re.split(r"[\s;,]+", value) if not _HARMLESS.fullmatch(word)]
    return bool(_NAME.search(name)) and any(not _STRUCK_OUT.fullmatch(word) for word in words)


def _reveals(name: str, value: object) -> bool:
    """Whether a value is a secret because of its name; a short one, or a plain word, is none."""
    if not isinstance(value, str) or not _NAME.search(name) or len(value) < SHORTEST:
        return False
    if _STRUCK_OUT.fullmatch(value) or _URL.match(value) or value.isdecimal():
        return False
    if is_path(name, value):
        return False
    is_word = len(value) < 2 * SHORTEST and not re.search(r"\d", value)
    return not is_word and not re.search(r"\s", value)


def _has_signed_url(text: str | bytes) -> bool:
    return isinstance(text, str) and any(map(_is_signed, _URL.findall(text)))


def _is_signed(url: str) -> bool:
    """Whether a URL has a user, or a signature or a key in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:  # It only looked like one.
        return False
    user = parts.netloc.rpartition("@")[0]
    if user and not _STRUCK_OUT.fullmatch(user):
        return True
    return any(_reveals(name, value) for name, value in parse_qsl(parts.query))


def _texts(body: Any) -> Iterator[str | bytes]:
    """All texts in a body: the whole of it, or the parts of a form."""
    if isinstance(body, str | bytes):
        yield body
    elif isinstance(body, Mapping):
        for part in body["form"]:
            yield from (text for text in part.values() if isinstance(text, str | bytes))


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, object]]:
    """The names and values in a body, also in JSON within a string."""
    if isinstance(value, Mapping) and set(value) == {"form"}:
        for part in value["form"]:
            yield from _fields(part.get("value"), str(part.get("name", "")))
    elif isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _fields(each, str(inner))
    elif isinstance(value, list):
        for each in value:
            yield from _fields(each, name)
    elif isinstance(value, str) and (inner_json := parsed(value)) is not None:
        yield from _fields(inner_json, name)
    else:
        yield name, value
