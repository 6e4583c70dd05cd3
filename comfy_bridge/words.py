"""
What the node and its page say, in the language of whoever reads it.

The texts are in ``locales/<language>/main.json`` under "kling26", and a text's key is the path that
leads to it there, with dots. ComfyUI reads these files too, for the rest of them. The names of the
node's inputs are those of its ``nodeDefs.json``, as "option.<name>". English has every text; what
another language should lack is English.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

_LOCALES = Path(__file__).parents[1] / "locales"
_ENGLISH = "en"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: More languages than anybody asks for; the rest of a long list is not read.
_MOST_ASKED = 20


class Said(str):
    """A text in the language of whoever reads it, which nobody has to put into it any more."""

    __slots__ = ()


@frozen
class Words:
    """The texts of a language, by key."""

    language: str
    _texts: Mapping[str, str] = field(repr=False)

    def __call__(self, key: str, **values: object) -> Said:
        """The text of a key, with `values` in place of its ``{placeholders}``."""
        return Said(_PLACEHOLDER.sub(lambda found: str(values[found[1]]), self._texts[key]))

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def all(self) -> Mapping[str, str]:
        """Every text by its key, with its placeholders."""
        return self._texts


def words(language: str | None = None) -> Words:
    """
    The texts in a language, such as "zh-CN"; of an Accept-Language header, in the one preferred.

    English if none of them is known.
    """
    return _words(next(_known(language or ""), _ENGLISH))


def languages() -> frozenset[str]:
    """The languages that there are texts in, as the names of their folders."""
    return _languages()


def _known(asked: str) -> Iterator[str]:
    """The languages of a header that there are texts in, the preferred ones first."""
    ranges = [_range(each) for each in asked.split(",", _MOST_ASKED)[:_MOST_ASKED]]
    for weight, name in sorted(ranges, key=lambda each: -each[0]):
        if weight > 0 and name in _languages():
            yield name


def _range(text: str) -> tuple[float, str]:
    """The weight of a language of a header, and its name without a region (RFC 9110, 12.5.4)."""
    name, _, weight = text.partition(";")
    found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight)
    return float(found[1]) if found else 1.0, re.split("[-_]", name.strip().lower())[0]


@cache
def _languages() -> frozenset[str]:
    return frozenset(each.parent.name for each in _LOCALES.glob("*/main.json"))


@cache
def _words(language: str) -> Words:
    own = dict(_flat(_read(language, "main")["kling26"])) | _options(language)
    every = own if language == _ENGLISH else {**_words(_ENGLISH).all(), **own}
    return Words(language, MappingProxyType(every))


def _read(language: str, file: str) -> Any:
    return json.loads((_LOCALES / language / f"{file}.json").read_text("utf-8"))


def _options(language: str) -> dict[str, str]:
    inputs = _read(language, "nodeDefs")["Kling26Video"]["inputs"]
    return {
        f"option.{name.removeprefix('provider_')}": texts["name"] for name, texts in inputs.items()
    }


def _flat(texts: Any, start: str = "") -> Iterator[tuple[str, str]]:
    for name, value in texts.items():
        if isinstance(value, str):
            yield f"{start}{name}", value
        else:
            yield from _flat(value, f"{start}{name}.")
