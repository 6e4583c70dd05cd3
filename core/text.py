"""Untrusted text made safe to display, and sentences put together."""

import json
import re
import string
from collections.abc import Iterable, Mapping

# Control characters (C0, DEL, C1), which start terminal escape codes, and the Unicode marks that
# reorder the text around them.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


def sanitize(text: object, limit: int = 300) -> str:
    """`text` on one line, without control characters, at most `limit` characters long."""
    line = " ".join(_UNSAFE.sub(" ", str(text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def is_one_line(text: str) -> bool:
    """Whether a text has neither line breaks nor control characters."""
    return _UNSAFE.search(text) is None and len(text.splitlines()) < 2


_SENTENCE_ENDS = (".", "!", "?", "…")


def sentence(text: object, limit: int = 300) -> str:
    """`sanitize(text)`, ending in a full stop."""
    line = sanitize(text, limit)
    return line if line.endswith(_SENTENCE_ENDS) else f"{line}."


def join_sentences(*sentences: str) -> str:
    """
    Sentences as one text, with a full stop after each but the last.

    Empty ones are dropped. The last may end in a command, which is easier to copy without one.

    >>> join_sentences("Nothing was sent", "Go on with: kling26 resume")
    'Nothing was sent. Go on with: kling26 resume'
    """
    *others, last = [each for each in sentences if each] or [""]
    ended = (each if each.endswith(_SENTENCE_ENDS) else f"{each}." for each in others)
    return " ".join([*ended, last])


#: What may surround a URL and is no part of one: blanks, marks that are not seen, quotes, brackets.
_AROUND_URL = string.whitespace + '\ufeff\u200b\u00a0<>"`“”‘’„«»'


def bare_url(text: str) -> str:
    """
    A URL without what surrounds it, and without line breaks, which browsers ignore in a URL.

    >>> bare_url(' "<https://a.example/1.\\nmp4>"\\n')
    'https://a.example/1.mp4'
    """
    bare = re.sub(r"[\t\r\n]+", "", text).strip(_AROUND_URL)
    quoted = bare.startswith("'")  # An apostrophe may also be the end of a file's name.
    return bare.strip("'").strip(_AROUND_URL) if quoted else bare


def did_you_mean(wrong: str, names: Iterable[str]) -> str:
    """
    The end of a sentence: the name that is `closest`, or "" if none is close.

    >>> did_you_mean("kei", ["kie", "cometapi"])
    '; did you mean "kie"?'
    """
    meant = closest(wrong, names)
    return "" if meant is None else f'; did you mean "{sanitize(meant, 60)}"?'


def closest(wrong: str, names: Iterable[str]) -> str | None:
    """
    The name that was most likely meant, or None if none is close.

    Neither capitals nor the kind of dash count.
    """
    import difflib  # Only needed when something is misspelt.

    spelled = {_folded(name): name for name in names}
    begun = [name for name in spelled if len(wrong) > 1 and name.startswith(_folded(wrong))]
    close = begun if len(begun) == 1 else difflib.get_close_matches(_folded(wrong), spelled, n=1)
    return spelled[close[0]] if close else None


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-").lstrip("-")


def bytes_text(done: int, total: int | None = None) -> str:
    """
    How many bytes of how many, in the unit that suits the total.

    >>> bytes_text(4_321, 9_000), bytes_text(1_500_000)
    ('4 of 9 kB', '1.5 MB')
    """
    large = max(done, total or 0) >= 1e6
    unit, size = ("MB", 1e6) if large else ("kB", 1e3)
    shown = [f"{number / size:.{int(large)}f}" for number in (done, total) if number is not None]
    return f"{' of '.join(shown)} {unit}"


def size_text(length: int) -> str:
    """
    A number of bytes in the unit in which the limit was set; rounded down, so that it is kept.

    >>> size_text(6 * 1024 * 1024), size_text(10_000_000)
    ('6 MiB', '10 MB')
    """
    mebibytes, rest = divmod(length, 1024 * 1024)
    return f"{length // 1e5 / 10:g} MB" if rest else f"{mebibytes} MiB"


def reason(error: BaseException) -> str:
    """The system's reason for a failure, without the error number and the path."""
    said = error.strerror if isinstance(error, OSError) else None
    return sanitize(said or error).rstrip(".")


def summarize_body(content: bytes) -> str:
    """
    A sentence on an answer in an unknown format: its message, without markup or JSON.

    >>> summarize_body(b'{"code": 7, "detail": {"message": "No cats."}}')
    'It said: "No cats".'
    >>> summarize_body(b"<html>")
    'It sent a web page.'
    """
    text = content[:20_000].decode("utf-8", "replace").strip()
    if not text:
        return "It sent nothing."
    if text.startswith("<"):
        return "It sent a web page."
    words = _find_message(text) if text[0] in '{["' else sanitize(text, 120)
    return f'It said: "{words.rstrip(".")}".' if words else ""


#: The usual names of an error's text, the most common first.
_MESSAGE_KEYS = ("message", "msg", "error_message", "detail", "error", "reason", "title")


def _find_message(text: str) -> str | None:
    """The first message for humans in a JSON text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for _ in range(5):
        if isinstance(value, list):
            value = value[0] if value else None
        elif isinstance(value, Mapping):
            value = next((value[name] for name in _MESSAGE_KEYS if value.get(name)), None)
    return sanitize(value, 120) if isinstance(value, str) else None


def join_words(values: Iterable[object], last: str = "or") -> str:
    """
    Values as a list in prose.

    >>> join_words([5, 10])
    '5 or 10'
    >>> join_words(["16:9", "9:16", "1:1"])
    '16:9, 9:16 or 1:1'
    """
    *others, final = [str(value) for value in values] or ["nothing"]
    return f"{', '.join(others)} {last} {final}" if others else final


def span(seconds: float) -> str:
    """
    A length of time in the largest unit of which there are at least two.

    >>> span(7.6), span(300), span(86400), span(31_536_000)
    ('8 s', '5 min', '24 hours', '365 days')
    """
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
