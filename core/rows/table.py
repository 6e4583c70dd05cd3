"""Tables: CSV as people and spreadsheets write it, and JSON lines."""

import csv
import io
import json
import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Literal, NoReturn

from attrs import frozen

from ..errors import UsageError
from ..options import show
from ..text import join_words, sanitize
from .problems import refused
from .text import check_text

#: What may stand between cells; the first one where it does not matter.
_DELIMITERS = (",", ";", "\t")
#: What Excel writes, and reads, in the first line to say which one it is.
_NAMED = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)

#: What may surround a name: blanks, and marks that are not seen.
_BLANK = f"{string.whitespace}\u00a0\u200b\ufeff"

Cell = object
Record = Mapping[str, Cell]


@frozen
class Form:
    """How a table is written: `delimiter` and `marked`, with a byte order mark, are of CSV."""

    kind: Literal["csv", "jsonl"]
    delimiter: str = ","
    marked: bool = False


@frozen
class Table:
    """A table: `name` is that of its file, and each record has all of its `columns`."""

    name: str
    columns: Sequence[str]
    records: Sequence[Record]
    form: Form


def parsed(text: str, name: str, form: Form | None, marked: bool = False) -> Table:
    """
    The table in a text; without a `form`, that is seen from the text.

    Raises `UsageError`.
    """
    if not text.strip():
        raise UsageError(f"{name} is empty.")
    begin = text.lstrip()[:1]
    if begin == "[" and (form is None or form.kind == "jsonl"):
        raise UsageError(
            f"{name} is a JSON array. Write one object on each line, without brackets."
        )
    if form.kind == "jsonl" if form is not None else begin == "{":
        return _json_lines(text, name)
    return _csv(text, name, None if form is None else form.delimiter, marked)


# -- CSV ---------------------------------------------------------------------------------------


def _csv(text: str, name: str, delimiter: str | None, marked: bool) -> Table:
    named = _NAMED.match(text)
    if named is not None:
        text, delimiter = text[named.end() :], named[1]
    delimiter = delimiter or _delimiter(text)
    lines = list(_lines(text, name, delimiter))
    if not lines:
        raise UsageError(f"{name} is empty.")
    header, *rows = lines
    columns = _columns(header, rows, name)
    if not rows:
        raise UsageError(f"{name} has a header and no rows.")
    problems = [
        f"row {number}: it has {len(row)} cells, and the header has {len(columns)}"
        for number, row in enumerate(rows, 1)
        if len(row) > len(columns)
    ]
    if problems:
        raise refused(problems, name)
    # Spreadsheets may leave out the empty cells at the end.
    records = [dict(zip_longest(columns, row, fillvalue="")) for row in rows]
    return Table(name, columns, records, Form("csv", delimiter, marked))


def _delimiter(text: str) -> str:
    """What stands between the cells of the header."""

    def fit(delimiter: str) -> tuple[bool, int]:
        header = next(iter(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), [])
        return "prompt" in (name.strip().casefold() for name in header), len(header)

    try:
        return max(_DELIMITERS, key=fit)
    except csv.Error:  # Said when it is read.
        return _DELIMITERS[0]


def _lines(text: str, name: str, delimiter: str) -> Iterator[list[str]]:
    """The lines that are not blank, as cells; a quoted cell may have line breaks."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield cells
                number += 1
    except csv.Error as error:
        where = f"row {number}" if number else "the header"
        raise UsageError(f"{name} cannot be read at {where}: {_why(error)}.") from error


def _why(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return 'a quote (") is never closed'
    if "field limit" in str(error):
        return f"a cell is longer than {csv.field_size_limit() // 1000} kB"
    return f"after a closing quote comes something else than the end of the cell ({error})"


def _columns(header: Sequence[str], rows: Sequence[list[str]], name: str) -> list[str]:
    """The names of the columns; those at the end that are empty altogether are left out."""
    columns = [each.strip(_BLANK) for each in header]
    while columns and not columns[-1] and not any("".join(row[len(columns) - 1 :]) for row in rows):
        columns.pop()
    for row in rows:
        if len(row) > len(columns) and not any(row[len(columns) :]):
            del row[len(columns) :]
    if columns[:1] == [""]:
        raise UsageError(
            f"{name} has no name for column 1, as when pandas saves its index: leave that column "
            "out, or name it."
        )
    if "" in columns:
        raise UsageError(f"{name} has no name for column {columns.index('') + 1}.")
    twice = [each for each, times in Counter(columns).items() if times > 1]
    if twice:
        names = join_words([show(each) for each in twice], "and")
        raise UsageError(f"{name} has more than one column {names}.")
    return columns


# -- JSON lines --------------------------------------------------------------------------------


def _json_lines(text: str, name: str) -> Table:
    records: list[dict[str, Cell]] = []
    problems: list[str] = []
    for line in text.split("\n"):  # Not `splitlines`: JSON may have other separators in a string.
        if not line.strip():
            continue
        number = len(records) + 1
        try:
            records.append(_object(line))
        except (ValueError, RecursionError) as error:
            records.append({})
            problems.append(f"row {number}: {_json_problem(error)}")
    if problems:
        raise refused(problems, name)
    columns = list(dict.fromkeys(column for record in records for column in record))
    for column in columns:
        check_text(column, name)
        if not column.strip():
            raise UsageError(f"{name} has a column without a name.")
    full = [{column: record.get(column) for column in columns} for record in records]
    return Table(name, columns, full, Form("jsonl"))


class _Unfit(ValueError):
    """A line is JSON, and no row."""


def _object(line: str) -> dict[str, Cell]:
    found: object = json.loads(line, object_pairs_hook=_pairs, parse_constant=_no_number)
    if not isinstance(found, dict):
        raise _Unfit(f"it must be an object; got {show(found)}")
    return found


def _pairs(pairs: list[tuple[str, Cell]]) -> dict[str, Cell]:
    twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if twice:
        raise _Unfit(f"it has {show(twice[0])} more than once")
    return dict(pairs)


def _no_number(text: str) -> NoReturn:
    raise _Unfit(f"{text} is no number in JSON")


def _json_problem(error: Exception) -> str:
    if isinstance(error, _Unfit):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON object on one line ({sanitize(error.msg)}, column {error.colno})"
    return "it cannot be read as JSON"
