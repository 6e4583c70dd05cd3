"""Settings files as people edit them: TOML in UTF-8, with or without a byte order mark."""

import codecs
import re
from pathlib import Path

from .atomic import read_file


class NotToml(ValueError):
    """The contents of a file cannot be read; the message says why, and quotes nothing of it."""


def read_toml(path: Path) -> dict[str, object]:
    """
    What a file says; empty if there is none.

    Raises `OSError`, `NotToml`, or the parser's `ValueError`, which may quote what is in the file.
    """
    try:
        data = read_file(path)
    except FileNotFoundError:
        if path.is_symlink():  # To a disk that is not there, perhaps: what it says is not known.
            raise NotToml("it is a link that leads nowhere") from None
        return {}
    # Windows PowerShell writes UTF-16; no text in UTF-8 contains NUL.
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        raise NotToml("it is in UTF-16; save it in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotToml("it is not in UTF-8; save it in UTF-8") from error
    import tomllib  # Slow to import, and few users have such a file.

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise NotToml("it has too many brackets within brackets") from error


def line_of(error: ValueError) -> int | None:
    """The number of the line that the parser fails at, counted from 1; None if it says none."""
    found = re.search(r"\(at line (\d+), column \d+\)$", str(error))
    return int(found[1]) if found else None
