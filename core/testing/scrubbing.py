"""
What stays in a cassette: nothing that is a secret, or that tells whose account it was.

Headers pass by a list of the allowed ones. Bodies keep what a provider's file reads; the names
and addresses that give a user away are emptied, inside JSON that is text in JSON, too.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

#: The headers that a cassette keeps, of requests and of answers.
REQUEST_HEADERS = ("accept", "content-type")
RESPONSE_HEADERS = ("content-type", "retry-after")

#: What is put in the place of a key, of another text, of a number, and of our own id of a task.
KEY, TEXT, NUMBER, TASK = "<KEY>", "scrubbed", 0, "k26-0000000000000000"

# What a task cost is no secret; what is left of the account is.
_PRIVATE = re.compile(
    r"account|balance|customer|e-?mail|organi[sz]ation|owner|password|phone|quota|remain|secret|"
    r"session|tenant|token|user|^(api)?[_-]?key$|^ip$|cookie",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"signature|^sig$|expire|credential|auth|x-amz|policy", re.IGNORECASE)
_TOKEN = re.compile(r"\bBearer\s+[\w.~+/=-]+|\bsk-[\w-]{8,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_TASK = re.compile(r"\bk26-[0-9a-f]{16}\b")
_URL = re.compile(r"https?://[^\s\"'<>\\]+")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+")


class Scrubber:
    """
    Scrubs the texts of one recording.

    `secrets` are replaced wherever they are. `own` are the API's addresses: as they are reached
    now, and as they usually are, which takes their place. Ids in them are asked for again and stay.
    """

    def __init__(
        self, secrets: Iterable[str] = (), own: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._own = own

    def body(self, body: bytes | str | None) -> str | bytes | None:
        """A body as a person can review it; bytes that are no text stay as they are."""
        if not body:
            return None
        try:
            text = body if isinstance(body, str) else body.decode()
        except UnicodeDecodeError:
            return body
        value = parsed(text)
        if value is None:
            return self._text(text)
        return json.dumps(self._value(value), indent=2, ensure_ascii=False)

    def uri(self, uri: str) -> str:
        """The address of a request: its path stays, what signs it does not."""
        parts = urlsplit(self._cleared(uri))
        query = [
            (name, TEXT if _PRIVATE.search(name) or _SIGNED.search(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
        netloc = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, netloc, parts.path, urlencode(query), ""))

    def _value(self, value: Any, private: bool = False) -> Any:
        if isinstance(value, Mapping):
            return {
                name: self._value(inner, private or bool(_PRIVATE.search(name)))
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self._value(inner, private) for inner in value]
        if private:
            return _emptied(value)
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        inner = parsed(text)
        if isinstance(inner, dict | list):
            scrubbed = self._value(inner)
            return text if scrubbed == inner else json.dumps(scrubbed, ensure_ascii=False)
        text = _URL.sub(lambda found: self._link(found[0]), self._cleared(text))
        return _without_numbers(text) if _PATH.fullmatch(text) else text

    def _link(self, url: str) -> str:
        parts = urlsplit(url)
        own = any(url.startswith(address) for address in self._own.values())
        path = parts.path if own else _without_numbers(parts.path)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))

    def _cleared(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, KEY)
        for now, usual in self._own.items():
            text = text.replace(now, usual)
        return _TASK.sub(TASK, _TOKEN.sub(KEY, text))


def parsed(text: str) -> Any:
    """The JSON of an object or an array; None for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def allowed(headers: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The headers of these names, which are told in lower case."""
    return {name.lower(): text for name, text in headers.items() if name.lower() in names}


def _emptied(value: Any) -> Any:
    if isinstance(value, str):
        return TEXT if value else ""
    return NUMBER if isinstance(value, int | float) and not isinstance(value, bool) else value


def _without_numbers(path: str) -> str:
    """A path without the parts that are nothing but a number, such as an account's id."""
    return "/".join("0" if part.isdigit() else part for part in path.split("/"))
