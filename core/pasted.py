"""What people paste along with a key or an address, and what is left without it."""

import re
import unicodedata
from collections.abc import Collection

#: A byte order mark, blanks of no width, and hyphens that are only shown at the end of a line.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad\u180e"
_WITHOUT_INVISIBLE = dict.fromkeys(map(ord, _INVISIBLE))
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
_HEADER = re.compile(
    r"(?:-H\s*[\"']?)?(?:(?:proxy-)?authorization\s*[:=]\s*)?bearer(?:\s+|$)", re.I
)
_PUNCTUATION = re.compile(r"(?:\\[rn]|[,;\s])+$")


#: Letters without a shape, beside the blanks and the marks that Unicode has as such.
_SHAPELESS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0") | set(
    map(chr, range(0xFE00, 0xFE10))
)


def bare(text: str) -> str:
    """A text without what is not seen around it: blanks, and characters of no width."""
    start, end = 0, len(text)
    while start < end and _is_unseen(text[start]):
        start += 1
    while start < end and _is_unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_unseen(letter: str) -> bool:
    return (
        letter.isspace()
        or letter in _SHAPELESS
        or unicodedata.category(letter) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    )


def plain(text: str) -> str:
    """A value without the blanks and the pair of quotes around it."""
    text = text.strip(_INVISIBLE).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text


def plain_key(text: str, names: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """
    The key in what was pasted, and what was left out of it, in words.

    `names` are what the key may be called in a line that assigns it.
    """
    text, left_out = text.strip(), dict[str, None]()
    while True:
        tried = ((what, rest.strip()) for what, rest in _shortened(text, names) if rest != text)
        what, rest = next(tried, (None, text))
        if what is None:
            return text, tuple(left_out)
        text, left_out[what] = rest, None


def _shortened(text: str, names: Collection[str]) -> list[tuple[str, str]]:
    """What is plainly no part of a key, and the text without it."""
    assigned = re.compile(
        rf"(?:-\s+|export\s+|setx?\s+|\$env:|-H\s*[\"']?)?[\"']?"
        rf"(?:{'|'.join(map(re.escape, names))}|(?:x-)?api[-_ ]?key|token|key)[\"']?"
        r"(?:\s*[:=]\s*|\s+)",
        re.I,
    )
    return [
        ("invisible characters", text.translate(_WITHOUT_INVISIBLE)),
        ("the punctuation after it", _PUNCTUATION.sub("", text)),
        ("the quotes", text.strip(_QUOTES)),
        ('"Bearer"', _beyond(_HEADER, text)),
        ("the name in front of it", _beyond(assigned, text)),
    ]


def _beyond(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return text if found is None else text[found.end() :]
