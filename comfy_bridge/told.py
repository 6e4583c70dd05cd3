"""
Core's sentences in another language.

Core speaks English. The texts under "core" are its sentences to the letter, and those under "part"
what can be in the place of a ``{placeholder}`` of them. What stands there is put into the other
language as its name says, as far as it can be; what a provider says stays as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache

from attrs import define, field, frozen

from ..core.money import USD
from .figures import listed, money, number
from .words import Words, words

_BOUNDARY = re.compile(r"(?<=[.!?…]) ")
#: More than core ever says at once; what is longer comes from elsewhere.
_LONGEST, _MOST_SENTENCES = 4000, 30
_NUMBER = r"\d[\d.]*"
#: "a or b", "a, b or c" and the like, of names without blanks.
_LIST = r"([^\s,]+, )*[^\s,]+ (or|and) [^\s,]+"
#: A limit of the budget: its default's variable, or its name, and the file where it is set.
_LIMIT = re.compile(
    r'(?:the default of KLING26_|"|\b)(max_[a-z]+_per_[a-z]+)(?:" in .+?)?'
    r"(?= allows | is 0| cannot )",
    re.IGNORECASE,
)
#: What can be in a place, by its name; anything in those that are not here.
_SHAPES = {
    **dict.fromkeys(("number", "done", "total", "count", "most"), _NUMBER),
    **dict.fromkeys(("usd", "most_usd", "spent_usd"), _NUMBER),
    "numbers": rf"{_NUMBER}(, {_NUMBER})*( or {_NUMBER})?",
    "code": r"[^()]+",
    "size": rf"{_NUMBER}( of {_NUMBER})? (kB|MB|MiB)",
    "span": rf"{_NUMBER} (s|min|hours|days)",
}


def in_words(words: Words, text: str) -> str | None:
    """A text of core's in a language; None if that does not have all of it."""
    return _in_english(words, text) if words.language == "en" else _in_words(words.language, text)


def _in_english(words: Words, text: str) -> str:
    """Core's own words, but for the limits of the budget, which the page calls by other names."""
    return _LIMIT.sub(lambda found: words(f"setting.{found[1].lower()}"), text)


@lru_cache(maxsize=256)  # A node shows the same text again and again.
def _in_words(language: str, text: str) -> str | None:
    told = _Reader(words(language)).read(text, _forms("core."))
    # What is put in may begin or end with a letter of either kind; between Chinese ones is no gap.
    return told and re.sub(r"(?<=[一-鿿]) (?=[一-鿿])", "", told)


@frozen
class _Form:
    """A sentence, or a part of one: what is around its places, and their names."""

    key: str
    around: Sequence[str]
    places: Sequence[str]

    def match(self, text: str) -> Mapping[str, str] | None:
        """What is in the places of a text; None if it has another form. Never tries again."""
        first, *others = self.around
        if not others:
            return {} if text == first else None
        *between, last = others
        if not (text.startswith(first) and text.endswith(last)):
            return None
        start, end, found = len(first), len(text) - len(last), []
        for each in between:
            until = text.find(each, start, end)
            if until < 0:
                return None
            found.append(text[start:until])
            start = until + len(each)
        values = dict(zip(self.places, [*found, text[start:end]], strict=True))
        return values if all(_fits(*each) for each in values.items()) else None


def _fits(name: str, value: str) -> bool:
    return re.fullmatch(_SHAPES.get(name, ".+"), value) is not None


@cache
def _forms(*kinds: str) -> Sequence[_Form]:
    """The forms of these kinds, the most telling first."""
    forms = []
    for key, text in words().all().items():
        if key.startswith(kinds):
            around, places = re.split(r"\{\w+\}", text), re.findall(r"\{(\w+)\}", text)
            forms.append(_Form(key, around, places))
    return sorted(forms, key=lambda form: -sum(map(len, form.around)))


@define
class _Reader:
    """Reads texts into one language."""

    words: Words
    _known: dict[str, str | None] = field(factory=dict, init=False)

    def read(self, text: str, forms: Sequence[_Form]) -> str | None:
        """All of a text, which may be several sentences; None unless each of them is known."""
        ends = [found.start() for found in _BOUNDARY.finditer(text)]
        if len(text) > _LONGEST or len(ends) >= _MOST_SENTENCES:
            return None
        return next(self._readings(text, [*ends, len(text)], forms), None)

    def _readings(self, text: str, ends: Sequence[int], forms: Sequence[_Form]) -> Iterator[str]:
        # The shortest beginning first: some forms end in a place, which would take all the rest.
        for end in ends:
            tail = text[end + 1 :]
            if tail not in self._known:
                self._known[tail] = self.read(tail, forms) if tail else ""
            rest, told = self._known[tail], None
            if rest is not None:
                told = self._told(text[:end], forms)
            if told is not None and rest is not None:
                yield told + (" " if rest and not told.endswith("。") else "") + rest

    def _told(self, text: str, forms: Sequence[_Form]) -> str | None:
        """One sentence, or one part."""
        for form in forms:
            values = form.match(text)
            if values is not None:
                told = {name: self._value(name, value) for name, value in values.items()}
                return self.words(form.key, **told)
        return None

    def _value(self, name: str, value: str) -> str:
        """What is in the place of this name."""
        if name.endswith("usd"):
            return money(self.words, float(value), USD)
        if re.fullmatch(_LIST, value):
            *others, _, last = re.split(",? ", value)
            return listed(self.words, [*others, last], "and" if " and " in value else "or")
        if name in ("option", "state"):
            return self.words.all().get(f"{name}.{value}", value)
        if name == "setting":  # A variable of the environment is not in the panel.
            found = _LIMIT.match(f"{value} allows ")
            return self.words(f"setting.{found[1].lower()}") if found else value
        if re.fullmatch(_NUMBER, value) and name in _SHAPES:
            return number(self.words, value)
        return _Reader(self.words).read(value, _forms("core.", "part.")) or value
