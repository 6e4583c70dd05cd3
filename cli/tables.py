"""Text laid out for the terminal: columns, and paragraphs that keep ids and paths whole."""

import re
from collections.abc import Sequence

from ..core.text import sanitize
from . import console

#: How wide tables and paragraphs are for another program.
_WIDTH = 100
#: What a word may break after, if it is wider than the line: the parts of a path or a URL.
_PARTS = re.compile(r"[^/\\]+[/\\]*|[/\\]+")


def width() -> int:
    """How wide text may be: the width of the terminal, or 100 columns for another program."""
    return console.width() or _WIDTH


def cells(text: str) -> int:
    """How many columns of a terminal a text takes: some letters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # Only for such letters: importing it takes a while.

    return cell_len(text)


def excerpt(text: str, room: int) -> str:
    """As much of a text as fits into so many columns."""
    shown = sanitize(text, room)
    if cells(shown) <= room:
        return shown
    from rich.cells import set_cell_size

    return f"{set_cell_size(shown.removesuffix('…'), room - 1).rstrip()}…"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def paragraph(text: str, indent: str) -> list[str]:
    """
    A text as indented lines, broken between words where a terminal would break within them.

    What another program reads is one line.
    """
    if console.width() is None:
        return [indent + text]
    room = max(width() - len(indent), 1)
    lines = [""]
    for word in text.split(" "):
        pieces = [word] if cells(word) <= room else _PARTS.findall(word)
        for number, piece in enumerate(pieces):
            joint = " " if lines[-1] and number == 0 else ""
            if lines[-1] and cells(lines[-1]) + len(joint) + cells(piece) > room:
                lines.append(piece)
            else:
                lines[-1] += joint + piece
    return [indent + line for line in lines]
