"""Templates for the names of many videos: `clips/{row:03}-{name}.mp4`."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from string import Formatter

from attrs import frozen

from ..errors import OptionRefused
from ..text import did_you_mean, sanitize

#: What some file system or other does not take in a name, and what would be another folder.
_UNSAFE = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+'
)
#: Names that are devices on Windows, whatever follows the dot.
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])[ .]*(\..*)?", re.IGNORECASE
)
#: The longest that a value may be in a name, and a name, in bytes.
_LONGEST_VALUE, _LONGEST_NAME = 120, 255
#: Around what comes from a row, while a path is put together: no text has these.
_BEGIN, _END = "\ue000", "\ue001"
_SEPARATORS = re.compile(f"([{re.escape(os.sep + (os.altsep or ''))}])")
#: How values may be written: what is longer than any name, is no name.
_SPEC = re.compile(r"[^0-9{}]{0,4}[0-9]{0,3}(\.[0-9]{1,3})?[a-zA-Z]?")

Value = str | int


@frozen
class Template:
    """A path with placeholders: pairs of the text before one, and its name and format."""

    text: str
    parts: Sequence[tuple[str, str | None, str]]

    @property
    def names(self) -> set[str]:
        """The names of its placeholders."""
        return {name for _, name, _ in self.parts if name is not None}

    def path(self, values: Mapping[str, Value]) -> str:
        """
        The path for a row; raises `OptionRefused` if a value for it is missing.

        >>> parse("{row:02}-{name}.mp4", ["name", "row"]).path({"row": 3, "name": "AC/DC: live"})
        '03-AC_DC_ live.mp4'
        """
        path = "".join(
            before + ("" if name is None else _filled(name, spec, values))
            for before, name, spec in self.parts
        )
        return "".join(_named(each) for each in _SEPARATORS.split(path))


def parse(text: str, names: Iterable[str]) -> Template:
    """
    A template whose placeholders are some of these `names`.

    Raises `OptionRefused`.
    """
    known = list(names)
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise _refused(
            f'"{_shown(text)}" has a brace without its other half; {_LITERAL}'
        ) from error
    parts = []
    for before, name, spec, conversion in parsed:
        if name is not None:
            _check(name, spec or "", conversion, known)
        parts.append((before, name, spec or ""))
    return Template(text, parts)


_LITERAL = "for a brace in the name itself, write it twice."


def _check(name: str, spec: str, conversion: str | None, known: Sequence[str]) -> None:
    if name not in known:
        hint = did_you_mean(name, known) if name else ""
        other = f"; there are {', '.join(f'{{{sanitize(each, 40)}}}' for each in known[:12])}."
        raise _refused(f'There is no column for "{{{_shown(name)}}}" in the output{hint or other}')
    if conversion or not _SPEC.fullmatch(spec):
        raise _refused(
            f'"{{{_shown(name)}:{_shown(spec)}}}" in the output has no format that is known.'
        )


def _refused(problem: str) -> OptionRefused:
    return OptionRefused(problem, option="output")


def _shown(text: str) -> str:
    return sanitize(text, 60)


def _filled(name: str, spec: str, values: Mapping[str, Value]) -> str:
    value = values.get(name, "")
    if isinstance(value, str) and not value.strip():
        raise _refused(f"{{{_shown(name)}}} is in the output, and empty here.")
    try:
        return f"{_BEGIN}{_safe(format(value, spec))}{_END}"
    except ValueError as error:
        problem = f'"{_shown(str(value))}" does not go with the format {{{_shown(name)}:{spec}}}.'
        raise _refused(problem) from error


def _safe(value: str) -> str:
    """A value as a part of a name."""
    text = unicodedata.normalize("NFC", value).replace(_BEGIN, "").replace(_END, "")
    return _cut(_UNSAFE.sub("_", text).strip(), _LONGEST_VALUE)


def _named(part: str) -> str:
    """A part of a path, made safe if anything in it comes from a row."""
    if _BEGIN not in part:
        return part
    text = part.replace(_BEGIN, "").replace(_END, "").strip(" ").rstrip(" .")
    if text[:1] in (".", "~"):  # It would be hidden, lead upwards, or to somebody's home.
        text = f"_{text[1:]}"
    if _DEVICES.fullmatch(text):
        text = f"_{text}"
    stem, suffix = os.path.splitext(text)
    return _cut(stem, _LONGEST_NAME - len(suffix.encode())) + suffix or "_"


def _cut(text: str, longest: int) -> str:
    """As much of a text as fits into so many bytes."""
    data = text.encode()
    return (
        text if len(data) <= longest else data[: max(0, longest)].decode(errors="ignore").rstrip()
    )
