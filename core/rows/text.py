"""The text of a table's file. Its encoding is never guessed."""

import os
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from pathlib import Path

from ..atomic import look_at
from ..errors import UsageError
from ..text import reason, sanitize

#: The most that is read, in bytes: far more than a table that people look at.
LONGEST = 100 * 10**6
#: How workbooks begin: those of Excel and LibreOffice, which are archives, and older ones.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SAVE = "Save it as UTF-8"
#: What no cell may have: NUL, and half of a surrogate pair, which cannot be written again.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def read_bytes(path: Path) -> bytes:
    """What is in a file; raises `UsageError`."""
    name = shown(path)
    try:
        found = look_at(path)
        if found is not None and found.st_size > LONGEST:
            raise too_long(name)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"{name} cannot be read: {reason(error)}.") from error


def decoded(data: bytes, name: str) -> str:
    """
    The text of a file, in UTF-8, or with a byte order mark in UTF-16, as Excel's "Unicode text" is.

    Raises `UsageError`.
    """
    if data.startswith(_WORKBOOKS):
        raise UsageError(f"{name} is a workbook or an archive, not text. Save the table as CSV.")
    if data.startswith((BOM_UTF32_LE, BOM_UTF32_BE)):
        raise UsageError(f"{name} is in UTF-32. {_SAVE}.")
    wide = data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-16" if wide else "utf-8", "replace")
        line = before.count("\n") + 1
        encoding = "UTF-16" if wide else "UTF-8"
        raise UsageError(f"{name} is not {encoding} in line {line}. {_SAVE}.") from error
    text = text.lstrip("\ufeff")
    check_text(text, name)
    return text


def check_text(text: str, name: str) -> None:
    """Raise `UsageError` for what no cell may have."""
    if (odd := _UNWRITABLE.search(text)) is not None:
        line, what = text.count("\n", 0, odd.start()) + 1, _named(odd[0])
        problem = f"has a character in line {line} that is no text ({what}). {_SAVE}."
        raise UsageError(f"{name} {problem}")


def odd_character(text: str) -> str | None:
    """The first character of a text that no cell may have, in words; None if there is none."""
    odd = _UNWRITABLE.search(text)
    return None if odd is None else _named(odd[0])


def _named(odd: str) -> str:
    return "NUL" if odd == "\0" else "half of a surrogate pair"


def has_mark(data: bytes) -> bool:
    """Whether it begins with a byte order mark, by which Excel knows its encoding."""
    return data.startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE))


def too_long(name: str) -> UsageError:
    return UsageError(f"{name} is longer than {LONGEST // 10**6} MB.")


def shown(path: "str | os.PathLike[str]") -> str:
    """The name of a file, as errors begin with it."""
    return f'"{sanitize(os.fspath(path), 200)}"'
