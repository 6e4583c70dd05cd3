"""
What a cassette keeps: nothing that is secret, or that says whose account it was.

Of the headers, only those in a list are kept. Keys go wherever they are, as
`kling26.testing.secrets` finds them. In bodies, values whose name suggests something private are
emptied, also in JSON inside a JSON string and in the fields of a form; all that a provider reads
stays. A URL is scrubbed in the same way wherever it is, so that the next request still asks for
what a reply said: one of the API itself keeps its query except for private parts and signatures,
any other loses its query and the numbers in its path.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

from ..core.settings import origin
from .secrets import Secrets

T = TypeVar("T")

#: The headers that a cassette keeps, of requests and of responses.
REQUEST_HEADERS = ("accept", "content-type")
RESPONSE_HEADERS = ("content-type", "retry-after")

#: What replaces a private string, and a number.
TEXT, NUMBER = "scrubbed", 0

# What a task cost is no secret; what is left of the account is.
_PRIVATE = re.compile(
    r"account|authorization|balance|credential|customer|e-?mail|organi[sz]ation|owner|password|phone|"
    r"quota|remain|secret|session|tenant|token|user|^ip$|cookie|"
    r"^(x[_-])?(api|access|auth|private)?[_-]?keys?([_-]?id)?$",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"signature|^sig$|expire|credential|auth|x-amz|policy", re.IGNORECASE)
# Our own id of a task, except for those in a cassette.
_TASK = re.compile(r"\bk26-(?!0{12})[0-9a-f]{16}\b")
# A string that is a URL, and URLs within a string.
_WHOLE_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)
_PAIR = re.compile(r"([^&=]+)=([^&]+)")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+")
# A file in a store, which many call its key: "uploads/fox.png", "videos/2026/ab12cd".
_KEY_OF_FILE = re.compile(
    r"/?([a-z][\w-]*/[\w./-]*|([\w-]+/)*[\w-]+\.(png|jpe?g|webp|mp4|mov|webm|json))"
)


def task_id(number: int) -> str:
    """Our own id of a cassette's task; they are numbered from 0."""
    return f"k26-{number:016x}"


class Scrubber:
    """
    Scrubs one recording.

    `secrets` are replaced wherever they occur. `own` maps the URLs of the API that are in use to
    its usual ones, which replace them. `tasks` are our own ids of the tasks, in the order in which
    they were made.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        own: Mapping[str, str] = MappingProxyType({}),
        tasks: Sequence[str] = (),
    ) -> None:
        self.secrets = Secrets([secret for secret in secrets if secret])
        self._own = own
        self._origins = {origin(usual) for usual in own.values()}
        self._tasks = tasks

    def body(self, body: bytes | str | None) -> str | bytes | None:
        """A body that people can review; bytes that are not text stay as they are."""
        if not body:
            return None
        if isinstance(body, str):
            text = body
        else:
            try:
                text = body.decode()
            except UnicodeDecodeError:
                # In Latin-1 every byte is a character, and stays what it is.
                return self.secrets.without(body.decode("latin-1")).encode("latin-1")
        value = parsed(text)
        if value is None:
            return self._text(text)
        return json.dumps(self._value(value), indent=2, ensure_ascii=False)

    def uri(self, uri: str) -> str:
        """The URL of a request."""
        return self._url(self._cleared(uri))

    def text(self, text: str) -> str:
        """Any other text, such as a header's."""
        return self._cleared(text)

    def field(self, name: str, value: str) -> str:
        """The value of a form's field."""
        return TEXT if value and _is_private(name, value) else self._text(value)

    def _value(self, value: Any, private: bool = False) -> Any:
        if isinstance(value, Mapping):
            return {
                self._cleared(name): self._value(inner, private or _is_private(name, inner))
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
            text = text if scrubbed == inner else json.dumps(scrubbed, ensure_ascii=False)
            return self._cleared(text)  # In a name that occurs twice, of which JSON keeps one.
        text = self._cleared(text)
        if _WHOLE_URL.fullmatch(text):
            return self._url(text)
        text = _URL.sub(lambda found: self._url(found[0]), text)
        return _without_numbers(text) if _PATH.fullmatch(text) else text

    def _url(self, url: str) -> str:
        """A URL, whether it is in a reply or a request goes there."""
        try:
            parts = urlsplit(url)
            own = origin(url) in self._origins
        except ValueError:  # It only looked like one.
            return TEXT
        netloc = parts.netloc.rpartition("@")[2]
        if own:  # With its ids: the next request has them.
            query = _PAIR.sub(lambda pair: self._pair(*pair.groups()), parts.query)
            return urlunsplit((parts.scheme, netloc, parts.path, query, ""))
        return urlunsplit((parts.scheme, netloc, _without_numbers(parts.path), "", ""))

    def _pair(self, name: str, value: str) -> str:
        """A name and a value of a query, both still quoted."""
        if any(which.search(unquote_plus(name)) for which in (_PRIVATE, _SIGNED)):
            return f"{name}={TEXT}"
        text = unquote_plus(value)
        scrubbed = self._text(text)
        return f"{name}={value if scrubbed == text else quote(scrubbed, safe='')}"

    def _cleared(self, text: str) -> str:
        text = self.secrets.without(text)
        for now, usual in self._own.items():
            text = text.replace(now, usual)
        return _TASK.sub(lambda found: self._task(found[0]), text)

    def _task(self, own: str) -> str:
        return task_id(self._tasks.index(own) if own in self._tasks else 0)


def is_path(name: str, value: object) -> bool:
    """Whether a "key" is that of a file in a store."""
    return name.lower() == "key" and isinstance(value, str) and bool(_KEY_OF_FILE.fullmatch(value))


def _is_private(name: str, value: object) -> bool:
    return bool(_PRIVATE.search(name)) and not is_path(name, value)


def parsed(text: str) -> Any:
    """The JSON of an object or an array; None for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def allowed(headers: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    """The headers of these names, in lower case."""
    return {name.lower(): text for name, text in headers.items() if name.lower() in names}


def _emptied(value: Any) -> Any:
    if isinstance(value, str):
        return TEXT if value else ""
    return NUMBER if isinstance(value, int | float) and not isinstance(value, bool) else value


def _without_numbers(path: str) -> str:
    """A path with 0 for each part that is only a number, such as an account's id."""
    return "/".join("0" if part.isdigit() else part for part in path.split("/"))
