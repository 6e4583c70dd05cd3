"""
Keys, found wherever they hide in a cassette.

A key is looked for as it is, and in whatever a text can be read as: percent-decoded, without the
escapes of JSON and HTML, as base64 and hexadecimal digits, unpacked; and in what that can be read
as, in turn. A part of a key is a secret too: a beginning or an end of eight characters, or twelve
from anywhere in it. So is what looks like a key: a JWT, or what an Authorization header has.
"""

import html
import re
import string
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from urllib.parse import unquote

from attrs import field, frozen

from ..core.pasted import plain_key
from ..core.redaction import redact

#: What stands in a cassette where a key was.
KEY = "<KEY>"

#: A shorter text is no secret: to look for it would only find words. So `redact` has it, too.
SHORTEST = 8
_MIDDLE = 12
#: The value of a variable that is shorter, or a word, may well be in a cassette for itself.
_SHORTEST_VALUE = 12
_PLAIN_WORD = re.compile(r"[a-z]{1,20}")
#: A part of so few different characters, such as zeros, is no secret, either.
_REPEATED = 3
#: How often what was decoded is decoded again.
_DEPTH = 3
#: What is unpacked of a compressed body, in bytes.
_UNPACKED = 4_000_000

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{11,}={0,2}")
_HEX = re.compile(r"[0-9A-Fa-f]{16,}")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_FOLD = re.compile(r"\s*\r?\n\s*")
_STANDARD = str.maketrans("-_", "+/")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: The pieces of a URL or a form that may be encoded as a whole.
_ENCODED = re.compile(r"[^\s\"'<>&?=#/:@,;{}\[\]()|]*[%\\&][^\s\"'<>?=#/:@,{}\[\]()|]*")
#: What stands in a sentence where a key would: YOUR_API_KEY, or a word.
_IN_PROSE = (
    r"(?:[A-Z]+(?:[_-][A-Z]+)*|and|as|followed|for|here|in|instead|must|my\w*|not|only|plus|prefix|"
    r"should|string|the|then|to|type|value|was|with)(?![\w~+/=-]|\.\w)"
)
#: What looks like a key, whoever it belongs to; an error message may speak of a "Bearer token".
_TOKEN = re.compile(
    r"\bBearer\s+(?!(?:tokens?|auth\w*|scheme|header|keys?|credentials?|format|realm|error|your\w*|is|or|"
    r"scrubbed|redacted|filtered|removed|hidden|dummy|DUMMY|REDACTED|X+|x+)\b)"
    rf"(?!{_IN_PROSE})(?!\.+(?!\w))[\w.~+/=-]+"
    r"|\bBasic\s+(?=[\w+/-]*[\d+/=])[\w+/-]{6,}={0,2}"
    r"|\b(?:Key|Token)\s+[\w-]*\d[\w-]*:[\w-]{6,}"
    r"|\b(?:sk[-_]|r8_|hf_|gh[opsu]_|AIza|AKIA)[\w-]{8,}"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    # A part of a JWT: an object that begins with "alg", "typ", "kid", "iss", "sub", "exp" or "iat".
    r"|\beyJ(?:hbGci|0eXAi|raWQi|pc3Mi|zdWIi|leHAi|pYXQi)[\w.-]*",
    re.ASCII,
)
#: The same where a header is quoted in a text.
_HEADER = re.compile(
    r"((?:authorization|cookie|x-[\w-]*(?:key|token)|api-?key)[\"']?\s*[:=]\s*[\"']?"
    r"(?:(?:Bearer|Basic|Key|Token)\s+)?)(?=[^\s\"',;<]*\d)[^\s\"',;<]{6,}",
    re.ASCII | re.IGNORECASE,
)
_WORD = re.compile(r"[^\s\"'<>]+")
#: What joins the parts of a key, such as its id and its secret, or those of a JWT.
_JOINT = re.compile(r"[:.,;|/\s]+")


@frozen
class Secrets:
    """The keys that must not be in a cassette, beside whatever looks like one."""

    keys: Sequence[str] = field(default=(), repr=False)

    def __contains__(self, text: str | bytes) -> bool:
        """Whether a text has a key, or a part of one, in any of its readings."""
        return any(map(self._is_plain_in, readings(text)))

    def without(self, text: str) -> str:
        """The text with ``<KEY>`` where a key or a part of one was, in any spelling."""
        for key in self._short:
            text = text.replace(key, KEY)
        if text not in self:
            return text
        for key in self._whole:
            if (redacted := redact(text, key)) != text:
                text = redacted.replace("[key]", KEY)
        text = _HEADER.sub(rf"\1{KEY}", _TOKEN.sub(KEY, self._without_plain(text)))
        for runs in (_HEX, _BASE64, _ENCODED, _WORD):
            text = runs.sub(lambda run: self._without_run(run[0]), text)
        return text

    def _without_run(self, run: str) -> str:
        if run not in self:
            return run
        parts = run.split("/")  # A path, or base64 that has this letter.
        if any(part in self for part in parts):
            return "/".join(KEY if part in self else part for part in parts)
        return KEY

    def knows(self, text: str) -> bool:
        """Whether a text has one of the keys themselves; what merely looks like one is left out."""
        return any(map(self._has_piece, readings(text)))

    def _is_plain_in(self, text: str | bytes) -> bool:
        if self._has_piece(text):
            return True
        return isinstance(text, str) and bool(_TOKEN.search(text) or _HEADER.search(text))

    def _has_piece(self, text: str | bytes) -> bool:
        if isinstance(text, bytes):
            octets = text.lower()
            return any(piece.encode() in octets for piece in self._pieces)
        folded = text.lower()  # A host's name is written in lower case, whatever it was.
        return any(piece in folded for piece in self._pieces)

    @cached_property
    def _whole(self) -> list[str]:
        """The keys that are secrets, and their parts, each a key of its own; the longest first."""
        parts = {part for key in self.keys for part in (key, *_JOINT.split(key))}
        return sorted((part for part in parts if len(part) >= SHORTEST), key=len, reverse=True)

    @cached_property
    def _short(self) -> list[str]:
        return [key for key in self.keys if 0 < len(key) < SHORTEST]

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        """What every part of a key that is a secret contains, in lower case."""
        found = {piece for key in self._whole for piece in _pieces(key.lower())}
        return tuple(sorted(found))

    def _without_plain(self, text: str) -> str:
        """The text without the parts of keys that can be seen in it, each as long as it is."""
        folded = text.translate(_LOWER)
        spans = sorted(span for key in self._whole for span in _spans(folded, key.lower()))
        kept, end = [], 0
        for start, stop in spans:
            if stop > end:
                kept += [text[end:start], KEY] if start >= end else []
                end = stop
        return "".join(kept) + text[end:]


def _pieces(key: str) -> Iterator[str]:
    pieces = (key[:SHORTEST], key[-SHORTEST:], *_middles(key))
    return (piece for piece in pieces if len(set(piece)) > _REPEATED)


def _middles(key: str) -> Iterator[str]:
    return (key[start : start + _MIDDLE] for start in range(len(key) - _MIDDLE + 1))


def _spans(text: str, key: str) -> Iterator[tuple[int, int]]:
    """Where parts of a key are in a text, as far as they reach."""
    for piece in dict.fromkeys(_pieces(key)):
        found = text.find(piece)
        while found >= 0:
            at = key.index(piece)
            before = common_length(text[max(0, found - at) : found][::-1], key[:at][::-1])
            end = found + common_length(text[found : found + len(key)], key[at:])
            yield found - before, end
            found = text.find(piece, end)


# -- readings ------------------------------------------------------------------------------------


def readings(text: str | bytes, depth: int = _DEPTH) -> Iterator[str | bytes]:
    """What a text can be read as: itself, decoded, and decoded again; bytes if they are no text."""
    if isinstance(text, bytes):
        data = _unpacked(text)
        try:
            text = data.decode()
        except UnicodeDecodeError:  # Whatever it is, it has no further layers.
            yield data
            return
    yield text
    if depth:
        for decode in (_unquoted, _unescaped, _unfolded, _from_base64, _from_hex):
            for decoded in decode(text):
                yield from readings(decoded, depth - 1)


def _unpacked(data: bytes) -> bytes:
    """The content of gzip or zlib; other bytes as they are."""
    if data[:2] != b"\x1f\x8b" and data[:1] != b"\x78":
        return data
    try:
        return zlib.decompressobj(wbits=47).decompress(data, _UNPACKED)
    except zlib.error:
        return data


def _unquoted(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote(text)


def _unescaped(text: str) -> Iterator[str]:
    if "\\" in text:
        yield _ESCAPE.sub(_letter, text)
    if "&" in text and ";" in text:
        yield html.unescape(text)


def _letter(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    if code:
        return chr(int(code, 16))
    return {"n": "\n", "r": "\r", "t": "\t"}.get(escape[3], escape[3])


def _unfolded(text: str) -> Iterator[str]:
    if "\n" in text:
        yield _FOLD.sub("", text)


def _from_base64(text: str) -> Iterator[bytes]:
    """Each run of base64, whatever letters happen to stand before it."""
    for run in _BASE64.findall(text):
        digits = run.rstrip("=").translate(_STANDARD)
        for start in range(4):
            whole = digits[start:]
            whole = whole[:-1] if len(whole) % 4 == 1 else whole
            yield b64decode(whole + "=" * (-len(whole) % 4))


def _from_hex(text: str) -> Iterator[bytes]:
    for run in _HEX.findall(text):
        for start in range(2):
            digits = run[start:]
            yield bytes.fromhex(digits[: len(digits) // 2 * 2])


def keys_in(environ: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    """
    The values that the variables of these names have, as they are and as they are sent.

    A short one, or a plain word, is left out: it says nothing of a cassette that it is in it.
    """
    values = {name: environ.get(name, "").strip() for name in names}
    found = {key for name, text in values.items() for key in (text, plain_key(text, (name,))[0])}
    return tuple(sorted(filter(_may_be_secret, found)))


def _may_be_secret(value: str) -> bool:
    return len(value) >= _SHORTEST_VALUE and not _PLAIN_WORD.fullmatch(value)


def common_length(one: str, other: str) -> int:
    """How many characters two texts have in common from their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
